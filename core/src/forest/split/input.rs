//! What is split, and where a split is written to.

use alloc::vec;
use alloc::vec::Vec;

use bytemuck::Zeroable;

use crate::Backend;
use crate::forest::layout::NodeFormat;
use crate::forest::node::{Nodes, Row};

/// Which items pull the means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pulls {
    /// Random ones, as in Annoy: of a small set many come twice and many never.
    Annoy,
    /// Of a small set, random ones that are distinct: 120 of them, or all where there are fewer, divide it as well as 200 that are
    /// not, and most sets are small.
    Distinct,
}

/// How many items ahead memory is asked for.
const PULLS_AHEAD: usize = 6;
/// Bytes of items that stay in a core's own cache once they are read.
pub(crate) const CACHED: usize = 1 << 20;

/// A set of items to be split.
#[derive(Debug)]
pub struct SplitInput<'a, D: NodeFormat> {
    pub(crate) backend: Backend,
    pub(crate) nodes: Nodes<'a, D>,
    pub(crate) ids: &'a [u32],
    pub(crate) pulls: Pulls,
}

impl<'a, D: NodeFormat> SplitInput<'a, D> {
    /// The row of the `at`-th item. Ids come from the items themselves, so there always is one.
    pub(crate) fn row(&self, at: usize) -> Option<Row<'a, D>> {
        self.nodes.row(*self.ids.get(at)?)
    }

    /// Prefetches an item that will pull soon, where the items are too many to be in the cache already.
    #[inline]
    pub(crate) fn prefetch(&self, pulls: &[usize], now: usize) {
        if self.ids.len() * self.nodes.layout().bytes <= CACHED {
            return;
        }
        if let Some(id) = pulls.get(now + PULLS_AHEAD).and_then(|at| self.ids.get(*at)) {
            self.nodes.prefetch(*id);
        }
    }
}

/// A split being found, and the room to find it in.
#[derive(Debug)]
pub struct SplitNode<D: NodeFormat> {
    /// All of the header but the descendants and the children.
    pub(crate) header: D::Header,
    /// The plane's normal, or what the metric keeps in its place.
    pub(crate) vector: Vec<D::Element>,
    pub(super) means: [Mean<D>; 2],
}

impl<D: NodeFormat> SplitNode<D> {
    pub(crate) fn new(width: usize) -> Self {
        let zeros = || vec![D::Element::zeroed(); width];
        let mean = || Mean { header: D::Header::zeroed(), vector: zeros() };
        Self { header: D::Header::zeroed(), vector: zeros(), means: [mean(), mean()] }
    }

    pub(crate) fn row(&self) -> Row<'_, D> {
        Row { header: &self.header, vector: &self.vector }
    }
}

/// A mean while it moves: laid out as an item, so that distances to it are computed as to an item.
#[derive(Debug)]
pub(crate) struct Mean<D: NodeFormat> {
    pub(crate) header: D::Header,
    pub(crate) vector: Vec<D::Element>,
}

impl<D: NodeFormat> Mean<D> {
    pub(super) fn copy_from(&mut self, row: Row<'_, D>) {
        self.header = *row.header;
        self.vector.copy_from_slice(row.vector);
    }

    pub(crate) fn row(&self) -> Row<'_, D> {
        Row { header: &self.header, vector: &self.vector }
    }
}
