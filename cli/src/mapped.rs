//! Index files as the command reads them: mapped, so that one question about a large index reads a small part of it.

#![allow(unsafe_code)]

use std::path::Path;

use ohyeah::forest::AnyForest;
use ohyeah::{FileError, MappedFile, Metric, Packed};

// The obligation of all these is that nobody writes to the file or cuts it short while it is mapped. A command cannot see to that, and
// hands it on to its user, whose index it is: the help says so. What of ours saves an index replaces the file, and the map stays that
// of the old one. Only a file that cannot be replaced, such as a mount point, is written in place, and `AtomicFile::in_place`, which
// the command makes a warning, tells beforehand that nobody should read it meanwhile.

/// Maps a file.
pub(crate) fn file(path: &Path) -> Result<MappedFile, FileError> {
    // SAFETY: as above.
    unsafe { MappedFile::open(path) }.map_err(|error| FileError::Io(path.to_owned(), error))
}

/// Maps a packed index.
pub(crate) fn packed(path: &Path) -> Result<Packed<MappedFile>, FileError> {
    // SAFETY: as above.
    unsafe { ohyeah::map_packed(path) }
}

/// Maps a forest.
pub(crate) fn forest(path: &Path, metric: Metric, dimensions: usize) -> Result<AnyForest<MappedFile>, FileError> {
    // SAFETY: as above.
    unsafe { ohyeah::map_any_forest(path, metric, dimensions) }
}
