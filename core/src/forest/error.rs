//! What can go wrong with a forest, one enum an operation. Messages say what to do.

use core::fmt;

use super::damage::Damage;
use crate::error::VectorError;
use crate::progress::Cancelled;

/// A storage has no room for what is to be kept in it.
///
/// ```
/// use ohyeah_core::forest::{NodeBuf, OutOfSpace, Storage};
///
/// assert_eq!(NodeBuf::default().resize(usize::MAX), Err(OutOfSpace));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfSpace;

impl fmt::Display for OutOfSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for the nodes: free some, or use fewer items or trees")
    }
}

impl core::error::Error for OutOfSpace {}

/// Why a collection of items could not be made or an item not be added.
///
/// ```
/// use ohyeah_core::forest::{ItemError, Items};
/// use ohyeah_core::Angular;
///
/// assert_eq!(Items::<Angular>::new(0).map(|_| ()), Err(ItemError::Dimensions(0)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ItemError {
    /// There are no dimensions, or more than a node can hold.
    Dimensions(usize),
    /// The id does not fit the file format's 31 bits.
    IdTooLarge(u32),
    /// The vector is none of the collection's.
    Vector(VectorError),
    /// The nodes would not fit in memory, or in the storage that they are kept in.
    OutOfMemory,
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimensions(n) => write!(f, "vectors of {n} dimensions are not supported: use 1 to 16777216"),
            Self::IdTooLarge(id) => write!(f, "the id {id} is too large: ids go from 0 to 2147483646"),
            Self::Vector(error) => error.fmt(f),
            Self::OutOfMemory => {
                f.write_str("no room for the items, in memory or on the disk: use smaller ids or fewer vectors")
            }
        }
    }
}

impl core::error::Error for ItemError {}

impl From<VectorError> for ItemError {
    fn from(error: VectorError) -> Self {
        Self::Vector(error)
    }
}

impl From<OutOfSpace> for ItemError {
    fn from(_: OutOfSpace) -> Self {
        Self::OutOfMemory
    }
}

/// Why a forest could not be built. [`Items::build`](super::Items::build) has checked its vectors before: of these errors it
/// gives the last three.
///
/// ```
/// use ohyeah_core::forest::{BuildError, BuildOptions};
/// use ohyeah_core::{Angular, Forest};
///
/// let error = Forest::build(Angular, &[1.0, 2.0, 3.0], 2, &BuildOptions::new()).unwrap_err();
/// assert_eq!(error, BuildError::Length { numbers: 3, dimensions: 2 });
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// There are no dimensions, or more than a node can hold.
    Dimensions(usize),
    /// The elements are not a whole number of vectors.
    Length {
        /// How many elements there are: numbers, or words of bits.
        numbers: usize,
        /// The dimensions of a vector; of bits a word has 64.
        dimensions: usize,
    },
    /// A vector cannot be an item.
    Vector {
        /// Its row, which would be its id.
        id: u32,
        /// What is wrong with it.
        error: VectorError,
    },
    /// The nodes do not fit the file format's 31 bits.
    TooManyNodes,
    /// The nodes do not fit in memory, or in the storage that they are kept in.
    OutOfMemory,
    /// The build was cancelled.
    Cancelled,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimensions(n) => ItemError::Dimensions(*n).fmt(f),
            Self::Length { numbers, dimensions } => {
                write!(f, "{numbers} numbers are not a whole number of vectors of {dimensions} dimensions")
            }
            Self::Vector { id, error } => write!(f, "vector {id}: {error}"),
            Self::TooManyNodes => {
                f.write_str("the forest would have more than 2147483647 nodes: use fewer vectors or build fewer trees")
            }
            Self::OutOfMemory => f.write_str("no room for the forest, in memory or on the disk: build fewer trees"),
            Self::Cancelled => f.write_str("the build was cancelled"),
        }
    }
}

impl core::error::Error for BuildError {}

impl From<OutOfSpace> for BuildError {
    fn from(_: OutOfSpace) -> Self {
        Self::OutOfMemory
    }
}

impl From<Cancelled> for BuildError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Why bytes are not a forest of the metric and the dimensions asked for.
///
/// ```
/// use ohyeah_core::forest::OpenError;
/// use ohyeah_core::{Euclidean, Forest};
///
/// let bytes: &[u8] = &[];
/// assert_eq!(Forest::<Euclidean, _>::open(bytes, 3).map(|_| ()), Err(OpenError::Empty));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OpenError {
    /// There are no dimensions, or more than a node can hold.
    Dimensions(usize),
    /// There are no bytes.
    Empty,
    /// The bytes do not lie at an address divisible by the size of an element.
    Unaligned {
        /// The alignment needed, in bytes.
        needed: usize,
    },
    /// The length is not a whole number of nodes.
    PartialNode {
        /// Bytes found.
        length: usize,
        /// Bytes in a node.
        node: usize,
    },
    /// The structure breaks a rule.
    Damaged(Damage),
    /// Found by `verify`: the storage no longer gives the bytes that were opened.
    Storage,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimensions(n) => ItemError::Dimensions(*n).fmt(f),
            Self::Empty => f.write_str("the index is empty: build it again"),
            Self::Unaligned { needed } => {
                write!(f, "the index does not lie at an address divisible by {needed}: copy it to one that is")
            }
            Self::PartialNode { length, node } => write!(
                f,
                "its {length} bytes are not a multiple of the {node} of a node: open it with the metric and dimensions \
                 that it was built with, or build it again if it was cut short"
            ),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Storage => f.write_str(STORAGE),
        }
    }
}

impl core::error::Error for OpenError {}

impl From<Damage> for OpenError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

const STORAGE: &str = "the storage no longer gives the bytes that were opened, at an address that suits them: keep them where they do \
                       not move, as in a Vec, a Box or a NodeBuf";

/// Why a search gave no answer.
///
/// ```
/// use ohyeah_core::error::VectorError;
/// use ohyeah_core::forest::{BuildOptions, Search, SearchError};
/// use ohyeah_core::{Angular, Forest};
///
/// let forest = Forest::build(Angular, &[1.0, 0.0, 0.0, 1.0], 2, &BuildOptions::new())?;
/// let error = forest.search(&[1.0], &Search::top(1)).unwrap_err();
/// assert_eq!(error, SearchError::Vector(VectorError::WrongLength { expected: 2, found: 1 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SearchError {
    /// The query is no vector that items could have.
    Vector(VectorError),
    /// No item has this id.
    NoSuchItem {
        /// The id asked for.
        id: u32,
        /// Ids are below this.
        items: u32,
    },
    /// The search met a node that breaks a rule of the structure.
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
            Self::NoSuchItem { id, items } => {
                write!(f, "no item has the id {id}: ids go from 0 to below {items}, and some may never have been added")
            }
            Self::Damaged(damage) => damage.fmt(f),
            Self::Storage => f.write_str(STORAGE),
            Self::Cancelled => f.write_str("the search was cancelled"),
        }
    }
}

impl core::error::Error for SearchError {}

impl From<VectorError> for SearchError {
    fn from(error: VectorError) -> Self {
        Self::Vector(error)
    }
}

impl From<Cancelled> for SearchError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<Damage> for SearchError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}
