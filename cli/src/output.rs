//! Writing results: to a file that is whole or not there, or to standard output.

use std::{
    io::{self, BufWriter, Stdout, Write},
    path::Path,
};

use ohyeah::AtomicFile;

/// Where a command's result goes.
#[derive(Debug)]
pub(crate) enum Output {
    File(AtomicFile),
    Stdout(BufWriter<Stdout>),
}

impl Output {
    /// A file, or standard output where no file is named. Open it before the long work: a folder that does not exist
    /// should not cost anyone an hour.
    pub(crate) fn create(path: Option<&Path>) -> io::Result<Self> {
        Ok(match path {
            Some(path) => Self::File(AtomicFile::create(path)?),
            None => Self::Stdout(BufWriter::new(io::stdout())),
        })
    }

    /// Writes what is buffered and gives a file its name.
    pub(crate) fn commit(self) -> io::Result<()> {
        match self {
            Self::File(file) => file.commit(),
            Self::Stdout(mut stdout) => stdout.flush().map_err(|error| named(&error)),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes).map_err(|error| named(&error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush().map_err(|error| named(&error)),
        }
    }
}

fn named(error: &io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::StorageFull => "standard output: the disk is full; free some space or write elsewhere".into(),
        _ => format!("standard output: {error}"),
    };
    io::Error::new(error.kind(), text)
}
