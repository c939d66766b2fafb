//! Files that go away unless they are renamed, also when a signal ends the process.
//!
//! Linux has files without a name (`O_TMPFILE`) that would need none of this, but many file systems have not: NFS, and the
//! overlays of containers until lately.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
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
    /// A file that others may read and write as the umask has it.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        Self::with_mode(folder, 0o666)
    }

    /// A file in the folder for temporary files, which all users share: only its owner may read it.
    pub(crate) fn elsewhere() -> io::Result<Self> {
        let folder = std::env::temp_dir();
        Self::with_mode(&folder, 0o600).map_err(|error| {
            let place = format!("the folder for temporary files (TMPDIR), `{}`", folder.display());
            let remedy = "name another folder in TMPDIR, or write elsewhere";
            io::Error::new(error.kind(), format!("{place}, cannot be written to: {error}; {remedy}"))
        })
    }

    fn with_mode(folder: &Path, mode: u32) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".ohyeah-").suffix(".tmp");
        // tempfile's own default is 0600. The mode here goes to `open`, which takes the umask off it as for any new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
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
    ///
    /// Where that fails before the first byte is overwritten, the file is as it was. Where it fails later, its old bytes are gone:
    /// then the temporary file stays when this value is dropped, and the error names it.
    pub(crate) fn write_over(&self, target: &Path) -> io::Result<()> {
        self.check_process()?;
        let mut from = &self.file;
        let length = from.seek(SeekFrom::End(0))?;
        from.seek(SeekFrom::Start(0))?;
        // It may soon be the only copy.
        self.file.sync_all()?;
        self.write_over_from(from, length, target)
    }

    fn write_over_from(&self, mut from: impl Read, length: u64, target: &Path) -> io::Result<()> {
        let mut to = File::options().write(true).open(target)?;
        let old = to.metadata()?.len();
        reserve(&to, old, length)?;
        let mut paths = paths();
        to.seek(SeekFrom::Start(0))?;
        let copied = io::copy(&mut from, &mut to).and_then(|_| to.set_len(length)).and_then(|()| to.sync_all());
        let Err(error) = copied else {
            // An attempt before this one may have kept it.
            paths.insert(self.path.clone());
            return Ok(());
        };
        if length > 0 && to.stream_position().is_ok_and(|position| position == 0) {
            // Zeros may have been appended.
            let _ = to.set_len(old);
            return Err(error);
        }
        Err(self.kept_in(&mut paths, &format!("{error}; the file is half written"), error.kind()))
    }

    /// Leaves the file where it is, also when this value is dropped, and makes an error that tells so.
    pub(crate) fn kept(&self, problem: &str, kind: io::ErrorKind) -> io::Error {
        self.kept_in(&mut paths(), problem, kind)
    }

    fn kept_in(&self, paths: &mut BTreeSet<PathBuf>, problem: &str, kind: io::ErrorKind) -> io::Error {
        paths.remove(&self.path);
        let text = format!("{problem}, and the whole one is `{}`: copy it and remove that", self.path.display());
        io::Error::new(kind, text)
    }

    fn rename(&self, target: &Path) -> io::Result<()> {
        let mut paths = paths();
        fs::rename(&self.path, target)?;
        paths.remove(&self.path);
        Ok(())
    }
}

/// Has room made for a file of this length, so that a full disk is an error before a byte is overwritten.
fn reserve(file: &File, old: u64, length: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if length > 0 {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::{Errno, retry_on_intr};
        match retry_on_intr(|| fallocate(file, FallocateFlags::KEEP_SIZE, 0, length)) {
            Ok(()) => return Ok(()),
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => return Err(error.into()),
            // Not every file system can.
            Err(_) => {}
        }
    }
    if length <= old {
        return Ok(());
    }
    append_zeros(file, old, length)?;
    // Some file systems find out only now that there is no room.
    file.sync_data().inspect_err(|_| {
        let _ = file.set_len(old);
    })
}

/// Makes a file longer by zeros that are written, or leaves it as long as it was.
pub(crate) fn append_zeros(mut file: &File, old: u64, new: u64) -> io::Result<()> {
    let written = file.seek(SeekFrom::Start(old)).and_then(|_| io::copy(&mut io::repeat(0).take(new - old), &mut file));
    written.map(drop).inspect_err(|_| {
        let _ = file.set_len(old);
    })
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
    /// Some bytes, and then an error.
    struct Breaks<'a>(&'a [u8]);

    impl Read for Breaks<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::ErrorKind::StorageFull.into()) } else { self.0.read(buffer) }
        }
    }

    #[test]
    fn the_only_whole_copy_stays_and_is_named() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = folder.path().join("a");
        fs::write(&target, "old").unwrap();
        let mut file = Temporary::in_folder(other.path()).unwrap();
        file.write_all(b"whole and new").unwrap();
        // Nothing is overwritten yet.
        let error = file.write_over_from(Breaks(b""), 13, &target).unwrap_err();
        assert!(!error.to_string().contains("half written"), "{error}");
        assert_eq!(fs::read(&target).unwrap(), b"old");

        let error = file.write_over_from(Breaks(b"who"), 13, &target).unwrap_err();
        let named = crate::atomic::named(&target, &error).to_string();
        let kept = file.path.display();
        assert!(named.contains("half written, and the whole one is") && named.contains(&kept.to_string()), "{named}");
        let (path, again) = (file.path.clone(), file.file.try_clone().unwrap());
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"whole and new");

        // What is written after all needs no copy.
        let file = Temporary { file: again, path: path.clone(), process: process::id() };
        file.write_over(&target).unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"whole and new");
        assert!(!path.exists());
    }

    #[test]
    fn zeros_are_appended_where_room_cannot_be_asked_for() {
        let file = tempfile::tempfile().unwrap();
        append_zeros(&file, 0, 10).unwrap();
        append_zeros(&file, 10, 100_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
        // Not for writing.
        let named = tempfile::NamedTempFile::new().unwrap();
        append_zeros(&File::open(named.path()).unwrap(), 0, 10).unwrap_err();
        assert_eq!(fs::metadata(named.path()).unwrap().len(), 0);
    }
}
