//! Growing one tree.
//!
//! The steps, and the order in which random numbers are drawn, are Annoy's, so that the same generator gives the same trees. A
//! tree grows in an array of its own, as if it came right after the items.

use alloc::vec::Vec;

use bytemuck::Zeroable;
use rand_core::Rng;

use super::error::BuildError;
use super::layout::{Header, NodeLayout};
use super::node::{Nodes, Row};
use super::rules::Rules;
use super::sketch::Sketch;
use super::split::input::{CACHED, Pulls, SplitInput, SplitNode};
use super::split::sides::{ROWS_AHEAD, Sides, SubtreeRows, partition};
use crate::rng::tree_stream;
use crate::{Backend, Cancel};

/// What a tree grows from.
#[derive(Clone, Copy)]
pub(super) struct GrowInput<'a, D: Rules> {
    pub(super) nodes: Nodes<'a, D>,
    /// The ids that were added, in order.
    pub(super) present: &'a [u32],
    pub(super) sketch: Option<&'a Sketch>,
    pub(super) backend: Backend,
    pub(super) pulls: Pulls,
    pub(super) cancel: Cancel<'a>,
}

/// One tree's nodes, as if they came right after the items.
pub(super) fn grow_tree<D: Rules>(
    input: GrowInput<'_, D>,
    seed: u64,
    tree: usize,
) -> Result<Vec<D::Element>, BuildError> {
    Tree::grow(input, &mut tree_stream(seed, tree as u64))
}

pub(super) fn node_id(position: usize) -> Result<u32, BuildError> {
    // The number of nodes, one more, is below 2³¹ as well.
    i32::try_from(position + 1).map(|count| count as u32 - 1).map_err(|_| BuildError::TooManyNodes)
}

/// How often a split is tried again when it is uneven.
const ATTEMPTS: usize = 3;
/// A split this uneven is tried again. In f64: a share of 19 in 20, rounded to f32, is less.
const UNEVEN: f64 = 0.95;
/// A split that stays this uneven is given up, and sides are drawn.
const HOPELESS: f64 = 0.99;

/// A tree as it grows.
pub(super) struct Tree<'a, D: Rules, R> {
    nodes: Nodes<'a, D>,
    backend: Backend,
    pulls: Pulls,
    cancel: Cancel<'a>,
    rng: &'a mut R,
    split: SplitNode<D>,
    sides_of: Sides<'a>,
    /// The side of each item of the node at work.
    sides: Vec<bool>,
    /// Items of side 1 on their way behind those of side 0.
    moving: Vec<u32>,
    gathering: Gathering<D>,
    grown: Vec<D::Element>,
}

/// A copy of the rows of a subtree, side by side, each vector at the start of a cache line: in a file's layout most begin in
/// the middle of one, so that every load of a vector register touches two.
struct Gathering<D: Rules>(Vec<D::Element>);

impl<D: Rules> Default for Gathering<D> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Bytes in a cache line.
const LINE: usize = 64;

impl<D: Rules> Gathering<D> {
    /// Copies the rows of items; the view has them in this order.
    fn gather(&mut self, nodes: Nodes<'_, D>, ids: &[u32]) -> Nodes<'_, D> {
        let layout = nodes.layout();
        let line = LINE / size_of::<D::Element>();
        // A header ends where its vector begins, at the end of lines of its own.
        let lead = layout.header.next_multiple_of(line);
        let stride = lead + layout.width.next_multiple_of(line);
        self.0.resize(self.0.len().max(stride * ids.len() + 2 * line), D::Element::zeroed());
        let first = self.0.as_ptr().align_offset(LINE).min(line) + lead - layout.header;
        let room = &mut self.0[first..first + stride * ids.len()];
        for (at, (to, id)) in room.chunks_exact_mut(stride).zip(ids).enumerate() {
            if let Some(later) = ids.get(at + ROWS_AHEAD) {
                nodes.prefetch(*later);
            }
            // Ids come from the items, so each has a row.
            if let Some(Row { header, vector }) = nodes.row(*id) {
                to[..layout.header].copy_from_slice(bytemuck::cast_slice(core::slice::from_ref(header)));
                to[layout.header..layout.header + layout.width].copy_from_slice(vector);
            }
        }
        Nodes::new(room, NodeLayout { stride, ..layout }, ids.len() as u32)
    }
}

impl<'a, D: Rules, R: Rng> Tree<'a, D, R> {
    /// The nodes of a tree over all items, the root last.
    pub(super) fn grow(input: GrowInput<'a, D>, rng: &'a mut R) -> Result<Vec<D::Element>, BuildError> {
        let GrowInput { nodes, present, backend, sketch, pulls, cancel } = input;
        let mut ids = present.to_vec();
        let split = SplitNode::new(nodes.layout().width);
        let sides_of = Sides::new(backend, sketch);
        let (sides, moving, gathering, grown) = Default::default();
        let mut tree = Self { nodes, backend, pulls, cancel, rng, split, sides_of, sides, moving, gathering, grown };
        tree.node(SubtreeRows { nodes, gathered: None }, &mut ids, true)?;
        Ok(tree.grown)
    }

