//! Which rule of a forest's structure is broken, and by which node; [`open`](super::open) checks them.

use core::fmt;

/// A rule of the forest's structure that a node breaks.
///
/// ```
/// use ohyeah_core::forest::{BuildOptions, Damage, NodeBuf, OpenError, Rule};
/// use ohyeah_core::{Euclidean, Forest};
///
/// let forest = Forest::build(Euclidean, &[1.0, 2.0, 3.0, 4.0], 2, &BuildOptions::new().trees(1))?;
/// let mut bytes = forest.as_bytes().to_vec();
/// // The copy of the root, at the end, begins with the number of items.
/// let root = bytes.len() - 24;
/// bytes[root] = 9;
/// let error = Forest::<Euclidean, _>::open(NodeBuf::copy_of(&bytes), 2).unwrap_err();
/// assert_eq!(error, OpenError::Damaged(Damage { node: 3, rule: Rule::ItemCount }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The node.
    pub node: u32,
    /// The rule.
    pub rule: Rule,
}

/// The rules of a forest's structure, in the order in which they are checked.
///
/// ```
/// use ohyeah_core::forest::{OpenError, Rule};
/// use ohyeah_core::{Euclidean, Forest};
///
/// // Zeros are many trees of nothing.
/// let error = Forest::<Euclidean, _>::open(vec![0; 16_000], 6).map(|_| ()).unwrap_err();
/// let OpenError::Damaged(damage) = error else { panic!("{error}") };
/// assert_eq!(damage.rule, Rule::NoItems);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// There are fewer than 2³¹ nodes.
    NodeCount,
    /// The last node's number of descendants is the number of items, so no more than there are nodes.
    ItemCount,
    /// The last nodes are copies of the trees' roots.
    Roots,
    /// There are items, where there are more trees than an index of none is given.
    NoItems,
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
    /// An item's vector is no longer than 2⁶², as one that is added.
    Length,
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
            Rule::NoItems => "there are no items, and a file of nothing but zeros looks the same",
            Rule::Descendants => "its number of descendants is impossible",
            Rule::Child => "a child is no node of a tree",
            Rule::Sum => "its children's descendants do not add up",
            Rule::Leaf => "a leaf lists what is no item",
            Rule::Plane => "its plane is not one of numbers",
            Rule::Item => "an item's vector is not one of numbers",
            Rule::Length => "an item is longer than 4.6e18, so that distances to it are no numbers",
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
