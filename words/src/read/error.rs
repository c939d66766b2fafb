//! Why a file of vectors cannot be read: what is wrong, where, and what to do about it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{Compression, Foreign};

/// Why vectors cannot be read, and from which file.
///
/// It prints as one line, `FILE: place: what; remedy`.
#[derive(Debug)]
pub struct ReadError {
    path: Option<PathBuf>,
    kind: Box<ReadErrorKind>,
}

impl ReadError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &ReadErrorKind {
        &self.kind
    }

    /// The file, if vectors were read from a named one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(super) fn named(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }
}

impl From<ReadErrorKind> for ReadError {
    fn from(kind: ReadErrorKind) -> Self {
        Self { path: None, kind: Box::new(kind) }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

impl core::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &*self.kind {
            ReadErrorKind::Io(error) | ReadErrorKind::Packed { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// What is wrong with a file of vectors.
///
/// Pieces of the file that are shown are cut to a few dozen characters.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The system cannot open or read it.
    Io(io::Error),
    /// The work was cancelled.
    Cancelled,
    /// There is not one byte in it.
    Empty,
    /// It is some other kind of file.
    Foreign(Foreign),
    /// The first line is neither a header nor a word with its numbers.
    BadHeader {
        /// The first line.
        line: String,
    },
    /// The header promises more than a file of this size can hold.
    HeaderTooLarge {
        /// Number of words in the header.
        words: u64,
        /// Number of dimensions in the header.
        dimensions: u64,
        /// The fewest bytes that these can take.
        needed: u128,
        /// Size of the file.
        size: u64,
    },
    /// The header promises vectors longer than any that can be read.
    TooManyDimensions {
        /// Number of dimensions in the header.
        dimensions: u64,
        /// The most there can be.
        limit: usize,
    },
    /// Another character than a space or a tab stands between the numbers of a line.
    Delimited {
        /// Where.
        place: Place,
        /// The line.
        line: String,
        /// The character.
        by: char,
    },
    /// A line holds places and numbers, `index:value`, and not all numbers of a vector.
    Sparse {
        /// Where.
        place: Place,
        /// The line.
        line: String,
    },
    /// A line in which the word might end in a number or the vector begin earlier.
    Unsure {
        /// Where.
        place: Place,
        /// The line.
        line: String,
        /// The field that might belong to either.
        field: String,
    },
    /// The file ends before the rows that its header promises.
    Truncated {
        /// Number of whole rows that are there.
        rows: u64,
        /// Number of rows that the header promises.
        expected: u64,
        /// The byte, after decompression, where the file ends.
        byte: u64,
    },
    /// What is packed is damaged or cut short.
    Packed {
        /// How it is packed.
        compression: Compression,
        /// Number of bytes that came out before.
        after: u64,
        /// What the decompressor says.
        error: io::Error,
    },
    /// A line holds too few numbers.
    TooFewNumbers {
        /// Where.
        place: Place,
        /// The dimensions of the file.
        expected: usize,
        /// Number of fields after the first.
        found: usize,
        /// Where the dimensions were read.
        source: Dimensions,
    },
    /// A line holds too many numbers.
    TooManyNumbers {
        /// Where.
        place: Place,
        /// The dimensions of the file.
        expected: usize,
        /// Number of fields after the first.
        found: usize,
        /// Where the dimensions were read.
        source: Dimensions,
    },
    /// A field of a vector is not a number.
    NotANumber {
        /// Where.
        place: Place,
        /// The word at the head of the line.
        word: String,
        /// The field.
        field: String,
    },
    /// A number is NaN, infinite, or too large for an `f32`.
    NotFinite {
        /// Where.
        place: Place,
        /// The word whose vector holds it.
        word: String,
        /// The number's place in the vector, from 1.
        column: usize,
    },
    /// A word is not UTF-8.
    NotUtf8 {
        /// Where.
        place: Place,
        /// The word, what is not UTF-8 in it replaced.
        word: String,
    },
    /// A word of a binary file ends at none of the spaces behind which numbers and another word would follow.
    UnclearWord {
        /// Where.
        place: Place,
        /// The word up to its first space.
        word: String,
    },
    /// A row of a binary file starts with a space.
    EmptyWord {
        /// Where.
        place: Place,
    },
    /// A word or a line is longer than any honest one.
    TooLong {
        /// Where.
        place: Place,
        /// The length at which reading gave up.
        limit: usize,
    },
    /// The vectors do not fit in memory.
    OutOfMemory {
        /// Number of bytes that could not be had.
        bytes: u128,
    },
    /// There are more words than a `u32` can number.
    TooManyWords,
}

/// A place in a file of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a text file, from 1.
    Line(u64),
    /// A row of a binary file.
    Row {
        /// Its number, from 1.
        row: u64,
        /// The byte where it starts, after decompression.
        byte: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row { row, byte } => write!(f, "row {row} (byte {byte})"),
        }
    }
}

/// Where the number of dimensions was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimensions {
    /// In the header.
    Header,
    /// From the first line of a file without a header.
    FirstLine,
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "as the header says",
            Self::FirstLine => "as in line 1 (no header)",
        })
    }
}

