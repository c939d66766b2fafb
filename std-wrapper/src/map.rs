//! Index files, mapped into memory: opened in no time, and shared by all processes that map the same file.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use crate::AtomicFile;
use memmap2::{Mmap, MmapOptions};
use ohyeah_core::error::PackedError;
use ohyeah_core::forest::{AnyForest, OpenError};
use ohyeah_core::{Distance, Forest, Metric, Packed};

/// A file's bytes. Clones share them.
#[derive(Clone, Debug)]
pub struct MappedFile(Arc<Mmap>);

impl MappedFile {
    /// Maps a file for reading. An empty file has no bytes.
    ///
    /// The file must not be changed in place while it is mapped: the bytes seen would change under a search, which would
    /// then give wrong answers, or the process be ended where the file was cut short. [`save`] and
    /// everything here that saves replace a file instead, which leaves the mapped one as it was.
    ///
    /// # Errors
    ///
    /// The file does not exist or cannot be read, or is a folder, a pipe or a device.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_with(path.as_ref(), &MmapOptions::new())
    }

    fn open_with(path: &Path, options: &MmapOptions) -> io::Result<Self> {
        // Before it is opened: opening a pipe waits for whoever writes to it.
        let kind = fs::metadata(path)?;
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::Error::other("it is a pipe or a device; copy it to an ordinary file"));
        }
        let file = File::open(path)?;
        Self::map(&file, options)
    }

    /// The same, and reads all of it at once: opening takes longer, and no search waits for the disk.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn open_prefaulted(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_with(path.as_ref(), MmapOptions::new().populate())
    }

    #[allow(unsafe_code)]
    fn map(file: &File, options: &MmapOptions) -> io::Result<Self> {
        // SAFETY: the obligation is that nobody changes the file while it is mapped, which no program can check; it is
        // handed on in the documentation, and met by every save of ours, which renames a new file into place.
        Ok(Self(Arc::new(unsafe { options.map(file)? })))
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why an index file could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// The file is not an index of this metric and these dimensions.
    Open(PathBuf, OpenError),
    /// The file is not a whole packed index.
    Packed(PathBuf, PackedError),
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
            Self::Open(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Packed(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Open(_, error) => Some(error),
            Self::Packed(_, error) => Some(error),
        }
    }
}

/// Saves a forest under a name, replacing what was there, whole or not at all: see [`AtomicFile`].
///
/// # Errors
///
/// The file cannot be written; or the forest has no trees, so that its bytes would not show how many items it has. The error
/// names the file.
pub fn save<D: Distance, S: AsRef<[u8]>>(path: impl AsRef<Path>, forest: &Forest<D, S>) -> io::Result<()> {
    save_bytes(path.as_ref(), forest.trees(), forest.as_bytes())
}

/// Saves a forest of a metric that is a value; see [`save`].
///
/// # Errors
///
/// See [`save`].
pub fn save_any<S: AsRef<[u8]>>(path: impl AsRef<Path>, forest: &AnyForest<S>) -> io::Result<()> {
    save_bytes(path.as_ref(), forest.trees(), forest.as_bytes())
}

fn save_bytes(path: &Path, trees: usize, bytes: &[u8]) -> io::Result<()> {
    if trees == 0 {
        let text = format!(
            "{}: the index has no trees, and a file of items alone says nothing of itself: build some",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

fn map(path: &Path) -> Result<MappedFile, FileError> {
    MappedFile::open(path).map_err(|error| FileError::Io(path.to_owned(), error))
}

/// Maps a file as a forest; see [`Forest::open`].
///
/// # Errors
///
/// The file cannot be read, or is no forest of this metric and these dimensions.
///
/// # Examples
///
/// ```
/// use ohyeah::forest::{BuildOptions, Items, Search};
/// use ohyeah::{Euclidean, ParBuildItems};
///
/// let mut items = Items::<Euclidean>::new(2)?;
/// for id in 0..100 {
///     items.add(id, &[id as f32, 1.0])?;
/// }
/// let forest = items.par_build(&BuildOptions::new().trees(10))?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("points.ann");
/// ohyeah::save(&path, &forest)?;
///
/// let mapped = ohyeah::open::<Euclidean>(&path, 2)?;
/// assert_eq!(mapped.search(&[41.2, 1.0], &Search::top(1))?[0].id, 41);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open<D: Distance>(path: impl AsRef<Path>, dimensions: usize) -> Result<Forest<D, MappedFile>, FileError> {
    let path = path.as_ref();
    Forest::open(map(path)?, dimensions).map_err(|error| FileError::Open(path.to_owned(), error))
}

/// Maps a file as a forest of a metric that is a value; see [`AnyForest::open`].
///
/// # Errors
///
/// The file cannot be read, or is no forest of this metric and these dimensions.
pub fn open_any(path: impl AsRef<Path>, metric: Metric, dimensions: usize) -> Result<AnyForest<MappedFile>, FileError> {
    let path = path.as_ref();
    AnyForest::open(map(path)?, metric, dimensions).map_err(|error| FileError::Open(path.to_owned(), error))
}

/// Maps a file as a packed index; see [`Packed::open`]. Processes that map the same file share one copy of it.
///
/// # Errors
///
/// The file cannot be read, or is no packed index.
///
/// # Examples
///
/// ```
/// use ohyeah::{Metric, Packed, PackedOptions, PackedSearch, Rayon};
///
/// let vectors: Vec<f32> = (0..2000).map(|x| (x as f32).sin()).collect();
/// let index = Packed::build::<Rayon>(Metric::Euclidean, &vectors, 4, &PackedOptions::new())?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("points.oy");
/// ohyeah::save_packed(&path, &index)?;
///
/// let mapped = ohyeah::open_packed(&path)?;
/// assert_eq!(mapped.search(&vectors[400..404], &PackedSearch::top(1))?[0].id, 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open_packed(path: impl AsRef<Path>) -> Result<Packed<MappedFile>, FileError> {
    let path = path.as_ref();
    Packed::open(map(path)?).map_err(|error| FileError::Packed(path.to_owned(), error))
}

/// Saves a packed index under a name, replacing what was there, whole or not at all: see [`AtomicFile`].
///
/// # Errors
///
/// The file cannot be written; the error names it.
pub fn save_packed<S: AsRef<[u8]>>(path: impl AsRef<Path>, index: &Packed<S>) -> io::Result<()> {
    let mut file = AtomicFile::create(path.as_ref())?;
    file.write_all(index.as_bytes())?;
    file.commit()
}
