//! Why a question cannot be answered.

use std::fmt;

use ohyeah::forest::SearchError;
use ohyeah::packed;
use unicode_normalization::UnicodeNormalization as _;

use crate::IndexMismatch;
use crate::alike::are_canonically_equal;

/// Why a query cannot be answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum QueryError {
    /// A word has no vector.
    UnknownWord {
        /// The word.
        word: String,
        /// Words of the vocabulary that are spelled alike, the nearest first.
        nearest: Vec<String>,
    },
    /// There is no word and no vector in the query.
    NoInput,
    /// None of the words given has a vector.
    NoKnownWord {
        /// The words.
        words: Vec<String>,
    },
    /// A row number is out of range.
    Row {
        /// The number.
        id: u32,
        /// How many rows there are.
        rows: usize,
    },
    /// A vector does not have the length of the rows.
    Length {
        /// The length of the rows.
        expected: usize,
        /// The length of the vector.
        found: usize,
    },
    /// The words cancel each other or have vectors of zeros.
    NoDirection,
    /// A vector or a weight holds NaN or infinity.
    NotFinite,
    /// The index is not one of these vectors.
    OtherIndex(IndexMismatch),
    /// The index could not be searched.
    Index(SearchError),
    /// The packed index could not be searched.
    Packed(packed::SearchError),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWord { word, nearest } => {
                write!(f, "the word {word:?} is not in the vocabulary")?;
                if nearest.is_empty() {
                    return write!(f, ", nor is one that is spelled alike; check the language and the case");
                }
                if let Some(same) = nearest.iter().find(|same| are_canonically_equal(word, same)) {
                    // Both look alike in print.
                    let (has, form) = (same.escape_default(), if same.nfc().eq(same.chars()) { "NFC" } else { "NFD" });
                    return write!(f, ", but it is in another Unicode normal form, as {has}; ask for that (in {form})");
                }
                write!(f, "; did you mean {}?", quoted(nearest))
            }
            Self::NoInput => write!(f, "a query needs at least one word or vector"),
            Self::NoKnownWord { words } => {
                write!(f, "none of the words is in the vocabulary: {}; give at least one that is", quoted(words))
            }
            Self::Row { id, rows } => write!(f, "row {id} is out of range; there are {rows} rows, numbered from 0"),
            Self::Length { expected, found } => {
                write!(f, "the vector has {found} numbers, but these word vectors have {expected} dimensions")
            }
            Self::NoDirection => write!(
                f,
                "the words cancel each other or have vectors of zeros, so no word is more similar than another; ask for others"
            ),
            Self::NotFinite => write!(f, "a vector or weight of the query is NaN or infinite"),
            Self::OtherIndex(mismatch) => mismatch.fmt(f),
            Self::Index(error) => write!(f, "the index cannot be searched: {error}"),
            Self::Packed(error) => write!(f, "the index cannot be searched: {error}"),
        }
    }
}

impl core::error::Error for QueryError {}

/// As Rust writes strings: words may hold newlines, and what a terminal would obey.
fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}
