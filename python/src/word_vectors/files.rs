//! Files of word vectors, and what goes wrong with them as Python's own `open` would raise it.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use ohyeah::Cancel;
use ohyeah_words::{Format, ReadError, ReadErrorKind, Reader, WriteError, Writer};
use pyo3::exceptions::{PyMemoryError, PyOSError, PyUserWarning, PyValueError};
use pyo3::prelude::*;

use crate::exceptions::{FileFormatError, number_of};

/// An `OSError` with number, text and name.
fn os_error(path: &Path, error: &io::Error) -> PyErr {
    let text = error.to_string();
    // Python writes number and name itself: "No such file or directory (os error 2)", "words.bin: the folder …".
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix(&format!("{}: ", path.display())).unwrap_or(text).to_owned();
    match number_of(error) {
        Some(number) => PyOSError::new_err((number, text, path.as_os_str().to_owned())),
        None => PyOSError::new_err(format!("{}: {text}", path.display())),
    }
}

fn read_error(path: &Path, error: &ReadError) -> PyErr {
    match error.kind() {
        ReadErrorKind::Io(error) => os_error(path, error),
        // The command's option has another name here.
        ReadErrorKind::OutOfMemory { .. } => PyMemoryError::new_err(error.to_string().replace("(--limit)", "(limit=)")),
        _ => FileFormatError::new_err((error.to_string(), path.as_os_str().to_owned())),
    }
}

fn write_error(path: &Path, error: &WriteError) -> PyErr {
    match error {
        WriteError::Io(error) => os_error(path, error),
        // The command's option has another name here.
        error => PyValueError::new_err(error.to_string().replace("--replace-spaces _", "replace_spaces=\"_\"")),
    }
}

pub(super) fn read(
    path: &Path,
    limit: Option<u64>,
    lossy: bool,
    cancel: &AtomicBool,
) -> Result<ohyeah_words::Loaded, ReadError> {
    let reader = Reader::new().lossy(lossy).cancel(Cancel::new(cancel));
    let reader = if let Some(limit) = limit { reader.limit(limit) } else { reader };
    reader.open(path)
}

/// The vectors, after what there is to say about the file was said.
pub(super) fn loaded(
    py: Python<'_>,
    path: &Path,
    read: Result<ohyeah_words::Loaded, ReadError>,
) -> PyResult<ohyeah_words::WordVectors> {
    let loaded = read.map_err(|error| read_error(path, &error))?;
    for message in loaded.warnings.messages() {
        let message = CString::new(message).unwrap_or_default();
        // The caller of the caller, which is in the package.
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &message, 2)?;
    }
    Ok(loaded.vectors)
}

/// How a file is to be written.
pub(super) struct Target {
    pub(super) path: PathBuf,
    /// None: as the name says.
    pub(super) binary: Option<bool>,
    pub(super) header: bool,
    pub(super) replace_spaces: Option<char>,
}

impl Target {
    pub(super) fn save(&self, vectors: &ohyeah_words::WordVectors, cancel: &AtomicBool) -> Result<(), WriteError> {
        let mut writer = Writer::new().cancel(Cancel::new(cancel));
        if let Some(binary) = self.binary {
            writer = writer.format(if binary { Format::Binary } else { Format::Text });
        }
        if !self.header {
            writer = writer.without_header();
        }
        if let Some(by) = self.replace_spaces {
            writer = writer.replace_spaces(by);
        }
        writer.save(vectors, &self.path)
    }

    pub(super) fn saved(&self, result: Result<(), WriteError>) -> PyResult<()> {
        result.map_err(|error| write_error(&self.path, &error))
    }
}
