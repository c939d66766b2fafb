//! Building: the trees are grown, and put together.
//!
//! What differs from Annoy is where the nodes go: each tree is moved to its place when its turn comes. So trees can grow at the
//! same time, and the array is the same however many do.

use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::error::{BuildError, ItemError};
use super::layout::{Header, NodeLayout};
use super::node::{Nodes, elements};
use super::options::{BuildOptions, TreeCount};
use super::rules::{Distance, Rules};
use super::sketch::Sketch;
use super::split::input::Pulls;
use super::storage::Storage;
use super::tree::{GrowInput, Tree, grow_tree, node_id};
use super::{Forest, Items};
use crate::Backend;
use crate::parallel::{self, Join, Serial};
use crate::rng::Kiss64;

impl<D: Distance> Forest<D> {
    /// Builds a forest over vectors that lie one after the other; the id of a vector is its row.
    ///
    /// A vector has `dimensions` numbers. For [`Hamming`](crate::Hamming) `dimensions` are bits, and a vector has one word for
    /// 64 of them. Vectors with other ids are collected by [`Items`].
    ///
    /// ```
    /// use ohyeah_core::forest::{BuildOptions, Search};
    /// use ohyeah_core::{Angular, Forest};
    ///
    /// let vectors = [1.0, 0.0, 0.9, 0.1, 0.0, 1.0];
    /// let forest = Forest::build(Angular, &vectors, 2, &BuildOptions::new())?;
    /// let nearest = forest.search(&[1.0, 0.05], &Search::top(2))?;
    /// assert_eq!([nearest[0].id, nearest[1].id], [0, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(
        metric: D,
        vectors: &[D::Element],
        dimensions: usize,
        options: &BuildOptions<'_>,
    ) -> Result<Self, BuildError> {
        Self::build_with::<Serial>(metric, vectors, dimensions, options)
    }

    /// [`build`](Self::build), with several trees at a time where `J` runs several. The result has the same bytes, however
    /// many.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build_with<J: Join>(
        _metric: D,
        vectors: &[D::Element],
        dimensions: usize,
        options: &BuildOptions<'_>,
    ) -> Result<Self, BuildError> {
        let other = |error| match error {
            ItemError::Dimensions(n) => BuildError::Dimensions(n),
            ItemError::IdTooLarge(_) => BuildError::TooManyNodes,
            ItemError::Vector(error) => BuildError::Vector { id: 0, error },
            ItemError::OutOfMemory => BuildError::OutOfMemory,
        };
        let mut items = Items::<D>::new(dimensions).map_err(other)?;
        if let Some(backend) = options.backend {
            items = items.with_backend(backend);
        }
        let width = D::width(dimensions);
        if !vectors.len().is_multiple_of(width) {
            return Err(BuildError::Length { numbers: vectors.len(), dimensions });
        }
        let rows = vectors.len() / width;
        node_id(rows.saturating_sub(1))?;
        items.reserve(rows).map_err(other)?;
        for (id, vector) in (0..).zip(vectors.chunks_exact(width)) {
            options.cancel.check()?;
            items.add(id, vector).map_err(|error| match error {
                ItemError::Vector(error) => BuildError::Vector { id, error },
                error => other(error),
            })?;
        }
        items.build_with::<J>(options)
    }
}

/// Trees that grow before they are moved, for each thread: enough that threads seldom wait for the slowest.
const TREES_A_THREAD: usize = 4;

/// The items, and behind them the nodes of the trees that are done.
pub(super) struct Planting<'s, S> {
    pub(super) storage: &'s mut S,
    pub(super) layout: NodeLayout,
    pub(super) items: u32,
}

