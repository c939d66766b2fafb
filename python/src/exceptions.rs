//! Errors as Python's exceptions, with Annoy's words where it has some.

use std::io;
use std::path::Path;

use ohyeah::FileError;
use ohyeah::error::VectorError;
use ohyeah::forest::{ItemError, OpenError, SearchError};
use ohyeah::packed;
use pyo3::exceptions::{PyException, PyIndexError, PyMemoryError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::{PyErr, import_exception};

import_exception!(ohyeah._errors, WrongLength);
import_exception!(ohyeah._errors, NoSuchId);
import_exception!(ohyeah._errors, FileFormatError);

pub(crate) fn exception(text: &'static str) -> PyErr {
    PyException::new_err(text)
}

pub(crate) fn no_such_item() -> PyErr {
    PyIndexError::new_err("Item index larger than the largest item index")
}

fn length_text(expected: usize, found: usize) -> String {
    format!("Vector has wrong length (expected {expected}, got {found})")
}

/// A vector does not have as many numbers as those of a forest: the exception is Annoy's own.
pub(crate) fn annoys_wrong_length(expected: usize, found: usize) -> PyErr {
    PyIndexError::new_err(length_text(expected, found))
}

/// A vector does not have as many numbers as those of a packed index.
pub(crate) fn wrong_length(expected: usize, found: usize) -> PyErr {
    WrongLength::new_err(length_text(expected, found))
}

/// The exception of a vector that is none of a forest's, with Annoy's words where it has some.
fn vector_error(error: VectorError) -> PyErr {
    match error {
        VectorError::WrongLength { expected, found } => annoys_wrong_length(expected, found),
        _ => PyValueError::new_err(error.to_string()),
    }
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
        _ => FileFormatError::new_err(error.to_string()),
    }
}

/// Why a packed index gives no answer.
pub(crate) fn packed_search_error(error: packed::SearchError) -> PyErr {
    match error {
        packed::SearchError::Vector(VectorError::WrongLength { expected, found }) => wrong_length(expected, found),
        packed::SearchError::Vector(error) => PyValueError::new_err(error.to_string()),
        packed::SearchError::NoSuchItem { .. } => NoSuchId::new_err(error.to_string()),
        packed::SearchError::Cancelled => PyRuntimeError::new_err(error.to_string()),
        _ => FileFormatError::new_err(error.to_string()),
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
    if number == ENOSPC { disk_full(path) } else { numbered(path, number) }
}

/// An error of the system as Python's own `open` raises it: `FileNotFoundError`, `PermissionError` and so on, with the number and the
/// name of the file.
fn numbered(path: &Path, number: i32) -> PyErr {
    let text = io::Error::from_raw_os_error(number).to_string();
    // "File too large (os error 27)": Python writes the number itself.
    let text = text.split(" (os error").next().unwrap_or_default().to_owned();
    PyOSError::new_err((number, text, path.as_os_str().to_owned()))
}

/// The system's number for an error: Python makes `FileNotFoundError`, `PermissionError` and so on of it. Errors with a text of our own
/// have lost theirs.
pub(crate) fn number_of(error: &io::Error) -> Option<i32> {
    error.raw_os_error().or(match error.kind() {
        io::ErrorKind::NotFound => Some(2),
        io::ErrorKind::PermissionDenied => Some(13),
        io::ErrorKind::AlreadyExists => Some(17),
        io::ErrorKind::NotADirectory => Some(20),
        io::ErrorKind::IsADirectory => Some(21),
        io::ErrorKind::FileTooLarge => Some(27),
        io::ErrorKind::StorageFull => Some(ENOSPC),
        io::ErrorKind::ReadOnlyFilesystem => Some(30),
        _ => None,
    })
}

/// A file could not be opened or read.
pub(crate) fn cannot_open(path: &Path, error: &io::Error) -> PyErr {
    match number_of(error) {
        Some(number) => numbered(path, number),
        None if error.kind() == io::ErrorKind::OutOfMemory => {
            PyMemoryError::new_err(format!("{}: no memory for the file", path.display()))
        }
        // Without a number it is a file that cannot be opened at all, such as a pipe: "Invalid argument".
        None => PyOSError::new_err((22, error.to_string(), path.as_os_str().to_owned())),
    }
}

/// A file could not be written, in words that say what to do where the disk is full.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> PyErr {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => disk_full(path),
        _ if number_of(error).is_some() => numbered(path, number_of(error).unwrap_or_default()),
        _ => {
            // Some of these errors name the file themselves.
            let text = error.to_string();
            let name = format!("{}: ", path.display());
            let text = text.strip_prefix(&name).unwrap_or(&text).to_owned();
            PyOSError::new_err((22, text, path.as_os_str().to_owned()))
        }
    }
}

/// A file is damaged, or of another kind.
pub(crate) fn bad_file(path: &Path, problem: &str) -> PyErr {
    FileFormatError::new_err((format!("{}: {problem}", path.display()), path.as_os_str().to_owned()))
}

/// The same in Annoy's words, with which programs expect the message to begin.
fn annoys(path: &Path, problem: &str) -> PyErr {
    FileFormatError::new_err((format!("{problem} ({})", path.display()), path.as_os_str().to_owned()))
}

/// A file is not the forest that it should be.
pub(crate) fn forest_error(path: &Path, error: &OpenError) -> PyErr {
    match error {
        OpenError::Empty => annoys(path, "Size of file is zero"),
        OpenError::PartialNode { .. } => annoys(
            path,
            "Index size is not a multiple of vector size. Ensure you are opening using the same metric you used to create \
             the index.",
        ),
        other => bad_file(path, &other.to_string()),
    }
}

/// A file could not be opened as an index.
pub(crate) fn file_error(error: &FileError) -> PyErr {
    match error {
        FileError::Io(path, error) => cannot_open(path, error),
        FileError::Forest(path, error) => forest_error(path, error),
        FileError::Packed(path, error) => bad_file(path, &error.to_string()),
        other => FileFormatError::new_err(other.to_string()),
    }
}
