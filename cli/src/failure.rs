//! What ends a command before its work is done.

use std::{fmt::Display, io};

use ohyeah::{FileError, UnavailableBackend};
use ohyeah_words::WriteError;

/// Why a command stops.
#[derive(Debug)]
pub(crate) enum Failure {
    /// For the user, in one line: `FILE: place: what; remedy`.
    Message(String),
    /// Whoever reads the output has closed it. Nothing to tell.
    BrokenPipe,
}

impl Failure {
    /// An error that does not know which file it is about.
    pub(crate) fn about(file: impl Display, error: impl Display) -> Self {
        Self::Message(format!("{file}: {error}"))
    }
}

/// Errors of output, whose messages name the file.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Message(error.to_string()),
        }
    }
}

impl From<UnavailableBackend> for Failure {
    fn from(error: UnavailableBackend) -> Self {
        Self::Message(error.to_string())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::Message(error.to_string())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(error) => error.into(),
            error => Self::Message(error.to_string()),
        }
    }
}