/// Appends the trees and the copies of their roots to the items; returns the roots.
pub(super) fn grow<J: Join, D: Rules>(
    mut planting: Planting<'_, impl Storage>,
    backend: Backend,
    sketch: Option<&Sketch>,
    options: &BuildOptions<'_>,
) -> Result<Vec<u32>, BuildError> {
    let present = planting.nodes::<D>().present();
    let mut originals = Vec::new();
    let mut one_stream = options.kiss64.then(|| Kiss64::new(options.seed.unwrap_or(Kiss64::DEFAULT_SEED)));
    let pulls = if options.kiss64 { Pulls::Annoy } else { Pulls::Distinct };
    let together = if options.kiss64 { 1 } else { J::threads().saturating_mul(TREES_A_THREAD).max(1) };
    let meter = Meter { options, items: planting.items, trees: AtomicUsize::new(0), nodes: AtomicUsize::new(0) };
    loop {
        let done = originals.len();
        let batch = done..done.saturating_add(planting.left(options.trees, done).min(together));
        if batch.is_empty() {
            break;
        }
        let nodes = planting.nodes::<D>();
        let input = GrowInput { nodes, present: &present, sketch, backend, pulls, cancel: options.cancel };
        let finished = |tree: Result<Vec<D::Element>, BuildError>| {
            tree.inspect(|tree| meter.tell(tree.len() / planting.layout.stride))
        };
        let trees = match &mut one_stream {
            Some(stream) => vec![finished(Tree::grow(input, stream))],
            None => {
                parallel::map::<J, _>(batch, &|tree| finished(grow_tree(input, options.seed.unwrap_or_default(), tree)))
            }
        };
        for tree in trees {
            // More trees may have grown side by side than are wanted.
            if planting.left(options.trees, originals.len()) == 0 {
                break;
            }
            let tree = tree?;
            if let (true, TreeCount::Fixed(count)) = (originals.is_empty(), options.trees) {
                planting.reserve::<D>(tree.len(), count)?;
            }
            originals.push(planting.append::<D>(tree)?);
        }
    }
    originals.into_iter().map(|root| planting.copy_root::<D>(root)).collect()
}

impl<S: Storage> Planting<'_, S> {
    fn nodes<D: Rules>(&self) -> Nodes<'_, D> {
        Nodes::new(elements::<D>(&*self.storage), self.layout, self.items)
    }

    fn left(&self, trees: TreeCount, done: usize) -> usize {
        trees.left(&*self.storage, self.layout, self.items, done)
    }

    /// Reserves space for so many trees like one of so many elements: trees over the same items have about as many nodes, and
    /// growing by doubling would take more memory.
    fn reserve<D: Rules>(&mut self, elements: usize, trees: usize) -> Result<(), BuildError> {
        let bytes = (elements + elements / 16 + self.layout.stride) * size_of::<D::Element>();
        let length = self.storage.as_ref().len().saturating_add(bytes.saturating_mul(trees));
        Ok(self.storage.reserve(length)?)
    }

    /// Moves a tree to the end; returns its root.
    fn append<D: Rules>(&mut self, mut tree: Vec<D::Element>) -> Result<u32, BuildError> {
        let Self { layout, items, .. } = *self;
        let end = node_id(self.storage.as_ref().len() / layout.bytes)?;
        let shift = end - items;
        for node in tree.chunks_exact_mut(layout.stride) {
            let header: &mut D::Header = bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(&mut node[..layout.header]));
            // A root claims all ids. So one over a single item among many holes, which is written as a leaf, reads as a split
            // into that item and item 0; neither moves.
            if header.descendants() as usize > layout.capacity {
                let children = header.children().map(|child| if child < items { child } else { child + shift });
                header.link(header.descendants(), children);
            }
        }
        self.append_nodes::<D>(&tree)
    }

    fn copy_root<D: Rules>(&mut self, root: u32) -> Result<u32, BuildError> {
        let start = root as usize * self.layout.stride;
        // Storage that is not aligned has no elements.
        let root = elements::<D>(&*self.storage).get(start..start + self.layout.stride).map(<[_]>::to_vec);
        self.append_nodes::<D>(&root.ok_or(BuildError::OutOfMemory)?)
    }

    /// Appends nodes; returns the last one's id.
    fn append_nodes<D: Rules>(&mut self, nodes: &[D::Element]) -> Result<u32, BuildError> {
        let nodes: &[u8] = bytemuck::cast_slice(nodes);
        let start = self.storage.as_ref().len();
        let end = start.checked_add(nodes.len()).ok_or(BuildError::OutOfMemory)?;
        let last = node_id((end / self.layout.bytes).saturating_sub(1))?;
        self.storage.resize(end)?;
        self.storage.as_mut()[start..].copy_from_slice(nodes);
        Ok(last)
    }
}

/// Counts what has grown, on whichever thread.
struct Meter<'a> {
    options: &'a BuildOptions<'a>,
    items: u32,
    trees: AtomicUsize,
    nodes: AtomicUsize,
}

impl Meter<'_> {
    /// Tells that one more tree is done, of so many nodes.
    fn tell(&self, nodes: usize) {
        let trees = self.trees.fetch_add(1, Relaxed) + 1;
        let nodes = self.nodes.fetch_add(nodes, Relaxed) + nodes;
        self.options.progress.tell(match self.options.trees {
            TreeCount::Fixed(count) => trees as f32 / count as f32,
            TreeCount::Auto => nodes as f32 / self.items as f32,
        });
    }
}
