//! Errors as Python's exceptions, with Annoy's words where it has some.

use std::io;
use std::path::Path;

use ohyeah::FileError;
use ohyeah::forest::{ItemError, OpenError, SearchError};
use pyo3::PyErr;
use pyo3::exceptions::{PyException, PyIndexError, PyMemoryError, PyOSError, PyValueError};

use crate::arguments::vector_error;

pub(crate) fn exception(text: &'static str) -> PyErr {
    PyException::new_err(text)
}

pub(crate) fn no_such_item() -> PyErr {
    PyIndexError::new_err("Item index larger than the largest item index")
}

pub(crate) fn item_error(error: ItemError) -> PyErr {
    match error {
        ItemError::Vector(error) => vector_error(error),
        ItemError::OutOfMemory => PyMemoryError::new_err(error.to_string()),
        error => PyValueError::new_err(error.to_string()),
    }
}

pub(crate) fn search_error(error: SearchError) -> PyErr {
    match error {
        SearchError::Vector(error) => vector_error(error),
        SearchError::NoSuchItem { .. } => no_such_item(),
        _ => PyOSError::new_err(error.to_string()),
    }
}

/// No space is left on the device.
pub(crate) const ENOSPC: i32 = 28;

/// `ENOSPC`, with the number that programs look for.
fn disk_full(path: &Path) -> PyErr {
    PyOSError::new_err((ENOSPC, "The disk is full: free some space or write elsewhere", path.as_os_str().to_owned()))
}

/// A file could not be made longer, with the system's number for the reason, which programs look for.
pub(crate) fn cannot_grow(path: &Path, number: i32) -> PyErr {
    if number == ENOSPC {
        return disk_full(path);
    }
    let text = io::Error::from_raw_os_error(number).to_string();
    // "File too large (os error 27)": Python writes the number itself.
    let text = text.split(" (os error").next().unwrap_or_default().to_owned();
    PyOSError::new_err((number, text, path.as_os_str().to_owned()))
}

pub(crate) fn cannot_open(error: &io::Error) -> PyErr {
    let text = error.to_string();
    // "No such file or directory (os error 2)"
    let text = text.replace("(os error ", "(");
    PyOSError::new_err(format!("Unable to open: {text}"))
}

/// In Annoy's words where a folder is missing; else in those that say what to do.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> PyErr {
    match error.kind() {
        io::ErrorKind::NotFound => PyOSError::new_err("Unable to open: No such file or directory (2)"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => disk_full(path),
        _ => PyOSError::new_err(error.to_string()),
    }
}

pub(crate) fn file_error(error: &FileError) -> PyErr {
    match error {
        FileError::Io(_, error) => cannot_open(error),
        FileError::Forest(_, OpenError::Empty) => PyOSError::new_err("Size of file is zero"),
        FileError::Forest(_, OpenError::PartialNode { .. }) => PyOSError::new_err(
            "Index size is not a multiple of vector size. Ensure you are opening using the same metric you used to create \
             the index.",
        ),
        other => PyOSError::new_err(other.to_string()),
    }
}
