//! The nearest neighbours of every item: a k-nearest-neighbour graph.
//!
//! Asking a forest once for each item would work, and waste most of what it does: a query walks the trees to find leaves,
//! although every item is in a leaf of every tree already, and fetches each candidate from memory for itself, although its
//! leaf mates need the same ones. So no tree is searched here. A tree is grown, each of its leaves compares all its items
//! with one another while they are in the cache, and the tree is dropped: only the table of the best so far stays.
//!
//! What is missing then is mostly near something that was found. A refinement looks at the neighbours of each item's
//! neighbours (Dong, Moses, Li, "Efficient k-nearest neighbor graph construction for generic similarity measures", 2011);
//! it reads one table and writes the next, so that the result does not depend on who was faster.

mod leaves;
mod refine;
mod table;

use alloc::vec::Vec;

use table::Table;

use crate::Neighbour;
use crate::error::BuildError;
use crate::forest::build::{GrowInput, grow_tree};
use crate::forest::{Items, Storage};
use crate::metric::Distance;
use crate::parallel::{self, Join};
use crate::sketch::Sketch;

/// How to find the neighbours of all items.
#[derive(Clone, Copy)]
pub struct GraphOptions<'p> {
    top: usize,
    trees: usize,
    refinements: usize,
    seed: u64,
    progress: Option<&'p (dyn Fn() + Sync)>,
}

impl<'p> GraphOptions<'p> {
    /// The `top` nearest neighbours of each item, from the leaves of 60 trees and one refinement.
    #[must_use]
    pub const fn top(top: usize) -> Self {
        Self { top, trees: 60, refinements: 1, seed: 0, progress: None }
    }

    /// Another number of trees: more find more.
    #[must_use]
    pub const fn trees(mut self, trees: usize) -> Self {
        self.trees = trees;
        self
    }

    /// Another number of refinements.
    #[must_use]
    pub const fn refinements(mut self, refinements: usize) -> Self {
        self.refinements = refinements;
        self
    }

    /// Another seed than 0 for the random choices. The same seed gives the same graph.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Is called [`steps`](Self::steps) times on the way.
    #[must_use]
    pub const fn progress(mut self, progress: &'p (dyn Fn() + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// How often progress is called: once a tree and once a refinement.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.trees.saturating_add(self.refinements)
    }

    fn step(&self) {
        if let Some(progress) = self.progress {
            progress();
        }
    }
}

impl core::fmt::Debug for GraphOptions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { top, trees, refinements, seed, .. } = self;
        f.debug_struct("GraphOptions")
            .field("top", top)
            .field("trees", trees)
            .field("refinements", refinements)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}

/// The neighbours that were found for each item.
#[derive(Debug)]
pub struct Graph<D> {
    table: Table,
    metric: core::marker::PhantomData<D>,
}

impl<D: Distance> Graph<D> {
    /// The neighbours of an item, nearest first, of equal distances the smaller id first; itself is not among them. None
    /// for an id that was never added.
    pub fn neighbours(&self, id: u32) -> impl Iterator<Item = Neighbour> + '_ {
        self.table.row(id).map(|x| Neighbour { distance: D::reported(x.distance), ..x })
    }
}

impl<D: Distance, S: Storage> Items<D, S> {
    /// Finds the nearest neighbours of every item, approximately.
    ///
    /// Takes 12 bytes of memory for each neighbour, and a few trees at a time. The result is the same for every `J`.
    ///
    /// # Errors
    ///
    /// [`BuildError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// use ohyeah_core::{Euclidean, GraphOptions, Items, Serial};
    ///
    /// let mut items = Items::<Euclidean>::new(1)?;
    /// for id in 0..1000 {
    ///     items.add(id, &[id as f32])?;
    /// }
    /// let graph = items.graph::<Serial>(&GraphOptions::top(2))?;
    /// let ids: Vec<u32> = graph.neighbours(500).map(|neighbour| neighbour.id).collect();
    /// assert_eq!(ids, [499, 501]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn graph<J: Join>(&mut self, options: &GraphOptions<'_>) -> Result<Graph<D>, BuildError> {
        self.prepare();
        let (nodes, backend) = (self.nodes(), self.backend());
        let (sketch, present) = (Sketch::new::<J, D>(nodes, backend), nodes.present());
        let input = GrowInput { nodes, present: &present, sketch: sketch.as_ref(), backend };
        let mut table = Table::new(nodes.items(), options.top).ok_or(BuildError::OutOfMemory)?;
        // Each thread grows a tree; then all of them share the leaves of one tree after the other, in which no item comes
        // twice, so that no two of them write to the same row.
        let together = J::threads().max(1);
        for first in (0..options.trees).step_by(together) {
            let batch = first..options.trees.min(first.saturating_add(together));
            for tree in parallel::map::<J, _>(batch, &|tree| grow_tree(input, options.seed, tree)) {
                leaves::compare_all::<J, D>(nodes, backend, &tree?, &table);
                options.step();
            }
        }
        for _ in 0..options.refinements {
            table = refine::refine::<J, D>(nodes, backend, table).ok_or(BuildError::OutOfMemory)?;
            options.step();
        }
        Ok(Graph { table, metric: core::marker::PhantomData })
    }
}

/// Room for the ids of all of something.
fn vec_of<T>(n: usize, mut value: impl FnMut() -> T) -> Option<Vec<T>> {
    let mut all = Vec::new();
    all.try_reserve_exact(n).ok()?;
    all.resize_with(n, &mut value);
    Some(all)
}
