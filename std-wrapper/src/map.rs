//! Files mapped into memory: there in no time, and shared by all processes that map the same file.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

/// A file's bytes, mapped for reading. Clones share them.
///
/// # Why mapping is unsafe
///
/// Safe Rust relies on bytes that it has borrowed not changing. A mapped file changes when anybody writes to it in place, and
/// touching what was cut off ends the process; no program can rule that out. So the functions that map are `unsafe`, here and
/// wherever they are called ([`map_packed`](crate::map_packed), [`map_forest`](crate::map_forest)), with this duty of the caller:
/// **nobody writes to the file or cuts it short while it is mapped.** Everything here that saves replaces a file by a new one
/// instead, which leaves the mapped one as it was. Where the duty cannot be met, read the file
/// ([`read_packed`](crate::read_packed), [`read_forest`](crate::read_forest)).
#[derive(Clone, Debug)]
pub struct MappedFile(Arc<Mmap>);

impl MappedFile {
    /// Maps a file. An empty file has no bytes.
    ///
    /// # Errors
    ///
    /// The file does not exist or cannot be read, or is a folder, a pipe or a device.
    ///
    /// # Safety
    ///
    /// Nobody writes to the file or cuts it short while it is mapped: see [the type](Self).
    #[allow(unsafe_code)]
    pub unsafe fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        // SAFETY: the obligation is this function's own.
        unsafe { Self::map(&open_ordinary(path.as_ref())?, &MmapOptions::new()) }
    }

    /// [`open`](Self::open), and reads all of the file at once: opening takes longer, and no search waits for the disk.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    ///
    /// # Safety
    ///
    /// See [`open`](Self::open).
    #[allow(unsafe_code)]
    pub unsafe fn open_prefaulted(path: impl AsRef<Path>) -> io::Result<Self> {
        // SAFETY: the obligation is this function's own.
        unsafe { Self::map(&open_ordinary(path.as_ref())?, MmapOptions::new().populate()) }
    }

    #[allow(unsafe_code)]
    unsafe fn map(file: &File, options: &MmapOptions) -> io::Result<Self> {
        // SAFETY: the obligation, that nobody changes the file while it is mapped, is handed on to the caller.
        Ok(Self(Arc::new(unsafe { options.map(file)? })))
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Opens a file that has a length and can be read from any place.
pub(crate) fn open_ordinary(path: &Path) -> io::Result<File> {
    // Before it is opened: opening a pipe waits for whoever writes to it.
    let kind = fs::metadata(path)?;
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is a pipe or a device; copy it to an ordinary file"));
    }
    File::open(path)
}
