//! What an index is made of.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ohyeah::packed::{OpenError, PackedBuf};
use ohyeah::{MappedFile, Packed};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::keys::KeyTable;
use crate::exceptions::{FileFormatError, bad_file};

/// Either kind of storage: memory, or a file.
pub(super) enum Storage {
    Built(PackedBuf),
    File(MappedFile),
}

impl AsRef<[u8]> for Storage {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Built(bytes) => bytes.as_ref(),
            Self::File(file) => file.as_ref(),
        }
    }
}

/// An index with what belongs to it.
pub(super) struct Loaded {
    index: Packed<Storage>,
    /// What tells it from others: sets are made ready for it under this number.
    pub(super) number: u64,
    /// The file that is mapped, from the root.
    pub(super) path: Option<PathBuf>,
    /// Made by the first search for a key.
    pub(super) keys: OnceLock<KeyTable>,
}

impl std::ops::Deref for Loaded {
    type Target = Packed<Storage>;

    fn deref(&self) -> &Packed<Storage> {
        &self.index
    }
}

/// The number of the next index.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Loaded {
    fn over(storage: Storage, path: Option<PathBuf>) -> Result<Self, Result<OpenError, PyErr>> {
        let backend = ohyeah::backend().map_err(|error| Err(PyValueError::new_err(error.to_string())))?;
        let index = Packed::open(storage).map_err(Ok)?.with_backend(backend);
        Ok(Self { index, number: NEXT.fetch_add(1, Relaxed), path, keys: OnceLock::new() })
    }

    /// An index in memory.
    pub(super) fn new(storage: Storage) -> PyResult<Self> {
        let error = |error: Result<OpenError, PyErr>| match error {
            Ok(error) => FileFormatError::new_err(error.to_string()),
            Err(error) => error,
        };
        Self::over(storage, None).map_err(error)
    }

    /// An index that is a file.
    pub(super) fn mapped(file: MappedFile, path: &Path) -> Result<Self, Result<OpenError, PyErr>> {
        // A process may go to another folder later.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self::over(Storage::File(file), Some(path))
    }

    pub(super) fn open_error(&self, error: &OpenError) -> PyErr {
        match &self.path {
            Some(path) => bad_file(path, &error.to_string()),
            None => FileFormatError::new_err(error.to_string()),
        }
    }
}
