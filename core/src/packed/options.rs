//! What a caller may choose: how to build, what to search for, how to find the neighbours of all.

use super::error::{GraphError, SearchError};
use crate::Backend;
use crate::filter::{All, Filter};
use crate::progress::{Cancel, Progress};

/// How to build a packed index.
///
/// ```
/// use ohyeah_core::packed::BuildOptions;
///
/// let options = BuildOptions::new().seed(7).keys(&["cat", "dog"]);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildOptions<'a> {
    pub(super) leaves: Option<usize>,
    pub(super) seed: u64,
    pub(super) keys: Option<&'a [&'a str]>,
    pub(super) backend: Option<Backend>,
    pub(super) progress: Progress<'a>,
    pub(super) cancel: Cancel<'a>,
}

impl<'a> BuildOptions<'a> {
    /// What suits most vectors.
    #[must_use]
    pub const fn new() -> Self {
        Self { leaves: None, seed: 0, keys: None, backend: None, progress: Progress::NONE, cancel: Cancel::NEVER }
    }

    /// Another number of leaves than one for each 224 vectors.
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

    /// The build reports its progress.
    #[must_use]
    pub const fn progress(mut self, progress: Progress<'a>) -> Self {
        self.progress = progress;
        self
    }

    /// The build can be cancelled: it then ends with [`BuildError::Cancelled`](super::BuildError::Cancelled) soon after.
    #[must_use]
    pub const fn cancel(mut self, cancel: Cancel<'a>) -> Self {
        self.cancel = cancel;
        self
    }
}

/// What to search for, and how hard to look.
///
/// ```
/// use ohyeah_core::packed::Search;
///
/// // The ten nearest even ids; on average .99 of them are the right ones.
/// let search = Search::top(10).recall(0.99).filter(|id| id % 2 == 0);
/// # let _ = search;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search<F = All> {
    pub(super) n: usize,
    pub(super) within: Option<f32>,
    pub(super) mode: Mode,
    pub(super) filter: F,
}

/// How a caller says how hard to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    Recall(f32),
    Params { leaves: usize, candidates: usize },
    Exact,
}

impl Search {
    /// The `n` nearest, with recall .95: on average so large a share of the answers belongs there.
    #[must_use]
    pub const fn top(n: usize) -> Self {
        Self { n, within: None, mode: Mode::Recall(0.95), filter: All }
    }
}

impl<F> Search<F> {
    /// Another recall, above 0 and at most 1, which is [`exact`](Self::exact); with another number the search is an error
    /// ([`SearchError::Recall`](super::SearchError::Recall)). It was calibrated with the 10 nearest of vectors like those in the index,
    /// from .5 to .9999: less is as .5.
    #[must_use]
    pub fn recall(mut self, recall: f32) -> Self {
        self.mode = if recall == 1.0 { Mode::Exact } else { Mode::Recall(recall) };
        self
    }

    /// Whether the recall is a share.
    pub(super) fn check(&self) -> Result<(), SearchError> {
        match self.mode {
            Mode::Recall(recall) if !is_share(recall) => Err(SearchError::Recall { recall }),
            _ => Ok(()),
        }
    }

    /// Only vectors within a distance; for dot, those whose product is at least this. `top(usize::MAX)` asks for all of them.
    #[must_use]
    pub fn within(mut self, distance: f32) -> Self {
        self.within = Some(distance);
        self
    }

    /// Scans so many leaves and compares so many candidates as 7-bit codes, whatever recall that gives: for experts.
    #[must_use]
    pub fn probe(mut self, leaves: usize, candidates: usize) -> Self {
        self.mode = Mode::Params { leaves, candidates };
        self
    }

    /// Compares the query with every vector.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.mode = Mode::Exact;
        self
    }

    /// Only ids that the filter allows. A closure is asked where the search goes, and one that forbids what is near may cost recall; as
    /// a [`RowSet`](super::RowSet), made once by [`Packed::row_set`](crate::Packed::row_set), it does not, and is faster.
    #[must_use]
    pub fn filter<G: Filter>(self, filter: G) -> Search<G> {
        Search { n: self.n, within: self.within, mode: self.mode, filter }
    }
}

/// How a search is answered that asks for some recall, and what that takes on average.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, SearchPlan};
/// use ohyeah_core::{Metric, Packed};
///
/// let index = Packed::build(Metric::Dot, &[1.0, 2.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// // Where there are few vectors, all are compared.
/// assert_eq!(index.plan(10, 0.95), SearchPlan::All);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SearchPlan {
    /// The query is compared with every vector: that costs less, or nothing less reaches the recall.
    All,
    /// Some leaves are scanned.
    Scan {
        /// Leaves whose codes are scanned.
        leaves: f32,
        /// Vectors in these leaves.
        rows: f32,
        /// Candidates that are compared by 7-bit codes.
        candidates: f32,
        /// The recall that all but a tenth of the calibration's queries reach; NaN in files of version 1.
        tenth: f32,
    },
}

/// Whether so much of the right answers can be asked for.
fn is_share(recall: f32) -> bool {
    recall > 0.0 && recall <= 1.0
}

/// How to find the neighbours of all vectors.
///
/// ```
/// use ohyeah_core::packed::GraphOptions;
///
/// let options = GraphOptions::top(15).recall(0.99);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GraphOptions<'a> {
    pub(super) n: usize,
    /// None where all are to be found.
    pub(super) recall: Option<f32>,
    pub(super) seed: u64,
    pub(super) backend: Option<Backend>,
    pub(super) progress: Progress<'a>,
    pub(super) cancel: Cancel<'a>,
}

impl<'a> GraphOptions<'a> {
    /// The `n` nearest neighbours of each vector, with recall .95.
    #[must_use]
    pub const fn top(n: usize) -> Self {
        Self { n, recall: Some(0.95), seed: 0, backend: None, progress: Progress::NONE, cancel: Cancel::NEVER }
    }

    /// Another recall, above 0 and at most 1, which is [`exact`](Self::exact): on average at least so large a share of what is found
    /// belongs there. With another number building is an error ([`GraphError::Recall`](super::GraphError::Recall)).
    #[must_use]
    pub const fn recall(mut self, recall: f32) -> Self {
        self.recall = if recall == 1.0 { None } else { Some(recall) };
        self
    }

    /// Whether the recall is a share.
    pub(super) fn check(&self) -> Result<(), GraphError> {
        match self.recall {
            Some(recall) if !is_share(recall) => Err(GraphError::Recall { recall }),
            _ => Ok(()),
        }
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

    /// The work reports its progress.
    #[must_use]
    pub const fn progress(mut self, progress: Progress<'a>) -> Self {
        self.progress = progress;
        self
    }

    /// The work can be cancelled: it then ends with [`GraphError::Cancelled`](super::GraphError::Cancelled) soon after.
    #[must_use]
    pub const fn cancel(mut self, cancel: Cancel<'a>) -> Self {
        self.cancel = cancel;
        self
    }
}
