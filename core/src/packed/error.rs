//! What can go wrong with packed indexes, one enum an operation. Messages say what to do.

use alloc::collections::TryReserveError;
use core::fmt;

use super::damage::Damage;
use super::file::layout::MOST_DIMENSIONS;
use crate::Metric;
use crate::error::VectorError;
use crate::progress::Cancelled;

/// Why vectors cannot be packed.
///
/// ```
/// use ohyeah_core::packed::{GraphError, GraphOptions, InputError};
/// use ohyeah_core::{KnnGraph, Metric};
///
/// let error = KnnGraph::build(Metric::Hamming, &[1.0, 0.0], 2, &GraphOptions::top(1)).unwrap_err();
/// assert_eq!(error, GraphError::Input(InputError::Metric(Metric::Hamming)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputError {
    /// Vectors of this metric cannot be packed.
    Metric(Metric),
    /// No dimensions, or too many: 1 to [`MOST_DIMENSIONS`](super::MOST_DIMENSIONS) can be packed.
    Dimensions(usize),
    /// The numbers are not a whole number of vectors.
    Length {
        /// How many numbers there are.
        numbers: usize,
        /// How many a vector has.
        dimensions: usize,
    },
    /// A vector that cannot be searched for.
    Vector {
        /// Its number.
        id: u32,
        /// What is wrong with it.
        error: VectorError,
    },
    /// More vectors than 31 bits can number.
    TooMany,
    /// All vectors are so short (dot), or lie so close together (euclidean), that their products, or the squares of their distances, are
    /// too small for an f32: no number, or difference of numbers, reaches 10⁻¹⁷.
    TooSmall,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric(metric) => write!(f, "{metric} vectors cannot be packed: build a forest for them (.ann)"),
            Self::Dimensions(found) => {
                write!(f, "vectors of {found} dimensions cannot be packed: 1 to {MOST_DIMENSIONS} can")
            }
            Self::Length { numbers, dimensions } => {
                write!(f, "{numbers} numbers are not a whole number of vectors of {dimensions} dimensions")
            }
            Self::Vector { id, error } => write!(f, "vector {id}: {error}"),
            Self::TooSmall => f.write_str(
                "the numbers of all vectors, or their differences, are below 1e-17: multiply all by 1e17 or more",
            ),
            Self::TooMany => f.write_str("more than 2147483647 vectors cannot be packed: split them"),
        }
    }
}

impl core::error::Error for InputError {}

const OUT_OF_MEMORY: &str = "no memory for the index: free some, or use fewer vectors";

/// Why a packed index could not be built.
///
/// ```
/// use ohyeah_core::packed::{BuildError, BuildOptions, InputError};
/// use ohyeah_core::{Metric, Packed};
///
/// let error = Packed::build(Metric::Dot, &[1.0, 2.0, 3.0], 2, &BuildOptions::new()).unwrap_err();
/// assert_eq!(error, BuildError::Input(InputError::Length { numbers: 3, dimensions: 2 }));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// The vectors cannot be packed.
    Input(InputError),
    /// There is not one key for each vector.
    Keys {
        /// The number of vectors.
        expected: usize,
        /// The number of keys.
        found: usize,
    },
    /// There is no memory for the index.
    OutOfMemory,
    /// The build was cancelled.
    Cancelled,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => error.fmt(f),
            Self::Keys { expected, found } => write!(f, "{expected} vectors need as many keys, not {found}"),
            Self::OutOfMemory => f.write_str(OUT_OF_MEMORY),
            Self::Cancelled => f.write_str("the build was cancelled"),
        }
    }
}

impl core::error::Error for BuildError {}

/// Why bytes are not a packed index.
///
/// ```
/// use ohyeah_core::packed::{OpenError, PackedBuf};
/// use ohyeah_core::Packed;
///
/// let error = Packed::open(PackedBuf::copy_of(&[7; 1000])).unwrap_err();
/// assert_eq!(error, OpenError::NotPacked);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
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
    /// They break a rule of the format.
    Damaged(Damage),
    /// Found by `verify`: the storage no longer gives the bytes that were opened.
    Storage,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unaligned => f.write_str(
                "the index does not lie at an address divisible by 8: copy it to one that does (PackedBuf::copy_of)",
            ),
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
            Self::Damaged(damage) => damage.fmt(f),
            Self::Storage => f.write_str(STORAGE),
        }
    }
}

impl core::error::Error for OpenError {}

