//! Building in a file, for sets larger than memory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use memmap2::MmapMut;
use ohyeah_core::forest::{OutOfSpace, Storage};

use crate::atomic::{self, Sink, named};
use crate::temporary::Temporary;

/// Nodes in a file, mapped into memory while items are added and trees grow: the system keeps of them in memory what there
/// is room for. It takes its name only when it is whole.
///
/// The sketch of the items is in memory: a quarter of their size where there are many dimensions. Turn it off with
/// [`BuildOptions::sketch`](crate::forest::BuildOptions::sketch) if that is too much.
///
/// Disk space is reserved before it is written to, so that a full disk is an error and does not end the process.
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
    target: PathBuf,
    /// As the caller wrote it: the name that errors give.
    path: PathBuf,
}

impl BuildFile {
    /// Starts a file that will be called `path`.
    ///
    /// # Errors
    ///
    /// As [`AtomicFile::create`](crate::AtomicFile::create); and where `path` is not an ordinary file.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        match atomic::open_sink(path).map_err(|error| named(path, &error))? {
            Sink::Rename { file, target } => {
                Ok(Self { map: None, file: file.into_parts().0, length: 0, target, path: path.to_owned() })
            }
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
    /// The bytes cannot be written, or the file cannot be renamed. Nothing is left then but what was there before.
    pub fn commit(self) -> io::Result<()> {
        let Self { map, file, length, target, path } = self;
        let flushed = map.as_ref().map_or(Ok(()), MmapMut::flush);
        // Unmapped first: some systems do not cut a file that is mapped.
        drop(map);
        let cut = flushed.and_then(|()| file.as_file().set_len(length as u64));
        cut.and_then(|()| file.commit(&target)).map_err(|error| named(&path, &error))
    }

    fn capacity(&self) -> usize {
        self.map.as_ref().map_or(0, |map| map.len())
    }

    /// Makes the file and its map so many bytes long, which are more than now.
    #[allow(unsafe_code)]
    fn grow(&mut self, capacity: usize) -> io::Result<()> {
        allocate(self.file.as_file(), self.capacity() as u64, capacity as u64)?;
        // SAFETY: the obligation is that nobody changes the file while it is mapped. It has a random name that only this
        // value knows; the value cuts it in `commit` alone, after the map is gone.
        self.map = Some(unsafe { MmapMut::map_mut(self.file.as_file())? });
        Ok(())
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
    write_zeros(file, old, new).inspect_err(|_| {
        // What was written in vain.
        let _ = file.set_len(old);
    })
}

fn write_zeros(mut file: &File, old: u64, new: u64) -> io::Result<()> {
    use io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(old))?;
    io::copy(&mut io::repeat(0).take(new - old), &mut file)?;
    Ok(())
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
            self.grow(ahead).or_else(|_| self.grow(length)).map_err(|_| OutOfSpace)?;
        }
        if let Some(cut) = self.as_mut().get_mut(length..) {
            cut.fill(0);
        }
        self.length = length;
        Ok(())
    }

    fn reserve(&mut self, length: usize) -> Result<(), OutOfSpace> {
        if length > self.capacity() { self.grow(length).map_err(|_| OutOfSpace) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_written_where_they_cannot_be_asked_for() {
        let file = tempfile::tempfile().unwrap();
        write_zeros(&file, 0, 10).unwrap();
        write_zeros(&file, 10, 100_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
    }

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
        assert_eq!(file.as_ref(), [1; 7]);
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

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused() {
        let error = BuildFile::create("/dev/null").unwrap_err().to_string();
        assert!(error.starts_with("/dev/null: is no ordinary file"), "{error}");
    }
}
