//! How a forest is built.

use super::layout::NodeLayout;
use crate::{Backend, Cancel, Progress};

/// How to build a forest: how many trees, from which random numbers, and who is told of it.
///
/// ```
/// use ohyeah_core::forest::BuildOptions;
/// use ohyeah_core::{Euclidean, Forest, Progress};
///
/// let show = |share: f32| println!("{:.0} %", 100.0 * share);
/// let options = BuildOptions::new().trees(10).seed(7).progress(Progress::new(&show));
/// let forest = Forest::build(Euclidean, &[1.0, 2.0, 3.0, 4.0], 2, &options)?;
/// assert_eq!(forest.trees(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions<'a> {
    pub(super) trees: TreeCount,
    pub(super) seed: Option<u64>,
    pub(super) kiss64: bool,
    pub(super) sketch: bool,
    pub(super) backend: Option<Backend>,
    pub(super) progress: Progress<'a>,
    pub(super) cancel: Cancel<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TreeCount {
    Fixed(usize),
    /// Until the trees take as much room as the items.
    Auto,
}

impl TreeCount {
    /// How many more to grow where some are done; for `Auto` as many as there seem to be.
    pub(super) fn left(self, storage: &impl AsRef<[u8]>, layout: NodeLayout, items: u32, done: usize) -> usize {
        match self {
            Self::Fixed(count) => count - done,
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

impl Default for BuildOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> BuildOptions<'a> {
    /// The number of trees unless another is asked for.
    ///
    /// Of 20,000 word vectors, 50 trees find more than 97 in 100 of the 15 nearest among 10,000 candidates.
    pub const DEFAULT_TREES: usize = 50;

    /// [`DEFAULT_TREES`](Self::DEFAULT_TREES) trees, and a sketch of the items.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            trees: TreeCount::Fixed(Self::DEFAULT_TREES),
            seed: None,
            kiss64: false,
            sketch: true,
            backend: None,
            progress: Progress::NONE,
            cancel: Cancel::NEVER,
        }
    }

    /// So many trees: more give better answers and a larger index. Without any only exact searches find something, and
    /// the forest has no file.
    #[must_use]
    pub const fn trees(mut self, trees: usize) -> Self {
        self.trees = TreeCount::Fixed(trees);
        self
    }

    /// As many trees as take about the room of the items, so that the file is twice as large as they are: Annoy's −1.
    #[must_use]
    pub const fn auto_trees(mut self) -> Self {
        self.trees = TreeCount::Auto;
        self
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

    /// Computes with this backend; otherwise with that of the items, or with the one detected.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Who is told after each tree what share of the trees is done. Where their number is not given, the share is an estimate:
    /// of the room that they are to take.
    #[must_use]
    pub const fn progress(mut self, progress: Progress<'a>) -> Self {
        self.progress = progress;
        self
    }

    /// What cancels the build: it then ends with [`BuildError::Cancelled`](super::BuildError::Cancelled), after the nodes that
    /// are being split.
    #[must_use]
    pub const fn cancel(mut self, cancel: Cancel<'a>) -> Self {
        self.cancel = cancel;
        self
    }
}