/// Why a search gave no answer.
///
/// ```
/// use ohyeah_core::error::VectorError;
/// use ohyeah_core::packed::{BuildOptions, Search, SearchError};
/// use ohyeah_core::{Dot, Packed};
///
/// let index = Packed::build(Dot, &[1.0, 2.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// let error = VectorError::WrongLength { expected: 2, found: 1 };
/// assert_eq!(index.search(&[1.0], &Search::top(1)), Err(SearchError::Vector(error)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SearchError {
    /// The query is no vector that could be packed.
    Vector(VectorError),
    /// No vector has this id.
    NoSuchItem {
        /// The id asked for.
        id: u32,
        /// Ids are below this.
        items: u32,
    },
    /// The recall asked for is none.
    Recall {
        /// The number that was given.
        recall: f32,
    },
    /// The answer would have broken a rule of the format.
    Damaged(Damage),
    /// The storage no longer gives the bytes that were opened.
    Storage,
    /// A batch of searches was cancelled.
    Cancelled,
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(error) => error.fmt(f),
            Self::NoSuchItem { id, items } => write!(f, "no vector has the id {id}: ids go from 0 to below {items}"),
            Self::Recall { recall } => write_recall(f, *recall),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Storage => f.write_str(STORAGE),
            Self::Cancelled => f.write_str("the search was cancelled"),
        }
    }
}

pub(crate) const STORAGE: &str = "the storage no longer gives the bytes that were opened, at an address divisible by 8: \
                       keep them where they do not move, as in a Vec, a Box or a PackedBuf";

impl core::error::Error for SearchError {}

fn write_recall(f: &mut fmt::Formatter<'_>, recall: f32) -> fmt::Result {
    write!(f, "recall is {recall}: it must be above 0, and at most 1, which is exact")
}

/// Why the neighbours of all vectors could not be found.
///
/// ```
/// use core::sync::atomic::AtomicBool;
/// use ohyeah_core::packed::{GraphError, GraphOptions};
/// use ohyeah_core::{Cancel, Dot, KnnGraph};
///
/// let stop = AtomicBool::new(true);
/// let options = GraphOptions::top(1).cancel(Cancel::new(&stop));
/// let called_off = KnnGraph::build(Dot, &[1.0, 2.0, 3.0, 4.0], 2, &options);
/// assert_eq!(called_off, Err(GraphError::Cancelled));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GraphError {
    /// The vectors cannot be packed: of [`KnnGraph::build`](super::KnnGraph::build) alone.
    Input(InputError),
    /// The recall asked for is none.
    Recall {
        /// The number that was given.
        recall: f32,
    },
    /// The index breaks a rule of the format: of [`Packed::graph`](super::Packed::graph) alone, and so is the next.
    Damaged(Damage),
    /// The storage no longer gives the bytes that were opened.
    Storage,
    /// There is no memory for the neighbours.
    OutOfMemory,
    /// The work was cancelled.
    Cancelled,
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => error.fmt(f),
            Self::Recall { recall } => write_recall(f, *recall),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Storage => f.write_str(STORAGE),
            Self::OutOfMemory => f.write_str("no memory for the neighbours: free some, or ask for fewer"),
            Self::Cancelled => f.write_str("the work was cancelled"),
        }
    }
}

impl core::error::Error for GraphError {}

/// There is no memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfMemory;

/// Why a stage of the work did not end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stopped {
    OutOfMemory,
    Cancelled,
}

/// `From` the errors that several operations have in common.
macro_rules! from {
    ($($error:ty, $from:ty => |$name:pat_param| $variant:expr;)*) => {
        $(impl From<$from> for $error {
            fn from($name: $from) -> Self {
                $variant
            }
        })*
    };
}

from! {
    BuildError, InputError => |error| Self::Input(error);
    Stopped, TryReserveError => |_| Self::OutOfMemory;
    Stopped, OutOfMemory => |_| Self::OutOfMemory;
    Stopped, Cancelled => |_| Self::Cancelled;
    BuildError, Cancelled => |_| Self::Cancelled;
    BuildError, Stopped => |stopped| match stopped {
        Stopped::OutOfMemory => Self::OutOfMemory,
        Stopped::Cancelled => Self::Cancelled,
    };
    GraphError, Stopped => |stopped| match stopped {
        Stopped::OutOfMemory => Self::OutOfMemory,
        Stopped::Cancelled => Self::Cancelled,
    };
    OpenError, Damage => |damage| Self::Damaged(damage);
    SearchError, VectorError => |error| Self::Vector(error);
    SearchError, Damage => |damage| Self::Damaged(damage);
    SearchError, Cancelled => |_| Self::Cancelled;
    GraphError, InputError => |error| Self::Input(error);
    GraphError, Damage => |damage| Self::Damaged(damage);
    GraphError, OutOfMemory => |_| Self::OutOfMemory;
    GraphError, Cancelled => |_| Self::Cancelled;
}
