//! The packed index: vectors in few bytes, so that most of them can be looked at.
//!
//! A forest answers fast because it looks at few vectors, and it has to look at many to be right. Here a single partition
//! takes the place of a hundred trees, and a vector is looked at in three sizes: half a byte for two or three numbers, scanned at a
//! billion vectors a second; a byte for each number, for the best hundred or so; and as it was given, for the best few.
//! Known as an inverted file with 4-bit product quantisation ("IVF-PQ fast scan", Jégou 2011, André 2015) and re-ranking.
//!
//! # A search
//!
//! 1. The query as 8-bit codes is compared with the centroids of all leaves, and the best leaves are taken.
//! 2. One look-up table of the query's products with all codewords serves every leaf: q·x is q·centroid plus q·residual. Codes of
//!    32 rows are scanned at once, and what reaches the running limit is kept.
//! 3. The best candidates are compared by their 7-bit codes, the best of those by their vectors.
//!
//! How many leaves and candidates that takes is measured when the index is built, so that a caller asks for recall and not for
//! numbers that depend on the data.
//!
//! # The order in which to read
//!
//! | folder | what |
//! |---|---|
//! | `quantise` | the index space, 7-bit and 4-bit codes, look-up tables, comparing in full |
//! | `file` | what lies where, sections as slices, the rules that a file keeps |
//! | `search` | leaves, scan, re-ranking |
//! | `train` | learning quantiser, leaves and codebooks; writing rows |
//! | `truth` | neighbours for sure, by a bound on what 7-bit codes miss |
//! | `tune` | how leaves are ranked, and what each recall takes, measured on a sample |
//! | `graph` | the neighbours of every row |
//!
//! Each uses only those above it.
//!
//! # Determinism
//!
//! Sums are of integers, or of f64 in an order of their own, and what is done with them in f32 is done in the same way
//! everywhere: indexes and answers are the same for every number of threads and every instruction set.

mod calibrate;
mod damage;
mod error;
mod file;
mod graph;
mod include;
mod options;
mod quantise;
mod search;
mod train;
mod truth;
mod tune;

pub use self::calibrate::CalibrateError;
pub use self::damage::{Damage, Rule};
pub use self::error::{BuildError, GraphError, InputError, OpenError, SearchError};
pub use self::file::buf::PackedBuf;
use self::file::layout::FileLayout;
pub use self::file::layout::{MAGIC, MOST_DIMENSIONS};
use self::file::view::View;
use self::file::{check_for_graph, verify};
pub use self::graph::KnnGraph;
pub use self::options::{BuildOptions, GraphOptions, Search, SearchPlan};
pub use self::search::PackedScratch;
use self::train::kmeans::KMeans;
use self::train::sample::calibration_sample;
use self::train::source::RowSource;
use self::train::{Plan, train, write};
use self::tune::tune;
pub use crate::filter::RowSet;
use crate::parallel::{Join, Serial};
use crate::progress::Steps;
use crate::{Backend, Metric};

/// A packed index: see the [module](self).
///
/// `S` holds the bytes: what [`build`](Self::build) made, a `&[u8]`, an `Arc<[u8]>`, a memory map. They must lie at an address
/// divisible by 8 and stay there.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, Search};
/// use ohyeah_core::{Metric, Packed};
///
/// let vectors = [1.0, 0.0, 0.9, 0.1, 0.0, 1.0];
/// let index = Packed::build(Metric::Angular, &vectors, 2, &BuildOptions::new())?;
/// let nearest = index.search(&[1.0, 0.05], &Search::top(2).recall(0.95))?;
/// assert_eq!([nearest[0].id, nearest[1].id], [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Packed<S = PackedBuf> {
    storage: S,
    layout: FileLayout,
    backend: Backend,
}

/// Rows in a leaf, about: fewer cost more centroids to compare, more cost more codes to scan.
const ROWS_A_LEAF: usize = 224;
/// Passes of k-means.
const PASSES: usize = 6;

impl Packed {
    /// Builds an index over vectors that lie one after the other, `dimensions` numbers each. The id of a vector is its number.
    ///
    /// # Errors
    ///
    /// Vectors that cannot be packed, another number of keys than of vectors, no memory, or the build was cancelled.
    pub fn build(
        metric: impl Into<Metric>,
        vectors: &[f32],
        dimensions: usize,
        options: &BuildOptions<'_>,
    ) -> Result<Self, BuildError> {
        Self::build_with::<Serial>(metric, vectors, dimensions, options)
    }