impl fmt::Display for ReadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    write!(f, "there is no such file; check the name")
                }
                io::ErrorKind::IsADirectory => write!(f, "is a folder; give the name of a file"),
                io::ErrorKind::PermissionDenied => write!(f, "may not be read; change its permissions"),
                _ => write!(f, "cannot be read: {error}"),
            },
            Self::Cancelled => write!(f, "reading was cancelled"),
            Self::Empty => write!(f, "the file is empty; word2vec or GloVe vectors are expected"),
            Self::Foreign(kind) => write!(f, "this is {kind}"),
            Self::BadHeader { line } => write!(
                f,
                "line 1: {line:?} is neither a header (\"words dimensions\") nor a word and its numbers; \
                 is this a word2vec or GloVe file?"
            ),
            Self::HeaderTooLarge { words, dimensions, needed, size } => write!(
                f,
                "line 1: the header promises {words} words of {dimensions} dimensions, at least {needed} bytes, \
                 but the file has {size}; it is cut short (fetch it again) or the header is wrong"
            ),
            Self::Truncated { rows, expected, byte } => write!(
                f,
                "byte {byte}: the file ends after {rows} of the {expected} rows that the header promises; \
                 fetch it again, or correct the header or limit the rows to what is there"
            ),
            Self::Packed { compression, after, error } => write!(
                f,
                "byte {after} after unpacking: the {compression} data is damaged or cut short ({error}); fetch the file again"
            ),
            Self::TooManyDimensions { dimensions, limit } => write!(
                f,
                "line 1: the header promises vectors of {dimensions} dimensions, and more than {limit} cannot be read; \
                 is this a word2vec file?"
            ),
            Self::Delimited { place, line, by } => write!(
                f,
                "{place}: {line:?}: the numbers are separated by {by:?}, and spaces or tabs are expected; replace it \
                 (sed 's/{by} */ /g'), or read the table in Python and write a line for each word"
            ),
            Self::Sparse { place, line } => write!(
                f,
                "{place}: {line:?}: the vectors are sparse (index:value), and all numbers of a vector are expected; in Python, \
                 make them dense and fewer (sklearn.decomposition.TruncatedSVD) and write those"
            ),
            Self::Unsure { place, line, field } => write!(
                f,
                "{place}: {line:?}: {field:?} may be the end of the word or a number of the vector; put a tab between the word \
                 and its numbers, or the line \"words dimensions\" in front of the file"
            ),
            Self::TooFewNumbers { place, expected, found, source } => write!(
                f,
                "{place}: too few numbers: {found} after the word, expected {expected}, {source}; \
                 repair or remove the line"
            ),
            Self::TooManyNumbers { place, expected, found, source } => write!(
                f,
                "{place}: too many numbers: {found} after the word, expected {expected}, {source}; \
                 repair or remove the line (a tab ends a word that ends in a number)"
            ),
            Self::NotANumber { place, word, field } => {
                write!(f, "{place} ({word:?}): {field:?} is not a number; repair or remove the line")
            }
            Self::NotFinite { place, word, column } => {
                write!(f, "{place} ({word:?}): number {column} is NaN, infinite or too large; repair or remove the row")
            }
            Self::NotUtf8 { place, word } => {
                write!(f, "{place} ({word:?}): the word is not UTF-8; read with lossy decoding (--lossy) or repair it")
            }
            Self::UnclearWord { place, word } => write!(
                f,
                "{place} ({word:?}): where the word ends cannot be told, as neither numbers nor another word follow; write the file \
                 anew in UTF-8, or as text"
            ),
            Self::EmptyWord { place } => {
                write!(f, "{place}: the word is empty; is the header's number of dimensions right?")
            }
            Self::TooLong { place, limit } => {
                write!(f, "{place}: no end of the word or line within {limit} bytes; is this a word2vec or GloVe file?")
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "{bytes} bytes of memory for the vectors cannot be had; limit the rows (--limit)")
            }
            Self::TooManyWords => {
                write!(f, "more than {} words cannot be numbered; limit the rows (--limit)", u32::MAX)
            }
        }
    }
}

/// A piece of a file fit to be shown: decoded as well as it goes and cut to a few dozen characters.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let bytes = &bytes[..bytes.len().min(4 * SHOWN)];
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
