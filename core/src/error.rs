//! What can go wrong, one enum an operation. Messages say what to do.

use core::fmt;

use crate::forest::OutOfSpace;

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

impl From<VectorError> for ItemError {
    fn from(error: VectorError) -> Self {
        Self::Vector(error)
    }
}

impl From<VectorError> for SearchError {
    fn from(error: VectorError) -> Self {
        Self::Vector(error)
    }
}

/// Why a collection of items could not be made or an item not be added.
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

impl From<OutOfSpace> for ItemError {
    fn from(_: OutOfSpace) -> Self {
        Self::OutOfMemory
    }
}

impl From<OutOfSpace> for BuildError {
    fn from(_: OutOfSpace) -> Self {
        Self::OutOfMemory
    }
}

/// Why a forest could not be built.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// The nodes do not fit the file format's 31 bits.
    TooManyNodes,
    /// The nodes do not fit in memory, or in the storage that they are kept in.
    OutOfMemory,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyNodes => "the forest would have more than 2147483647 nodes: build fewer trees",
            Self::OutOfMemory => "no room for the forest, in memory or on the disk: build fewer trees",
        })
    }
}

impl core::error::Error for BuildError {}

/// Why bytes are not a forest of the metric and the dimensions asked for.
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
        }
    }
}

impl core::error::Error for OpenError {}

impl From<Damage> for OpenError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// A rule of the forest's structure that a node breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The node.
    pub node: u32,
    /// The rule.
    pub rule: Rule,
}

/// The rules of a forest's structure, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// There are fewer than 2³¹ nodes.
    NodeCount,
    /// The last node's number of descendants is the number of items, so no more than there are nodes.
    ItemCount,
    /// The last nodes are copies of the trees' roots.
    Roots,
    /// A number of descendants is one that a node of its place can have.
    Descendants,
    /// A child is an item or a node of a tree, and not the node itself.
    Child,
    /// The children of a split node have together as many descendants as it has; those of a root, at most.
    Sum,
    /// A leaf lists items.
    Leaf,
    /// A split node's plane can be computed with.
    Plane,
    /// An item's vector is finite.
    Item,
    /// Every node of a tree has one parent.
    Parent,
    /// A tree has every item once.
    Cover,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            Rule::NodeCount => "there are more nodes than ids",
            Rule::ItemCount => "its number of items is more than there are nodes",
            Rule::Roots => "no tree's root is found at the end",
            Rule::Descendants => "its number of descendants is impossible",
            Rule::Child => "a child is no node of a tree",
            Rule::Sum => "its children's descendants do not add up",
            Rule::Leaf => "a leaf lists what is no item",
            Rule::Plane => "its plane is not one of numbers",
            Rule::Item => "an item's vector is not one of numbers",
            Rule::Parent => "two nodes share a child",
            Rule::Cover => "a tree does not have every item once",
        };
        write!(
            f,
            "node {}: {rule}: the index is damaged, or of another metric or other dimensions; open it with those that it \
             was built with, or build it again",
            self.node
        )
    }
}

impl core::error::Error for Damage {}

/// Why a search gave no answer.
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
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(error) => error.fmt(f),
            Self::NoSuchItem { id, items } => {
                write!(f, "no item has the id {id}: ids go from 0 to below {items}, and some may never have been added")
            }
            Self::Damaged(damage) => damage.fmt(f),
        }
    }
}

impl core::error::Error for SearchError {}

impl From<Damage> for SearchError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}
