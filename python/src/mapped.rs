//! Mapping files: the one place where it is done.

use std::io;
use std::path::Path;

use ohyeah::MappedFile;

/// Maps a file; `prefault` reads all of it at once.
#[allow(unsafe_code)]
pub(crate) fn map(path: &Path, prefault: bool) -> io::Result<MappedFile> {
    // SAFETY: the obligation is that nobody writes to the file or cuts it short while it is mapped. A module cannot see to that; it
    // hands it on to the program, whose index it is: README and the docstrings say to replace a file and not to write to it. What
    // the module saves replaces the file.
    unsafe { if prefault { MappedFile::open_prefaulted(path) } else { MappedFile::open(path) } }
}
