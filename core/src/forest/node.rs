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
//! descendants ([`Kind`]).

use alloc::vec::Vec;

use bytemuck::{Pod, Zeroable};

use super::rules::Rules;
use crate::simd::prefetch;

/// The start of a node.
pub trait Header: Pod + core::fmt::Debug + PartialEq + Send + Sync {
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

/// A header and its vector.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a, D: Rules> {
    pub(crate) header: &'a D::Header,
    pub(crate) vector: &'a [D::Element],
}

/// The vectors of several rows.
#[inline]
pub(crate) fn vectors<'a, D: Rules, const N: usize>(rows: &[Row<'a, D>; N]) -> [&'a [D::Element]; N] {
    rows.each_ref().map(|row| row.vector)
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind<'a, D: Rules> {
    /// An id that was never added.
    Hole,
    /// An item.
    Item,
    /// A list of item ids.
    Leaf(&'a [u32]),
    /// A plane and the nodes on its two sides.
    Split { children: [u32; 2], split: Row<'a, D> },
    /// A number of descendants that no node has.
    Damaged,
}

/// The sizes that follow from metric and dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
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

impl Layout {
    /// None where there are no dimensions, or so many that a node would not fit in memory.
    pub(crate) fn new<D: Rules>(dimensions: usize) -> Option<Self> {
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

/// Bytes as elements. Storage that lies at an odd address has none: neither `Forest::open` nor [`Storage`] is that of one.
///
/// [`Storage`]: super::Storage
pub(crate) fn elements<D: Rules>(storage: &impl AsRef<[u8]>) -> &[D::Element] {
    bytemuck::try_cast_slice(storage.as_ref()).unwrap_or(&[])
}

/// The same, to be written.
pub(crate) fn elements_mut<D: Rules>(storage: &mut impl AsMut<[u8]>) -> &mut [D::Element] {
    bytemuck::try_cast_slice_mut(storage.as_mut()).unwrap_or(&mut [])
}

/// A view of nodes side by side. Every access is checked: an id from a damaged file finds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'a, D: Rules> {
    elements: &'a [D::Element],
    layout: Layout,
    /// How many of the first nodes are items.
    items: u32,
}

impl<'a, D: Rules> Nodes<'a, D> {
    pub(crate) fn new(elements: &'a [D::Element], layout: Layout, items: u32) -> Self {
        Self { elements, layout, items }
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// The number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.elements.len() / self.layout.stride
    }

    /// How many of the first nodes are items or holes.
    pub(crate) fn items(&self) -> u32 {
        self.items
    }

    /// The ids that were added.
    pub(crate) fn present(&self) -> Vec<u32> {
        (0..self.items).filter(|id| self.item(*id).is_some()).collect()
    }

    fn node(&self, id: u32) -> Option<&'a [D::Element]> {
        let start = (id as usize).checked_mul(self.layout.stride)?;
        self.elements.get(start..start.checked_add(self.layout.stride)?)
    }

    /// All of a node's bytes.
    pub(crate) fn bytes(&self, id: u32) -> Option<&'a [u8]> {
        self.node(id).map(bytemuck::cast_slice)
    }

    /// A node's header and vector, whatever its kind.
    #[inline]
    pub(crate) fn row(&self, id: u32) -> Option<Row<'a, D>> {
        let (header, vector) = self.node(id)?.split_at_checked(self.layout.header)?;
        let vector = vector.get(..self.layout.width)?;
        Some(Row { header: bytemuck::from_bytes(bytemuck::cast_slice(header)), vector })
    }

    /// An item's row; none for a hole, a node of a tree, or an id out of range.
    #[inline]
    pub(crate) fn item(&self, id: u32) -> Option<Row<'a, D>> {
        if id >= self.items {
            return None;
        }
        self.row(id).filter(|row| row.header.descendants() == 1)
    }

    /// What a node is; none for an id out of range.
    #[inline]
    pub(crate) fn kind(&self, id: u32) -> Option<Kind<'a, D>> {
        let row = self.row(id)?;
        Some(match usize::try_from(row.header.descendants()) {
            Err(_) => Kind::Damaged,
            Ok(0) => Kind::Hole,
            Ok(1) if id < self.items => Kind::Item,
            Ok(_) if id < self.items => Kind::Damaged,
            Ok(n) if n <= self.layout.capacity => Kind::Leaf(self.ids(id, n)?),
            Ok(_) => Kind::Split { children: row.header.children(), split: row },
        })
    }

    fn ids(&self, id: u32, n: usize) -> Option<&'a [u32]> {
        let words: &[u32] = bytemuck::cast_slice(self.node(id)?);
        words.get(D::Header::CHILDREN / size_of::<u32>()..)?.get(..n)
    }

    /// Asks the processor to fetch a node that will be read soon.
    #[inline]
    pub(crate) fn prefetch(&self, id: u32) {
        if let Some(node) = self.node(id) {
            prefetch(node);
        }
    }
}
