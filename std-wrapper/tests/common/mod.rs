//! Mapping files in tests.

#![allow(dead_code, unsafe_code, reason = "not every test needs all; mapping is unsafe")]

use std::io;
use std::path::Path;

use ohyeah::forest::AnyForest;
use ohyeah::{Distance, FileError, Forest, MappedFile, Metric};

// The files of tests lie in folders of their own, and are replaced but never written to in place.

pub(crate) fn map(path: impl AsRef<Path>) -> io::Result<MappedFile> {
    // SAFETY: see above.
    unsafe { MappedFile::open(path) }
}

pub(crate) fn map_prefaulted(path: impl AsRef<Path>) -> io::Result<MappedFile> {
    // SAFETY: see above.
    unsafe { MappedFile::open_prefaulted(path) }
}

pub(crate) fn map_forest<D: Distance>(
    path: impl AsRef<Path>,
    dimensions: usize,
) -> Result<Forest<D, MappedFile>, FileError> {
    // SAFETY: see above.
    unsafe { ohyeah::map_forest(path, dimensions) }
}

pub(crate) fn map_any_forest(
    path: impl AsRef<Path>,
    metric: Metric,
    dimensions: usize,
) -> Result<AnyForest<MappedFile>, FileError> {
    // SAFETY: see above.
    unsafe { ohyeah::map_any_forest(path, metric, dimensions) }
}
