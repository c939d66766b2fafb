//! What can go wrong with vectors and packed indexes. Messages say what to do. Errors of forests are in [`forest`](crate::forest).

use core::fmt;

use crate::Metric;
// Until packed indexes have a search error of their own.
pub use crate::forest::SearchError;

/// Why a vector is none of a collection's: nothing can be computed with it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VectorError {
    /// The vector has another length than the collection's.
    WrongLength {
        /// Elements in a vector of the collection.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// An element is NaN or infinite.
    NotFinite {
        /// Its position in the vector.
        position: usize,
    },
    /// The vector's length is beyond 2⁶²: squares of distances to it would not be numbers of 32 bits.
    TooLong,
    /// Bits beyond the last dimension are set.
    SpareBits,
}

impl fmt::Display for VectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongLength { expected, found } => {
                write!(f, "vector has wrong length (expected {expected}, got {found})")
            }
            Self::NotFinite { position } => {
                write!(f, "the vector's element {position} is NaN or infinite: leave the vector out or mend it")
            }
            Self::TooLong => f.write_str(
                "the vector is longer than 4.6e18, or than 5.7e17 for a packed index: scale all vectors down",
            ),
            Self::SpareBits => f.write_str("bits beyond the last dimension are set: clear them, or use Hamming::pack"),
        }
    }
}

impl core::error::Error for VectorError {}

/// Why vectors could not be packed, or bytes are not a packed index.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PackedError {
    /// Vectors of this metric cannot be packed.
    Metric(Metric),
    /// No dimensions, or too many: 1 to 2048 can be packed.
    Dimensions(usize),
    /// The numbers are not a whole number of vectors.
    Length {
        /// How many numbers there are.
        numbers: usize,
        /// How many a vector has.
        dimensions: usize,
    },
    /// There is not one key for each vector.
    Keys {
        /// The number of vectors.
        expected: usize,
        /// The number of keys.
        found: usize,
    },
    /// A vector that cannot be searched for.
    Vector {
        /// Its number.
        id: u32,
        /// What is wrong with it.
        error: VectorError,
    },
    /// More vectors than 32 bits can number.
    TooMany,
    /// No memory for it.
    OutOfMemory,
    /// The work was called off.
    Cancelled,
    /// The bytes do not lie at an address divisible by 8.
    Unaligned,
    /// They do not begin as a packed index does.
    NotPacked,
    /// A version of the format that this code does not read.
    Version {
        /// The file's version.
        found: u32,
    },
    /// They are fewer or more than they say.
    Truncated {
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// They were changed after they were written.
    Damaged {
        /// The part that is not what it was.
        what: &'static str,
    },
}

impl fmt::Display for PackedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric(metric) => write!(f, "{metric} vectors cannot be packed: build a forest for them (.ann)"),
            Self::Dimensions(found) => write!(f, "vectors of {found} dimensions cannot be packed: 1 to 2048 can"),
            Self::Length { numbers, dimensions } => {
                write!(f, "{numbers} numbers are not a whole number of vectors of {dimensions} dimensions")
            }
            Self::Keys { expected, found } => write!(f, "{expected} vectors need as many keys, not {found}"),
            Self::Vector { id, error } => write!(f, "vector {id}: {error}"),
            Self::TooMany => f.write_str("more than 2147483647 vectors cannot be packed: split them"),
            Self::OutOfMemory => f.write_str("no memory for the index: free some, or use fewer vectors"),
            Self::Cancelled => f.write_str("called off"),
            Self::Unaligned => {
                f.write_str("the index does not lie at an address divisible by 8: copy it to one that is")
            }
            Self::NotPacked => f.write_str("this is not a packed index: those begin with \\x89ohyeah"),
            Self::Version { found } => {
                write!(
                    f,
                    "the index has version {found} of the format, which this program cannot read: use a newer one"
                )
            }
            Self::Truncated { expected, found } => {
                write!(f, "the index should have {expected} bytes and has {found}: copy or build it again")
            }
            Self::Damaged { what } => write!(f, "{what} is damaged: copy or build the index again"),
        }
    }
}

impl core::error::Error for PackedError {}
