//! Files that go away unless they are renamed, also when a signal ends the process.
//!
//! Linux has files without a name (`O_TMPFILE`) that would need none of this, but many file systems have not: NFS, and the
//! overlays of containers until lately.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The temporary files that are there now. A name is put on disk, moved or removed only while this is locked, so whoever
/// has the lock knows of all.
static PATHS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file under a name nobody else has.
#[derive(Debug)]
pub(crate) struct Temporary {
    file: File,
    path: PathBuf,
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
        Ok(Self { file, path })
    }

    pub(crate) fn as_file(&self) -> &File {
        &self.file
    }

    /// Makes the bytes durable and gives them their name.
    pub(crate) fn commit(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        self.rename(target)?;
        sync_folder(folder_of(target));
        Ok(())
    }

    fn rename(self, target: &Path) -> io::Result<()> {
        let mut paths = paths();
        let renamed = fs::rename(&self.path, target);
        if renamed.is_ok() {
            paths.remove(&self.path);
        }
        // Dropping `self` locks again.
        drop(paths);
        renamed
    }
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
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let mut paths = paths();
        if paths.remove(&self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes all, and keeps the lock: whatever another thread was about to save is not saved.
pub(crate) fn abandon_all() {
    let paths = paths();
    for path in &*paths {
        let _ = fs::remove_file(path);
    }
    std::mem::forget(paths);
}
