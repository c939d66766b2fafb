//! Building in a file, for sets larger than memory.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memmap2::MmapMut;
use ohyeah_core::forest::{OutOfSpace, Storage};

use crate::atomic::{self, Sink, named};
use crate::target::{Elsewhere, Target};
use crate::temporary::{Temporary, append_zeros};

/// Nodes in a file, mapped into memory while items are added and trees grow: the system keeps of them in memory what there
/// is room for. It takes its name only when it is whole.
///
/// The sketch of the items is in memory: a quarter of their size where there are many dimensions. Turn it off with
/// [`BuildOptions::sketch`](crate::forest::BuildOptions::sketch) if that is too much.
///
/// Disk space is reserved before it is written to, so that a full disk is an error and does not end the process.
/// [`Storage`]'s error does not say what the system's reason was; [`refusal`](Self::refusal) does.
///
/// In a process that is forked while one is open, the value is the parent's: it cannot grow or be committed there, and dropping
/// it leaves the file alone.
///
/// # Examples
///
/// ```
/// use ohyeah::forest::{BuildOptions, Items, Search};
/// use ohyeah::{Angular, BuildFile, ParBuildItems};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("items.ann");
/// let mut items = Items::<Angular, _>::new_in(BuildFile::create(&path)?, 2)?;
/// for id in 0..100 {
///     items.add(id, &[id as f32, 50.0])?;
/// }
/// let forest = items.par_build(&BuildOptions::new().trees(5))?;
/// forest.into_storage().commit()?;
///
/// let forest = ohyeah::read_forest::<Angular>(&path, 2)?;
/// assert_eq!(forest.search(&[20.0, 50.0], &Search::top(1))?[0].id, 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BuildFile {
    /// Before the file, so that it is dropped first. None where there is nothing to map.
    map: Option<MmapMut>,
    file: Temporary,
    /// Bytes in use; the file may have more while it grows.
    length: usize,
    target: Target,
    /// As the caller wrote it: the name that errors give.
    path: PathBuf,
    /// Why it was not made longer when that was last asked for.
    refusal: Option<io::Error>,
}

impl BuildFile {
    /// Starts a file that will be called `path`.
    ///
    /// # Errors
    ///
    /// As [`AtomicFile::create`](crate::AtomicFile::create); and where `path` is not an ordinary file, or lies in a folder
    /// that may not be written to: an ordinary file there is written in place, once it is whole, but a set larger than memory is not
    /// put into the folder for temporary files unasked.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        match atomic::open_sink(path, Elsewhere::Refused).map_err(|error| named(path, &error))? {
            Sink::Temporary { file, target } => Ok(Self {
                map: None,
                file: file.into_parts().0,
                length: 0,
                target,
                path: path.to_owned(),
                refusal: None,
            }),
            Sink::Direct(_) => {
                let text = "is no ordinary file, and none else can be built in; give another name";
                Err(named(path, &io::Error::new(io::ErrorKind::InvalidInput, text)))
            }
        }
    }

    /// The name that it will have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the bytes durable and gives them their name.
    ///
    /// Those of a forest without trees would not open as what they are, and [`save`](crate::save) refuses them; here the
    /// caller must.
    ///
    /// # Errors
    ///
    /// The bytes cannot be written, or the file cannot be renamed. What was there before is there still, and the error
    /// [has the file](CommitError::into_file). Only where the target is written [in place](crate::AtomicFile) and that fails half-way,
    /// its old bytes are gone: then the new ones stay in a temporary file, which the error names.
    ///
    /// ```
    /// use ohyeah::BuildFile;
    /// use ohyeah::forest::Storage;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("items.ann");
    /// let mut file = BuildFile::create(&path)?;
    /// file.resize(100)?;
    /// std::fs::create_dir(&path)?;
    /// let file = file.commit().unwrap_err().into_file().expect("it is mapped again");
    /// std::fs::remove_dir(&path)?;
    /// file.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit(mut self) -> Result<(), CommitError> {
        let Err(error) = self.finish() else { return Ok(()) };
        let error = named(&self.path, &error);
        // Without its map it would look empty.
        let is_whole = self.length == 0 || self.map.is_some() || self.map_again().is_ok();
        Err(CommitError { error, file: is_whole.then(|| Box::new(self)) })
    }

    fn finish(&mut self) -> io::Result<()> {
        let file = self.file.as_file();
        self.file.check_process()?;
        self.map.as_ref().map_or(Ok(()), MmapMut::flush)?;
        // Unmapped first: some systems do not cut a file that is mapped.
        self.map = None;
        file.set_len(self.length as u64)?;
        self.target.take(&self.file)
    }

    /// Why the system refused when the file was last to be made longer: that the disk is full, that files may not be so long,
    /// that there is no memory to map so much. None where it did not refuse.
    #[must_use]
    pub const fn refusal(&self) -> Option<&io::Error> {
        self.refusal.as_ref()
    }

    fn capacity(&self) -> usize {
        self.map.as_ref().map_or(0, |map| map.len())
    }

    /// Makes the file and its map so many bytes long, which are more than now; or one of these lengths, the first that there is
    /// room for.
    fn grow(&mut self, lengths: &[usize]) -> Result<(), OutOfSpace> {
        self.refusal = None;
        for length in lengths {
            match self.grow_to(*length) {
                Ok(()) => return Ok(()),
                Err(error) => self.refusal = Some(error),
            }
        }
        Err(OutOfSpace)
    }

    fn grow_to(&mut self, capacity: usize) -> io::Result<()> {
        self.file.check_process()?;
        allocate(self.file.as_file(), self.capacity() as u64, capacity as u64)?;
        self.map_again()
    }

    #[allow(unsafe_code)]
    fn map_again(&mut self) -> io::Result<()> {
        // SAFETY: the obligation is that nobody changes the file while it is mapped. It has a random name that only this
        // value knows; the value cuts it in `finish` alone, after the map is gone.
        self.map = Some(unsafe { MmapMut::map_mut(self.file.as_file())? });
        Ok(())
    }
}

