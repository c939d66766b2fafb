//! Index files: read into memory, mapped, and saved.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ohyeah_core::forest::{AnyForest, NodeBuf, OpenError, Storage as _};
use ohyeah_core::packed::PackedBuf;
use ohyeah_core::{Distance, Forest, Metric, Packed, packed};

use crate::map::open_ordinary;
use crate::{AtomicFile, MappedFile};

/// Why an index file could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// The file is not a forest of this metric and these dimensions.
    Forest(PathBuf, OpenError),
    /// The file is not a packed index.
    Packed(PathBuf, packed::OpenError),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => {
                write!(f, "{}: ", path.display())?;
                match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                        write!(f, "there is no such file; check the name")
                    }
                    io::ErrorKind::IsADirectory => write!(f, "is a folder; give the name of a file"),
                    io::ErrorKind::PermissionDenied => write!(f, "may not be read; change its permissions"),
                    _ => write!(f, "cannot be read: {error}"),
                }
            }
            Self::Forest(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Packed(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Forest(_, error) => Some(error),
            Self::Packed(_, error) => Some(error),
        }
    }
}

/// An index that can be a file: a [`Forest`], an [`AnyForest`] or a [`Packed`].
pub trait IndexFile: sealed::Sealed {
    /// The bytes of its file.
    ///
    /// # Errors
    ///
    /// Why there is no such file: a forest without trees has bytes that say nothing of themselves.
    fn file_bytes(&self) -> Result<&[u8], &'static str>;
}

mod sealed {
    use super::{AnyForest, Distance, Forest, Packed};

    pub trait Sealed {}
    impl<D: Distance, S> Sealed for Forest<D, S> {}
    impl<S> Sealed for AnyForest<S> {}
    impl<S> Sealed for Packed<S> {}
}

const NO_TREES: &str = "the index has no trees, and a file of items alone says nothing of itself: build some";

impl<D: Distance, S: AsRef<[u8]>> IndexFile for Forest<D, S> {
    fn file_bytes(&self) -> Result<&[u8], &'static str> {
        if self.trees() == 0 { Err(NO_TREES) } else { Ok(self.as_bytes()) }
    }
}

impl<S: AsRef<[u8]>> IndexFile for AnyForest<S> {
    fn file_bytes(&self) -> Result<&[u8], &'static str> {
        if self.trees() == 0 { Err(NO_TREES) } else { Ok(self.as_bytes()) }
    }
}

impl<S: AsRef<[u8]>> IndexFile for Packed<S> {
    fn file_bytes(&self) -> Result<&[u8], &'static str> {
        Ok(self.as_bytes())
    }
}

/// Saves an index under a name, replacing what was there, whole or not at all: see [`AtomicFile`].
///
/// # Errors
///
/// The file cannot be written; or it is a forest without trees, whose bytes would not show how many items it has. The error
/// names the file.
pub fn save(path: impl AsRef<Path>, index: &impl IndexFile) -> io::Result<()> {
    let path = path.as_ref();
    let bytes = index
        .file_bytes()
        .map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {problem}", path.display())))?;
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Reads a file as a packed index.
///
/// # Errors
///
/// The file cannot be read, or is no packed index.
///
/// # Examples
///
/// ```
/// use ohyeah::packed::{BuildOptions, Search};
/// use ohyeah::{Metric, Packed};
///
/// let vectors: Vec<f32> = (0..2000).map(|x| (x as f32).sin()).collect();
/// let index = Packed::build(Metric::Euclidean, &vectors, 4, &BuildOptions::new())?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("points.oy");
/// ohyeah::save(&path, &index)?;
///
/// let read = ohyeah::read_packed(&path)?;
/// assert_eq!(read.search(&vectors[400..404], &Search::top(1))?[0].id, 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_packed(path: impl AsRef<Path>) -> Result<Packed, FileError> {
    let path = path.as_ref();
    let no_memory = |_| io::Error::from(io::ErrorKind::OutOfMemory);
    let buf = read(path, |length| PackedBuf::zeroed(length).map_err(no_memory))?;
    Packed::open(buf).map_err(|error| FileError::Packed(path.to_owned(), error))
}

