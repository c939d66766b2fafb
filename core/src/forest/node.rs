//! Nodes of a forest as values: a view of an array of them, and what each of them is.

use alloc::vec::Vec;

use super::layout::{Header, NodeFormat, NodeLayout};
use crate::simd::prefetch;

/// A header and its vector.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a, D: NodeFormat> {
    pub(crate) header: &'a D::Header,
    pub(crate) vector: &'a [D::Element],
}

/// The vectors of several rows.
#[inline]
pub(crate) fn vectors<'a, D: NodeFormat, const N: usize>(rows: &[Row<'a, D>; N]) -> [&'a [D::Element]; N] {
    rows.each_ref().map(|row| row.vector)
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind<'a, D: NodeFormat> {
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

/// Bytes as elements. Storage that is not aligned has none: `Forest::open` refuses it, and [`Storage`] forbids it.
///
/// [`Storage`]: super::Storage
pub(crate) fn elements<D: NodeFormat>(storage: &impl AsRef<[u8]>) -> &[D::Element] {
    bytemuck::try_cast_slice(storage.as_ref()).unwrap_or(&[])
}

/// The same, to be written.
pub(crate) fn elements_mut<D: NodeFormat>(storage: &mut impl AsMut<[u8]>) -> &mut [D::Element] {
    bytemuck::try_cast_slice_mut(storage.as_mut()).unwrap_or(&mut [])
}

/// A view of nodes side by side. Every access is checked: an id from a damaged file finds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'a, D: NodeFormat> {
    elements: &'a [D::Element],
    layout: NodeLayout,
    /// How many of the first nodes are items.
    items: u32,
}

impl<'a, D: NodeFormat> Nodes<'a, D> {
    pub(crate) fn new(elements: &'a [D::Element], layout: NodeLayout, items: u32) -> Self {
        Self { elements, layout, items }
    }

    pub(crate) fn layout(&self) -> NodeLayout {
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
