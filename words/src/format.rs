//! The two ways to write a vector down.

use std::fmt;

/// How the rows of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A line a row: the word, then the numbers in decimal, separated by spaces.
    Text,
    /// The word, a space, then the numbers as little-endian `f32`.
    Binary,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Binary => "binary",
        })
    }
}
