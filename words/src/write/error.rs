//! Why vectors cannot be written.

use std::{fmt, io, path::PathBuf};

use crate::Format;

/// Why vectors cannot be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// The system refuses. The message of an error from [`Writer::save`](crate::Writer::save) names the file.
    Io(io::Error),
    /// The name of the file does not tell the format.
    UnknownExtension {
        /// The name.
        path: PathBuf,
    },
    /// A word is empty.
    EmptyWord {
        /// Its row, from 0.
        row: u32,
    },
    /// A word holds a space or a newline where neither format can have one.
    Unwritable {
        /// The word.
        word: String,
        /// Its row, from 0.
        row: u32,
        /// The format asked for.
        format: Format,
    },
    /// Replacing the spaces in a word makes it equal to another word.
    Collision {
        /// The word.
        word: String,
        /// Its row, from 0.
        row: u32,
        /// What it would become.
        replaced: String,
    },
    /// A binary file would not be read as it was written, by a coincidence of its numbers: as text, or with a longer word.
    Ambiguous,
    /// A binary file, or one without a word, cannot be read back without its header.
    HeaderNeeded,
    /// The work was cancelled.
    Cancelled,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::UnknownExtension { path } => write!(
                f,
                "{}: the extension does not tell the format; end the name in .txt, .vec or .bin, or these and .gz",
                path.display()
            ),
            Self::EmptyWord { row } => {
                write!(f, "row {row}: the word is empty and could not be read back; leave it out (--skip-empty)")
            }
            Self::Unwritable { word, row, format } => write!(
                f,
                "row {row}: the word {word:?} holds white space and could not be read back from word2vec {format}; \
                 replace it (--replace-spaces _)"
            ),
            Self::Collision { word, row, replaced } => write!(
                f,
                "row {row}: the word {word:?} with its spaces replaced would be {replaced:?}, which is there already; \
                 choose another replacement"
            ),
            Self::HeaderNeeded => {
                write!(f, "only text with at least one word can be read back without a header; write the header")
            }
            Self::Cancelled => write!(f, "writing was cancelled"),
            Self::Ambiguous => {
                write!(f, "the bytes of a vector look like text and could not be read back; write text instead")
            }
        }
    }
}

impl core::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
