//! How a forest is built.

use super::layout::NodeLayout;

/// How to build a forest.
#[derive(Clone, Copy)]
pub struct BuildOptions<'p> {
    pub(super) trees: TreeCount,
    pub(super) seed: Option<u64>,
    pub(super) kiss64: bool,
    sketch: bool,
    pub(super) progress: Option<&'p (dyn Fn() + Sync)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TreeCount {
    Count(usize),
    /// Until the trees take as much room as the items.
    Auto,
}

impl TreeCount {
    /// How many more to grow where some are done; for `Auto` as many as there seem to be.
    pub(super) fn left(self, storage: &impl AsRef<[u8]>, layout: NodeLayout, items: u32, done: usize) -> usize {
        match self {
            Self::Count(count) => count - done,
            Self::Auto => {
                let nodes = storage.as_ref().len() / layout.bytes;
                let grown = nodes.saturating_sub(items as usize);
                let missing = (items as usize).saturating_sub(grown);
                // The first alone: others will have about as many nodes.
                grown.checked_div(done).map_or(missing.min(1), |nodes| missing.div_ceil(nodes.max(1)))
            }
        }
    }
}

impl<'p> BuildOptions<'p> {
    /// So many trees: more give better answers and a larger index. Without any only exact searches find something, and
    /// the forest has no file.
    #[must_use]
    pub const fn trees(trees: usize) -> Self {
        Self { trees: TreeCount::Count(trees), seed: None, kiss64: false, sketch: true, progress: None }
    }

    /// As many trees as take about the room of the items, so that the file is twice as large as they are: Annoy's −1.
    #[must_use]
    pub const fn auto() -> Self {
        Self { trees: TreeCount::Auto, ..Self::trees(0) }
    }

    /// A seed for the random choices. The same seed gives the same forest.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Draws all random choices from one stream of [`Kiss64`](crate::Kiss64), as Annoy does on one thread: the trees are Annoy's own,
    /// node for node, but for the rounding of its numbers. They grow one after the other.
    ///
    /// The seed is [`Kiss64::DEFAULT_SEED`](crate::Kiss64::DEFAULT_SEED) unless one is given.
    #[must_use]
    pub const fn kiss64(mut self) -> Self {
        self.kiss64 = true;
        self
    }

    /// Whether to keep a sketch of the items beside them in memory: the same trees grow faster, and the forest searches about
    /// twice as fast. It takes a byte for each number and 16 more for each item, rounded up to 64, and is not part of the
    /// file. It is made unless `false` says that memory is short.
    #[must_use]
    pub const fn sketch(mut self, sketch: bool) -> Self {
        self.sketch = sketch;
        self
    }

    /// Whether to keep a sketch.
    pub(super) const fn sketches(&self) -> bool {
        self.sketch
    }

    /// Is called after each tree, on the thread that has finished it.
    #[must_use]
    pub const fn progress(mut self, progress: &'p (dyn Fn() + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }
}

impl core::fmt::Debug for BuildOptions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { trees, seed, kiss64, .. } = self;
        f.debug_struct("BuildOptions")
            .field("trees", trees)
            .field("seed", seed)
            .field("kiss64", kiss64)
            .finish_non_exhaustive()
    }
}
