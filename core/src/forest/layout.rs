//! Nodes as Annoy lays them out: fixed size, a header, then a vector; or a header and a list of ids.
//!
//! | metric | header | children at | vector at |
//! |---|---|---|---|
//! | angular | descendants, then two children; an item's squared length takes the place of the first | 4 | 12 |
//! | euclidean, manhattan | descendants, offset of the plane, two children | 8 | 16 |
//! | hamming | descendants, two children, padding | 4 | 16 |
//! | dot, Annoy to 1.17.3 | descendants, two children, extra coordinate | 4 | 16 |
//! | dot, later | the same, squared length, whether built, padding | 4 | 24 |
//!
//! Offsets are in bytes, numbers are 32 bits, little-endian; a vector is `f32`, or `u64` words for hamming. A leaf's list
//! begins where the children would be and may fill the rest of the node. Which kind a node is follows from its number of
//! descendants ([`Kind`](super::node::Kind)).

use core::fmt::Debug;

use bytemuck::{Pod, Zeroable};

use crate::metric::Element;

/// The part of a metric that decides how its nodes are laid out in a file.
pub trait NodeFormat: Copy + Debug + Send + Sync + Sized + 'static {
    /// What vectors are made of.
    type Element: Element;
    /// The start of a node, as the file has it.
    type Header: Header;

    /// The number of elements in a vector of so many dimensions.
    #[must_use]
    fn width(dimensions: usize) -> usize {
        dimensions
    }
}

/// The start of a node.
pub trait Header: Pod + Debug + PartialEq + Send + Sync {
    /// Where the children, or the ids of a leaf, begin: an offset in bytes.
    const CHILDREN: usize;

    /// The number of items below, 1 for an item, 0 for an id that was never added.
    fn descendants(&self) -> i32;

    /// The two children of a split node.
    fn children(&self) -> [u32; 2];

    /// Sets both.
    fn link(&mut self, descendants: i32, children: [u32; 2]);
}

macro_rules! header {
    ($(#[$doc:meta])* $name:ident, children at $children:literal { $($field:ident: $kind:ty),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            descendants: i32,
            $(pub(crate) $field: $kind,)*
        }

        impl Header for $name {
            const CHILDREN: usize = $children;

            fn descendants(&self) -> i32 {
                self.descendants
            }

            fn children(&self) -> [u32; 2] {
                self.children
            }

            fn link(&mut self, descendants: i32, children: [u32; 2]) {
                self.descendants = descendants;
                self.children = children;
            }
        }

        const _: () = assert!(core::mem::offset_of!($name, children) == $children);
    };
}

header!(
    /// Angular: an item keeps its squared length where a split node has its first child.
    AngularHeader, children at 4 { children: [u32; 2] }
);
header!(
    /// Euclidean and manhattan: a split node's plane is v·x + offset = 0.
    OffsetHeader, children at 8 { offset: f32, children: [u32; 2] }
);
header!(
    /// Hamming: the padding aligns the words that follow.
    HammingHeader, children at 4 { children: [u32; 2], padding: u32 }
);
header!(
    /// Dot, as Annoy wrote it up to 1.17.3: `factor` is the coordinate that makes all items equally long.
    DotLegacyHeader, children at 4 { children: [u32; 2], factor: f32 }
);
header!(
    /// Dot, as Annoy's later versions write it.
    DotHeader, children at 4 { children: [u32; 2], factor: f32, squared_length: f32, built: u32 }
);

impl AngularHeader {
    pub(crate) fn item(squared_length: f32) -> Self {
        Self { descendants: 1, children: [squared_length.to_bits(), 0] }
    }

    pub(crate) fn squared_length(&self) -> f32 {
        f32::from_bits(self.children[0])
    }
}

/// The header of an item in whose node nothing else is said.
pub(crate) fn plain_item<H: Header>() -> H {
    let mut header = H::zeroed();
    header.link(1, [0, 0]);
    header
}

/// The sizes that follow from metric and dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeLayout {
    /// Dimensions of a vector.
    pub(crate) dimensions: usize,
    /// Elements in a header.
    pub(crate) header: usize,
    /// Elements in a vector.
    pub(crate) width: usize,
    /// Elements from a node to the next.
    pub(crate) stride: usize,
    /// Bytes in a node.
    pub(crate) bytes: usize,
    /// Ids that a leaf can hold.
    pub(crate) capacity: usize,
}

impl NodeLayout {
    /// `None` where there are no dimensions, or so many that a node would not fit in memory.
    pub(crate) fn new<D: NodeFormat>(dimensions: usize) -> Option<Self> {
        // Far beyond any vector, and low enough that no size below can overflow 31 bits.
        const MOST_DIMENSIONS: usize = 1 << 24;
        if dimensions == 0 || dimensions > MOST_DIMENSIONS {
            return None;
        }
        let header = size_of::<D::Header>() / size_of::<D::Element>();
        let width = D::width(dimensions);
        let stride = header + width;
        let bytes = stride * size_of::<D::Element>();
        Some(Self {
            dimensions,
            header,
            width,
            stride,
            bytes,
            capacity: (bytes - D::Header::CHILDREN) / size_of::<u32>(),
        })
    }
}