/// Why a [`BuildFile`] did not get its name, and the file.
#[derive(Debug)]
pub struct CommitError {
    error: io::Error,
    file: Option<Box<BuildFile>>,
}

impl CommitError {
    /// What went wrong.
    #[must_use]
    pub const fn io_error(&self) -> &io::Error {
        &self.error
    }

    /// The file as it was, to be committed again once the reason is gone or to be used otherwise. None where it could not even
    /// be mapped again, and so is gone.
    #[must_use]
    pub fn into_file(self) -> Option<BuildFile> {
        self.file.map(|file| *file)
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for CommitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its own words are those of this error.
        self.error.source()
    }
}

impl From<CommitError> for io::Error {
    fn from(error: CommitError) -> Self {
        error.error
    }
}

/// Makes a file longer by zeros that have their place on the disk: writing to a map of a mere hole would end the process
/// where the disk is full.
fn allocate(file: &File, old: u64, new: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::{Errno, retry_on_intr};
        match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), old, new - old)) {
            // Not on every file system and not in every container.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            other => return Ok(other?),
        }
    }
    append_zeros(file, old, new)
}

impl AsRef<[u8]> for BuildFile {
    fn as_ref(&self) -> &[u8] {
        self.map.as_ref().map_or(&[], |map| &map[..self.length])
    }
}

impl AsMut<[u8]> for BuildFile {
    fn as_mut(&mut self) -> &mut [u8] {
        self.map.as_mut().map_or(&mut [], |map| &mut map[..self.length])
    }
}

impl Storage for BuildFile {
    fn resize(&mut self, length: usize) -> Result<(), OutOfSpace> {
        if length > self.capacity() {
            // Each growth maps the file anew: not for every item.
            let ahead = length.max(self.capacity() / 2 * 3);
            self.grow(&[ahead, length])?;
        }
        if let Some(cut) = self.as_mut().get_mut(length..) {
            cut.fill(0);
        }
        self.length = length;
        Ok(())
    }

    fn reserve(&mut self, length: usize) -> Result<(), OutOfSpace> {
        if length > self.capacity() { self.grow(&[length]) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_bytes_are_zero_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut file = BuildFile::create(&path).unwrap();
        assert_eq!(file.as_ref(), []);
        for length in [10, 3, 5000, 100, 9000, 0, 7] {
            let kept = file.as_ref().len().min(length);
            file.resize(length).unwrap();
            assert!(file.as_ref().len() == length && file.as_ref()[kept..].iter().all(|byte| *byte == 0));
            file.as_mut().fill(1);
        }
        assert_eq!(file.resize(usize::MAX / 2), Err(OutOfSpace));
        assert!(file.refusal().is_some_and(|error| error.raw_os_error().is_some()));
        assert_eq!(file.as_ref(), [1; 7]);
        file.reserve(20_000).unwrap();
        assert!(file.refusal().is_none());
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [1; 7]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = BuildFile::create(folder.path().join("a")).unwrap();
        file.resize(10).unwrap();
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_not_named_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut file = BuildFile::create(&path).unwrap();
        file.resize(5000).unwrap();
        file.as_mut().fill(1);
        // Nothing can be renamed onto a folder.
        std::fs::create_dir(&path).unwrap();
        let error = file.commit().unwrap_err();
        assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
        let mut file = error.into_file().unwrap();
        assert_eq!(file.as_ref(), [1; 5000]);
        // It grows as before, and what is new is zero.
        file.resize(9000).unwrap();
        assert!(file.as_ref()[..5000] == [1; 5000] && file.as_ref()[5000..] == [0; 4000]);
        let file = file.commit().unwrap_err().into_file().unwrap();
        std::fs::remove_dir(&path).unwrap();
        file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap().len(), 9000);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        // An empty one too, and one that is then dropped.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = BuildFile::create(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(file.commit().unwrap_err().into_file().unwrap().as_ref(), []);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused() {
        let error = BuildFile::create("/dev/null").unwrap_err().to_string();
        assert!(error.starts_with("/dev/null: is no ordinary file"), "{error}");
    }
}