/// Maps a file as a packed index; see [`MappedFile`]. Processes that map the same file share one copy of it.
///
/// # Errors
///
/// See [`read_packed`].
///
/// # Safety
///
/// Nobody writes to the file or cuts it short while it is mapped: see [`MappedFile`].
#[allow(unsafe_code)]
pub unsafe fn map_packed(path: impl AsRef<Path>) -> Result<Packed<MappedFile>, FileError> {
    let path = path.as_ref();
    // SAFETY: the obligation is this function's own.
    let file = unsafe { map(path)? };
    Packed::open(file).map_err(|error| FileError::Packed(path.to_owned(), error))
}

/// Reads a file as a forest; see [`Forest::open`].
///
/// # Errors
///
/// The file cannot be read, or is no forest of this metric and these dimensions.
///
/// # Examples
///
/// ```
/// use ohyeah::forest::{BuildOptions, Search};
/// use ohyeah::{Euclidean, Forest};
///
/// let vectors: Vec<f32> = (0..100).flat_map(|x| [x as f32, 1.0]).collect();
/// let forest = Forest::build(Euclidean, &vectors, 2, &BuildOptions::new())?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("points.ann");
/// ohyeah::save(&path, &forest)?;
///
/// let read = ohyeah::read_forest::<Euclidean>(&path, 2)?;
/// assert_eq!(read.search(&[41.2, 1.0], &Search::top(1))?[0].id, 41);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_forest<D: Distance>(path: impl AsRef<Path>, dimensions: usize) -> Result<Forest<D>, FileError> {
    let path = path.as_ref();
    Forest::open(read_nodes(path)?, dimensions).map_err(|error| FileError::Forest(path.to_owned(), error))
}

/// Maps a file as a forest; see [`Forest::open`] and [`MappedFile`].
///
/// # Errors
///
/// See [`read_forest`].
///
/// # Safety
///
/// Nobody writes to the file or cuts it short while it is mapped: see [`MappedFile`].
#[allow(unsafe_code)]
pub unsafe fn map_forest<D: Distance>(
    path: impl AsRef<Path>,
    dimensions: usize,
) -> Result<Forest<D, MappedFile>, FileError> {
    let path = path.as_ref();
    // SAFETY: the obligation is this function's own.
    let file = unsafe { map(path)? };
    Forest::open(file, dimensions).map_err(|error| FileError::Forest(path.to_owned(), error))
}

/// Reads a file as a forest of a metric that is a value; see [`AnyForest::open`].
///
/// # Errors
///
/// The file cannot be read, or is no forest of this metric and these dimensions.
pub fn read_any_forest(path: impl AsRef<Path>, metric: Metric, dimensions: usize) -> Result<AnyForest, FileError> {
    let path = path.as_ref();
    AnyForest::open(read_nodes(path)?, metric, dimensions).map_err(|error| FileError::Forest(path.to_owned(), error))
}

/// Maps a file as a forest of a metric that is a value; see [`AnyForest::open`] and [`MappedFile`].
///
/// # Errors
///
/// See [`read_any_forest`].
///
/// # Safety
///
/// Nobody writes to the file or cuts it short while it is mapped: see [`MappedFile`].
#[allow(unsafe_code)]
pub unsafe fn map_any_forest(
    path: impl AsRef<Path>,
    metric: Metric,
    dimensions: usize,
) -> Result<AnyForest<MappedFile>, FileError> {
    let path = path.as_ref();
    // SAFETY: the obligation is this function's own.
    let file = unsafe { map(path)? };
    AnyForest::open(file, metric, dimensions).map_err(|error| FileError::Forest(path.to_owned(), error))
}

#[allow(unsafe_code)]
unsafe fn map(path: &Path) -> Result<MappedFile, FileError> {
    // SAFETY: the obligation is handed on to the caller.
    unsafe { MappedFile::open(path) }.map_err(|error| FileError::Io(path.to_owned(), error))
}

fn read_nodes(path: &Path) -> Result<NodeBuf, FileError> {
    read(path, |length| {
        let mut nodes = NodeBuf::default();
        nodes.resize(length).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(nodes)
    })
}

/// Reads all of a file into a buffer of its length.
fn read<B: AsMut<[u8]>>(path: &Path, buffer: impl Fn(usize) -> io::Result<B>) -> Result<B, FileError> {
    let read = || {
        let mut file = open_ordinary(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = buffer(length)?;
        file.read_exact(bytes.as_mut())?;
        Ok(bytes)
    };
    read().map_err(|error| FileError::Io(path.to_owned(), error))
}
