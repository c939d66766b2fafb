//! Writing results: to a file that is whole or not there, or to standard output.

use std::{
    fmt::{self, Write as _},
    io::{self, BufWriter, Stdout, Write},
    path::Path,
};

use ohyeah::AtomicFile;

use crate::{failure::Failure, report::Report};

/// Where a command's result goes.
#[derive(Debug)]
pub(crate) enum Output {
    File(AtomicFile),
    Stdout(BufWriter<Stdout>),
}

impl Output {
    /// A file, or standard output where the name is `-`. Open it before the long work: a folder that does not exist should not cost
    /// anyone an hour.
    pub(crate) fn create(path: &Path, report: Report) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::standard());
        }
        let file = AtomicFile::create(path)?;
        if let Some(reason) = file.in_place() {
            let told = "so its old content is written over at the end: nobody should read it until then";
            report.warning(format_args!("{}: {reason}, {told}", path.display()));
        }
        Ok(Self::File(file))
    }

    pub(crate) fn standard() -> Self {
        Self::Stdout(BufWriter::new(io::stdout()))
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

/// A word for a line of a table: what would break the line, or be obeyed by a terminal, is written as Rust does (`\t`,
/// `\n`, `\u{1b}`), and a backslash as two, so that nothing is lost.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c == '\\' || is_obeyed(c) { write!(f, "{}", c.escape_default()) } else { f.write_char(c) }
        })
    }
}

/// Control characters, and those that end a line or turn its direction in Unicode. Joiners and marks that are parts of
/// words in many languages are not among them.
pub(crate) fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
