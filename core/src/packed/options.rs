//! What a caller may choose.

use core::fmt;
use core::ops::Range;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use crate::Backend;
use crate::error::PackedError;
use crate::filter::{All, Filter};
use crate::packed::train;

/// What calls work off, if anything.
///
/// Whoever sees it leaves out what is left to do. So whoever hands out results has to [`check`](Self::check) first.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cancel<'a>(Option<&'a AtomicBool>);

impl Cancel<'_> {
    pub(crate) fn is_set(self) -> bool {
        self.0.is_some_and(|cancel| cancel.load(Relaxed))
    }

    pub(crate) fn check(self) -> Result<(), PackedError> {
        if self.is_set() { Err(PackedError::Cancelled) } else { Ok(()) }
    }
}

/// How to build a packed index.
#[derive(Clone, Copy, Default)]
pub struct PackedOptions<'a> {
    pub(crate) leaves: Option<usize>,
    pub(crate) passes: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) keys: Option<&'a [&'a str]>,
    pub(crate) backend: Option<Backend>,
    progress: Option<&'a (dyn Fn() + Sync)>,
    pub(crate) cancel: Cancel<'a>,
}

impl<'a> PackedOptions<'a> {
    /// What suits most vectors.
    #[must_use]
    pub const fn new() -> Self {
        Self { leaves: None, passes: None, seed: 0, keys: None, backend: None, progress: None, cancel: Cancel(None) }
    }

    /// Another number of leaves than one for 224 vectors.
    #[must_use]
    pub const fn leaves(mut self, leaves: usize) -> Self {
        self.leaves = Some(leaves);
        self
    }

    /// Another seed than 0 for the random choices. The same seed gives the same index.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// A key for each vector, such as its word, to be kept in the index.
    #[must_use]
    pub const fn keys(mut self, keys: &'a [&'a str]) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Computes with another backend than the fastest of this machine. The index is the same with each.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// How often progress is called.
    pub const STEPS: usize = train::PASSES + 4;

    /// Is called [`STEPS`](Self::STEPS) times on the way.
    #[must_use]
    pub const fn progress(mut self, progress: &'a (dyn Fn() + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Calls the build off once this is true, and stays so: it ends with [`PackedError::Cancelled`](crate::error::PackedError::Cancelled)
    /// soon after.
    #[must_use]
    pub const fn cancel(mut self, cancel: &'a AtomicBool) -> Self {
        self.cancel = Cancel(Some(cancel));
        self
    }

    /// Another number of passes of k-means than 6.
    pub(crate) const fn passes(mut self, passes: usize) -> Self {
        self.passes = Some(passes);
        self
    }

    /// The same, by what calls other work off.
    pub(crate) const fn cancelled_by(mut self, cancel: Cancel<'a>) -> Self {
        self.cancel = cancel;
        self
    }

    pub(crate) fn step(&self) {
        if let Some(progress) = self.progress {
            progress();
        }
    }
}

impl fmt::Debug for PackedOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leaves, passes, seed, .. } = self;
        f.debug_struct("PackedOptions")
            .field("leaves", leaves)
            .field("passes", passes)
            .field("seed", seed)
            .finish_non_exhaustive()
    }
}

/// What to search for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PackedSearch<F = All> {
    pub(crate) n: usize,
    pub(crate) within: Option<f32>,
    pub(crate) effort: Wanted,
    pub(crate) filter: F,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    Recall(f32),
    Effort { leaves: usize, candidates: usize },
    Exact,
}

impl PackedSearch {
    /// The `n` nearest, with recall .95: on average so large a share of the answers belongs there.
    #[must_use]
    pub const fn top(n: usize) -> Self {
        Self { n, within: None, effort: Wanted::Recall(0.95), filter: All }
    }
}

impl<F> PackedSearch<F> {
    /// Another recall, from .5 to .9999. It was calibrated with the 10 nearest of vectors like those in the index.
    #[must_use]
    pub fn recall(mut self, recall: f32) -> Self {
        self.effort = Wanted::Recall(recall);
        self
    }

    /// Only vectors within a distance; for dot, those whose product is at least this. `top(usize::MAX)` asks for all of them.
    #[must_use]
    pub fn within(mut self, distance: f32) -> Self {
        self.within = Some(distance);
        self
    }

    /// Scans so many leaves, and compares so many candidates as bytes: for experts.
    #[must_use]
    pub fn effort(mut self, leaves: usize, candidates: usize) -> Self {
        self.effort = Wanted::Effort { leaves, candidates };
        self
    }

    /// Compares the query with every vector.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.effort = Wanted::Exact;
        self
    }

    /// Only ids that the filter allows. Where they are few, more leaves are scanned until there are enough.
    #[must_use]
    pub fn filter<G: Filter>(self, filter: G) -> PackedSearch<G> {
        PackedSearch { n: self.n, within: self.within, effort: self.effort, filter }
    }
}

/// How to find the neighbours of all vectors.
#[derive(Clone, Copy)]
pub struct KnnOptions<'a> {
    pub(crate) n: usize,
    /// None where all are to be found.
    pub(crate) recall: Option<f32>,
    pub(crate) seed: u64,
    pub(crate) backend: Option<Backend>,
    progress: Option<&'a (dyn Fn(f32) + Sync)>,
    pub(crate) cancel: Cancel<'a>,
}

impl<'a> KnnOptions<'a> {
    /// The `n` nearest neighbours of each vector, with recall .95.
    #[must_use]
    pub const fn top(n: usize) -> Self {
        Self { n, recall: Some(0.95), seed: 0, backend: None, progress: None, cancel: Cancel(None) }
    }

    /// Another recall: on average at least so large a share of what is found belongs there.
    #[must_use]
    pub const fn recall(mut self, recall: f32) -> Self {
        self.recall = Some(recall);
        self
    }

    /// Compares all with all. Every neighbour is found, for sure.
    #[must_use]
    pub const fn exact(mut self) -> Self {
        self.recall = None;
        self
    }

    /// Another seed than 0 for the random choices, where vectors are partitioned first.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Computes with another backend than the fastest of this machine, or than the index. The result is the same with each.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// Is told now and then, on any thread, about which share of the work is done: from 0 to 1, but not always in order.
    #[must_use]
    pub const fn progress(mut self, progress: &'a (dyn Fn(f32) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Calls the work off soon after this becomes true.
    #[must_use]
    pub const fn cancel(mut self, cancel: &'a AtomicBool) -> Self {
        self.cancel = Cancel(Some(cancel));
        self
    }

    /// Tells that `done` of `of` parts of a stage are done, which is a share of the work.
    pub(crate) fn tell(&self, stage: Range<f32>, done: usize, of: usize) {
        if let Some(progress) = self.progress {
            progress(stage.start + (stage.end - stage.start) * done as f32 / of.max(1) as f32);
        }
    }
}

impl fmt::Debug for KnnOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n, recall, .. } = self;
        f.debug_struct("KnnOptions").field("n", n).field("recall", recall).finish_non_exhaustive()
    }
}