    /// Appends the nodes of a subtree; returns the last one's id, or the item's where there is only one.
    fn node(&mut self, rows: SubtreeRows<'_, D>, ids: &mut [u32], root: bool) -> Result<u32, BuildError> {
        self.cancel.check()?;
        if let ([id], false) = (&ids, root) {
            return Ok(rows.id(*id));
        }
        let descendants = if root { self.nodes.items() as i32 } else { ids.len() as i32 };
        if self.is_leaf(ids.len(), root) {
            return self.leaf(descendants, rows, ids);
        }
        if rows.gathered.is_none() && self.is_gathered(ids.len()) {
            return self.gathered(ids, root);
        }
        let mut sides = core::mem::take(&mut self.sides);
        sides.resize(sides.len().max(ids.len()), false);
        self.choose_sides(rows, ids, &mut sides[..ids.len()]);
        let (zeros, ones) = partition(ids, &sides, &mut self.moving);
        self.sides = sides;
        let (header, vector) = (self.split.header, self.split.vector.clone());
        let smaller_first = ones.len() < zeros.len();
        let mut children = [0; 2];
        for side in if smaller_first { [1, 0] } else { [0, 1] } {
            let side_ids = if side == 1 { &mut *ones } else { &mut *zeros };
            children[side] = self.node(rows, side_ids, false)?;
        }
        self.push(header, descendants, children, &vector)
    }

    /// A subtree over rows that are gathered first: it will read each of them many times.
    fn gathered(&mut self, ids: &[u32], root: bool) -> Result<u32, BuildError> {
        let mut gathering = core::mem::take(&mut self.gathering);
        let rows = SubtreeRows { nodes: gathering.gather(self.nodes, ids), gathered: Some(ids) };
        let mut numbers: Vec<u32> = (0..ids.len() as u32).collect();
        let last = self.node(rows, &mut numbers, root);
        self.gathering = gathering;
        last
    }

    fn push(
        &mut self,
        mut header: D::Header,
        descendants: i32,
        children: [u32; 2],
        vector: &[D::Element],
    ) -> Result<u32, BuildError> {
        header.link(descendants, children);
        self.append(bytemuck::cast_slice(core::slice::from_ref(&header)), vector)
    }

    fn leaf(&mut self, descendants: i32, rows: SubtreeRows<'_, D>, ids: &[u32]) -> Result<u32, BuildError> {
        let NodeLayout { header, stride, .. } = self.nodes.layout();
        let mut first = D::Header::zeroed();
        first.link(descendants, [0, 0]);
        let id = self.append(bytemuck::cast_slice(core::slice::from_ref(&first)), &[])?;
        let start = self.grown.len() - header;
        self.grown.resize(start + stride, D::Element::zeroed());
        let words: &mut [u32] = bytemuck::cast_slice_mut(&mut self.grown[start..]);
        for (to, from) in words[D::Header::CHILDREN / size_of::<u32>()..].iter_mut().zip(ids) {
            *to = rows.id(*from);
        }
        Ok(id)
    }

    fn append(&mut self, header: &[D::Element], vector: &[D::Element]) -> Result<u32, BuildError> {
        let stride = self.nodes.layout().stride;
        let id = node_id(self.nodes.items() as usize + self.grown.len() / stride)?;
        self.grown.try_reserve(stride).map_err(|_| BuildError::OutOfMemory)?;
        self.grown.extend_from_slice(header);
        self.grown.extend_from_slice(vector);
        Ok(id)
    }

    /// Whether so many items fit a leaf. A root claims all ids, holes included.
    fn is_leaf(&self, items: usize, root: bool) -> bool {
        let capacity = self.nodes.layout().capacity;
        items <= capacity && (!root || self.nodes.items() as usize <= capacity || items <= 1)
    }

    /// Whether so many items are gathered before they are split.
    fn is_gathered(&self, items: usize) -> bool {
        items * self.nodes.layout().bytes <= CACHED
    }

    /// Finds a split, and the side of each item.
    fn choose_sides(&mut self, rows: SubtreeRows<'_, D>, ids: &[u32], sides: &mut [bool]) {
        let input = SplitInput { backend: self.backend, nodes: rows.nodes, ids, pulls: self.pulls };
        let ones_of = |sides: &[bool]| sides.iter().filter(|side| **side).count();
        let mut ones = 0;
        for _ in 0..ATTEMPTS {
            D::split(self.rng, &input, &mut self.split);
            self.sides_of.find(self.rng, self.split.row(), rows, ids, sides);
            ones = ones_of(sides);
            if imbalance(ids.len() - ones, ones) < UNEVEN {
                return;
            }
        }
        while imbalance(ids.len() - ones, ones) > HOPELESS {
            self.split.vector.fill(D::Element::zeroed());
            sides.fill_with(|| self.rng.next_u64() & 1 == 1);
            ones = ones_of(sides);
        }
    }
}

/// The larger side's share, rounded as Annoy does it.
fn imbalance(zeros: usize, ones: usize) -> f64 {
    let share = (f64::from(zeros as f32) / ((zeros + ones) as f64 + 1e-9)) as f32;
    f64::from(share.max(1.0 - share))
}