    /// [`build`](Self::build) on the threads of `J`. The index is the same, to the byte.
    ///
    /// # Errors
    ///
    /// See [`build`](Self::build).
    pub fn build_with<J: Join>(
        metric: impl Into<Metric>,
        vectors: &[f32],
        dimensions: usize,
        options: &BuildOptions<'_>,
    ) -> Result<Self, BuildError> {
        let (backend, cancel) = (options.backend.unwrap_or_else(Backend::detect), options.cancel);
        let source = RowSource::new(metric.into(), vectors, dimensions, backend)?;
        let rows = source.len();
        if let Some(keys) = options.keys.filter(|keys| keys.len() != rows) {
            return Err(BuildError::Keys { expected: rows, found: keys.len() });
        }
        let steps = Steps::new(options.progress, 0.0..1.0, KMeans::steps(PASSES) + 3);
        let plan = Plan {
            leaves: options.leaves.unwrap_or(rows / ROWS_A_LEAF),
            passes: PASSES,
            held_out: calibration_sample(rows),
            seed: options.seed,
            backend,
            steps: &steps,
            cancel,
        };
        let origin = source.middle::<J>();
        let trained = train::<J>(source.seen_from(&origin), &plan)?.with_local_codes();
        let mut draft = write::<J>(trained, options.keys, &plan)?;
        draft.write_codes::<J>(&plan)?;
        tune::<J>(&mut draft, backend, cancel)?;
        let (storage, layout) = draft.seal();
        steps.step();
        Ok(Self { storage, layout, backend })
    }
}

impl<S: AsRef<[u8]>> Packed<S> {
    /// Opens the bytes of an index, without copying them, in time proportional to the number of leaves.
    ///
    /// # Errors
    ///
    /// What shows that they are none.
    pub fn open(storage: S) -> Result<Self, OpenError> {
        let layout = FileLayout::open(storage.as_ref())?;
        Ok(Self { storage, layout, backend: Backend::detect() })
    }

    /// Reads everything: whether the checksums are right, and the bytes are such as a build writes.
    ///
    /// # Errors
    ///
    /// The first rule of the format that the bytes break; or the storage no longer gives the bytes that were opened.
    pub fn verify(&self) -> Result<(), OpenError> {
        let bytes = self.storage.as_ref();
        let view = self.layout.view(bytes, self.backend).ok_or(OpenError::Storage)?;
        Ok(verify(&self.layout, bytes, &view)?)
    }

    /// Computes with another backend from now on.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// What holds the bytes.
    #[must_use]
    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// What holds the bytes, alone.
    #[must_use]
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// None where the storage no longer gives the bytes that were opened.
    fn view(&self) -> Option<View<'_>> {
        self.layout.view(self.storage.as_ref(), self.backend)
    }

    /// The file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.storage.as_ref()
    }

    /// The metric of the vectors.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        self.layout.shape.metric
    }

    /// Numbers in a vector.
    #[must_use]
    pub const fn dimensions(&self) -> usize {
        self.layout.shape.dimensions
    }

    /// How many vectors there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.layout.shape.rows
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many leaves the vectors are cut into.
    #[must_use]
    pub const fn leaves(&self) -> usize {
        self.layout.shape.leaves
    }

    /// The seed that it was built with.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.layout.seed
    }

    /// Whether it has keys.
    #[must_use]
    pub const fn has_keys(&self) -> bool {
        self.layout.shape.keys.is_some()
    }

    /// The key of a vector; none without keys, for an id that no vector has, and for a key that is not UTF-8.
    #[must_use]
    pub fn key(&self, id: u32) -> Option<&str> {
        self.view()?.key(id)
    }

    /// The first vector with this key, found by looking at all.
    #[must_use]
    pub fn id(&self, key: &str) -> Option<u32> {
        let view = self.view()?;
        (0..view.key_ends.len() as u32).find(|id| view.key_bytes(*id) == Some(key.as_bytes()))
    }

    /// A vector as it was given; none for an id that no vector has.
    #[must_use]
    pub fn vector(&self, id: u32) -> Option<&[f32]> {
        let view = self.view()?;
        Some(view.vector(view.row_of(id)?))
    }

    /// The nearest neighbours of every vector; see [`KnnGraph`].
    ///
    /// ```
    /// use ohyeah_core::packed::{BuildOptions, GraphOptions};
    /// use ohyeah_core::{Metric, Packed};
    ///
    /// let vectors: Vec<f32> = (0..1000).map(|x| x as f32).collect();
    /// let index = Packed::build(Metric::Euclidean, &vectors, 1, &BuildOptions::new())?;
    /// let graph = index.graph(&GraphOptions::top(2))?;
    /// assert_eq!(graph.neighbours(500).iter().map(|x| x.id).collect::<Vec<_>>(), [499, 501]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The file is damaged, there is no memory, or the work was cancelled.
    pub fn graph(&self, options: &GraphOptions<'_>) -> Result<KnnGraph, GraphError> {
        self.graph_with::<Serial>(options)
    }

    /// [`graph`](Self::graph) on the threads of `J`. The graph is the same.
    ///
    /// # Errors
    ///
    /// See [`graph`](Self::graph).
    pub fn graph_with<J: Join>(&self, options: &GraphOptions<'_>) -> Result<KnnGraph, GraphError> {
        options.check()?;
        let backend = options.backend.unwrap_or(self.backend);
        let view = self.layout.view(self.storage.as_ref(), backend).ok_or(GraphError::Storage)?;
        check_for_graph(&view)?;
        KnnGraph::of_view::<J>(&view, options)
    }
}
