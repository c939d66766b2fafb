//! Files that go away unless they are renamed, also when a signal ends the process.
//!
//! Linux has files without a name (`O_TMPFILE`) that would need none of this, but many file systems have not: NFS, and the
//! overlays of containers until lately.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

/// The temporary files of a process that are there now.
///
/// A child that is forked gets a copy of all memory and none of the other threads. Where one of them held a lock, the copy
/// stays locked for ever. So each process has a list of its own: a child leaves those of its ancestors alone and takes the
/// next in the chain.
struct List {
    /// The process whose list it is; 0 where it is nobody's yet.
    process: AtomicU32,
    /// A name is put on disk, moved or removed only while this is locked, so whoever has the lock knows of all.
    paths: Mutex<BTreeSet<PathBuf>>,
    next: OnceLock<Box<List>>,
}

static LISTS: List = List::new();

impl List {
    const fn new() -> Self {
        Self { process: AtomicU32::new(0), paths: Mutex::new(BTreeSet::new()), next: OnceLock::new() }
    }

    /// The list of a process, in the chain that begins here.
    fn of(&self, process: u32) -> &Self {
        let mut list = self;
        loop {
            match list.process.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return list,
                Err(owner) if owner == process => return list,
                // The list is made before the cell is locked. So a fork would have to meet the few instructions that put it
                // there, which a process that is itself a child runs once, for its own child to find the cell locked.
                Err(_) => {
                    if list.next.get().is_none() {
                        let _ = list.next.set(Box::new(Self::new()));
                    }
                    list = list.next.get().map_or(list, |next| next);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The list of this process, locked.
fn paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LISTS.of(process::id()).lock()
}

/// A file under a name nobody else has. It is its process's: a forked child, which has a copy of this value, neither writes to
/// the file nor names or removes it.
#[derive(Debug)]
pub(crate) struct Temporary {
    file: File,
    path: PathBuf,
    process: u32,
}

impl Temporary {
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".ohyeah-").suffix(".tmp");
        // tempfile's own default is 0600. The mode here goes to `open`, which takes the umask off it as for any new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut paths = paths();
        // tempfile puts the temporary name in its errors, which says nothing to anyone.
        let file = builder.tempfile_in(folder).map_err(|error| io::Error::from(error.kind()))?;
        let (file, path) = file.keep().map_err(|failed| failed.error)?;
        paths.insert(path.clone());
        Ok(Self { file, path, process: process::id() })
    }

    pub(crate) fn as_file(&self) -> &File {
        &self.file
    }

    /// An error in any process but the one that the file belongs to.
    pub(crate) fn check_process(&self) -> io::Result<()> {
        if self.process == process::id() {
            return Ok(());
        }
        let text = "belongs to the process that this one was forked from; begin anew";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }

    /// Makes the bytes durable and gives them their name. Where that fails, it may be tried again.
    pub(crate) fn commit(&self, target: &Path) -> io::Result<()> {
        self.check_process()?;
        self.file.sync_all()?;
        self.rename(target)?;
        sync_folder(folder_of(target));
        Ok(())
    }

    /// Writes the bytes over those of a file that is there, and makes them durable. Whoever wants to end the process waits for it:
    /// half of a file is worse than a late end.
    pub(crate) fn write_over(&self, target: &Path) -> io::Result<()> {
        self.check_process()?;
        let mut from = &self.file;
        let length = from.seek(SeekFrom::End(0))?;
        from.seek(SeekFrom::Start(0))?;
        let mut to = File::options().write(true).open(target)?;
        reserve(&to, length)?;
        let _paths = paths();
        io::copy(&mut from, &mut to)?;
        to.set_len(length)?;
        to.sync_all()
    }

    fn rename(&self, target: &Path) -> io::Result<()> {
        let mut paths = paths();
        fs::rename(&self.path, target)?;
        paths.remove(&self.path);
        Ok(())
    }
}

/// Has room made for a file of this length where the system can, so that a full disk is an error before a byte is overwritten.
fn reserve(file: &File, length: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if length > 0 {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::{Errno, retry_on_intr};
        let reserved = retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, 0, length));
        // Not every file system can.
        if let Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) = reserved {
            return Err(error.into());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, length);
    Ok(())
}

/// The folder in which a file lies.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the rename itself durable. The file is whole and named by now, and some file systems refuse to sync a folder, so
/// a failure here is not one of the save.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A buffer writes what it has when it is dropped: in a child too, and the child's file position is its parent's.
        self.check_process()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A file of this process may have the name of one that its parent has renamed.
        if self.check_process().is_err() {
            return;
        }
        let mut paths = paths();
        if paths.remove(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes all of this process, and keeps the lock: whatever another thread was about to save is not saved.
pub(crate) fn abandon_all() {
    let paths = paths();
    for path in &*paths {
        let _ = fs::remove_file(path);
    }
    std::mem::forget(paths);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test cannot fork without unsafe code, so the numbers of processes are made up here; the tests of the Python module
    /// do fork.
    #[test]
    fn a_child_does_not_wait_for_its_parents_lock() {
        let lists = List::new();
        let parent = lists.of(1);
        let locked = parent.lock();
        let child = lists.of(2);
        let grandchild = lists.of(3);
        child.lock().insert("child".into());
        grandchild.lock().insert("grandchild".into());
        assert_eq!(lists.of(2).lock().iter().collect::<Vec<_>>(), [Path::new("child")]);
        assert_eq!(lists.of(3).lock().iter().collect::<Vec<_>>(), [Path::new("grandchild")]);
        assert!(std::ptr::eq(lists.of(1), parent) && locked.is_empty());
    }

    #[test]
    fn all_threads_of_a_process_have_one_list() {
        let lists = List::new();
        lists.of(1);
        std::thread::scope(|scope| {
            for number in 0..8_u32 {
                let lists = &lists;
                scope.spawn(move || lists.of(2).lock().insert(number.to_string().into()));
            }
        });
        assert_eq!(lists.of(2).lock().len(), 8);
    }

    #[test]
    fn a_child_does_nothing_to_its_parents_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let mut parents = Temporary::in_folder(folder.path()).unwrap();
        parents.write_all(b"whole").unwrap();
        let mut inherited = Temporary {
            file: parents.file.try_clone().unwrap(),
            path: parents.path.clone(),
            process: process::id().wrapping_add(1),
        };
        assert_eq!(inherited.write(b"more").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(inherited.commit(&target).unwrap_err().to_string().ends_with("begin anew"));
        drop(inherited);
        parents.commit(&target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
    }
}
