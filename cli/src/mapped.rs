//! Index files as the command reads them: mapped, so that one question about a large index reads a small part of it.

use std::path::Path;

use ohyeah::forest::AnyForest;
use ohyeah::{FileError, MappedFile, Metric, Packed};

/// Maps a file.
#[allow(unsafe_code)]
pub(crate) fn file(path: &Path) -> Result<MappedFile, FileError> {
    // SAFETY: the obligation is that nobody writes to the file or cuts it short while it is mapped. A command cannot see to that,
    // and hands it on to its user, whose index it is; `ohyeah help` says so. Whatever of ours saves an index replaces the file.
    unsafe { MappedFile::open(path) }.map_err(|error| FileError::Io(path.to_owned(), error))
}

/// Maps a packed index.
pub(crate) fn packed(path: &Path) -> Result<Packed<MappedFile>, FileError> {
    Packed::open(file(path)?).map_err(|error| FileError::Packed(path.to_owned(), error))
}

/// Maps a forest.
pub(crate) fn forest(path: &Path, metric: Metric, dimensions: usize) -> Result<AnyForest<MappedFile>, FileError> {
    AnyForest::open(file(path)?, metric, dimensions).map_err(|error| FileError::Open(path.to_owned(), error))
}
