//! The packed index: vectors in few bytes, so that most of them can be looked at.
//!
//! A forest answers fast because it looks at few vectors, and it has to look at many to be right. Here a single partition
//! takes the place of a hundred trees, and a vector is looked at in three sizes: half a byte for two numbers, scanned at a
//! billion vectors a second; a byte for each number, for the best hundred or so; and as it was given, for the best few.
//! Known as an inverted file with 4-bit product quantisation ("IVF-PQ fast scan") and re-ranking.
//!
//! # A search
//!
//! 1. The query as bytes is compared with the centroids of all leaves (`partition`, `grid`), and the best leaves are taken
//!    (`ranking`).
//! 2. One table of the query's products with all codewords (`codebook`, `tables`) serves every leaf: q·x is q·centroid
//!    plus q·rest. Codes of 32 rows are scanned at once, and what reaches the running limit is kept (`search`).
//! 3. The best candidates are compared as bytes, the best of those as floats.
//!
//! How many leaves and candidates that takes is measured when the index is built (`calibrate`), so that a caller asks for
//! recall and not for numbers that depend on the data.
//!
//! # The neighbours of every row
//!
//! Rows ask together (`join`): each for the rows of its best leaves (`near`), or all for all (`dense`), every pair once for the sake
//! of both (`pairs`). Which neighbours are missing is measured on a sample whose neighbours are found for sure (`exhaustive`), by
//! a bound on what bytes lose (`losses`).
//!
//! # Determinism
//!
//! Sums are of integers, or of f64 in an order of their own, and what is done with them in f32 is done in the same way
//! everywhere: indexes and answers are the same for every number of threads and every instruction set.

mod file;
mod graph;
mod options;
mod quantise;
mod search;
mod train;
mod truth;
mod tune;

use alloc::vec::Vec;

pub use self::file::buf::PackedBuf;
use self::file::layout::Layout;
pub use self::file::layout::{MAGIC, MOST_DIMENSIONS};
use self::file::view::View;
pub use self::graph::knn::Knn;
use self::options::Wanted;
pub use self::options::{KnnOptions, PackedOptions, PackedSearch};
pub use self::search::Scratch;
use self::train::source::Rows;
use crate::error::{PackedError, SearchError};
use crate::filter::Filter;
use crate::parallel::Join;
use crate::{Backend, Metric, Neighbour};

/// So many of those within a distance are asked for at first.
const FEW: usize = 32;

/// A packed index: see the [module](self).
///
/// ```
/// use ohyeah_core::{Metric, Packed, PackedOptions, PackedSearch, Serial};
///
/// let vectors = [1.0, 0.0, 0.9, 0.1, 0.0, 1.0];
/// let index = Packed::build::<Serial>(Metric::Angular, &vectors, 2, &PackedOptions::new())?;
/// let nearest = index.search(&[1.0, 0.05], &PackedSearch::top(2))?;
/// assert_eq!([nearest[0].id, nearest[1].id], [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Packed<S = PackedBuf> {
    storage: S,
    layout: Layout,
    backend: Backend,
}

impl Packed {
    /// Builds an index over vectors that lie one after the other, `dimensions` numbers each. The id of a vector is its number.
    ///
    /// # Errors
    ///
    /// A metric that cannot be packed, vectors that cannot be searched for, no memory, or the build was called off.
    pub fn build<J: Join>(
        metric: Metric,
        vectors: &[f32],
        dimensions: usize,
        options: &PackedOptions<'_>,
    ) -> Result<Self, PackedError> {
        if dimensions == 0 {
            return Err(PackedError::Dimensions(0));
        }
        let rows = Rows { metric, vectors, dimensions, origin: &[] };
        if let Some(keys) = options.keys.filter(|keys| keys.len() != rows.len()) {
            return Err(PackedError::Keys { expected: rows.len(), found: keys.len() });
        }
        let backend = options.backend.unwrap_or_else(Backend::detect);
        let (storage, layout) = train::build::<J>(rows, backend, options)?;
        Ok(Self { storage, layout, backend })
    }
}

impl<S: AsRef<[u8]>> Packed<S> {
    /// Opens the bytes of an index, without copying them.
    ///
    /// # Errors
    ///
    /// What shows that they are none.
    pub fn open(storage: S) -> Result<Self, PackedError> {
        let layout = Layout::open(storage.as_ref())?;
        Ok(Self { storage, layout, backend: Backend::detect() })
    }

    /// Whether every byte is what it was when the index was written: compares all checksums.
    ///
    /// # Errors
    ///
    /// The first part that has changed.
    pub fn verify(&self) -> Result<(), PackedError> {
        self.layout.verify(self.storage.as_ref())
    }

    /// Computes with another backend from now on.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// What holds the bytes.
    pub fn into_storage(self) -> S {
        self.storage
    }

    fn view(&self) -> View<'_> {
        self.layout.view(self.storage.as_ref())
    }

    /// The file.
    pub fn as_bytes(&self) -> &[u8] {
        self.storage.as_ref()
    }

    /// The metric of the vectors.
    pub fn metric(&self) -> Metric {
        self.layout.shape.metric
    }

    /// Numbers in a vector.
    pub fn dimensions(&self) -> usize {
        self.layout.shape.dimensions
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.layout.shape.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many leaves the vectors are cut into.
    pub fn leaves(&self) -> usize {
        self.layout.shape.leaves
    }

    /// The seed that it was built with.
    pub fn seed(&self) -> u64 {
        self.layout.seed
    }

    /// Whether it has keys.
    pub fn has_keys(&self) -> bool {
        self.layout.shape.keys.is_some()
    }

    /// The key of a vector.
    pub fn key(&self, id: u32) -> Option<&str> {
        self.view().key(id)
    }

    /// The first vector with this key, found by looking at all.
    pub fn id(&self, key: &str) -> Option<u32> {
        let view = self.view();
        (0..view.key_ends.len() as u32).find(|id| view.key_bytes(*id) == Some(key.as_bytes()))
    }

    /// A vector as it was given.
    pub fn vector(&self, id: u32) -> Option<&[f32]> {
        let view = self.view();
        view.vector(*view.rows.get(id as usize)?)
    }

    /// The nearest vectors, nearest first, of equals the smaller id first.
    ///
    /// # Errors
    ///
    /// A query that no vector could be.
    pub fn search<F: Filter>(&self, query: &[f32], search: &PackedSearch<F>) -> Result<Vec<Neighbour>, SearchError> {
        Ok(self.search_in(&mut Scratch::new(), query, search)?.to_vec())
    }

    /// [`search`](Self::search) in room that is used again.
    ///
    /// # Errors
    ///
    /// As [`search`](Self::search).
    pub fn search_in<'s, F: Filter>(
        &self,
        scratch: &'s mut Scratch,
        query: &[f32],
        search: &PackedSearch<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        train::check_vector(self.metric(), query, self.dimensions(), self.backend).map_err(SearchError::Vector)?;
        let view = self.view();
        scratch.set_query(&view, query);
        let most = search.n.min(self.len());
        // Of those within a distance it is not known how many there are: a few are asked for, and more while all lie within.
        let at_once = search.within.is_none() || search.effort == Wanted::Exact;
        let mut n = if at_once { most } else { most.min(FEW) };
        loop {
            match search.effort {
                Wanted::Exact => scratch.search_exactly(&view, self.backend, n, &search.filter),
                Wanted::Effort { leaves, candidates } => {
                    let effort = tune::effort::by_hand(view.calibration, leaves, candidates, n);
                    scratch.search(&view, self.backend, n, effort, &search.filter);
                }
                Wanted::Recall(recall) => {
                    let effort = tune::effort::effort(view.calibration, recall, n);
                    scratch.search(&view, self.backend, n, effort, &search.filter);
                }
            }
            let found = scratch.found().len();
            let is_within = |x: &Neighbour| match (search.within, self.metric()) {
                (None, _) => true,
                (Some(least), Metric::Dot) => x.distance >= least,
                (Some(most), _) => x.distance <= most,
            };
            let within = scratch.found().iter().take_while(|x| is_within(x)).count();
            if within < n || found < n || n == most {
                return Ok(&scratch.found()[..within]);
            }
            n = n.saturating_mul(4).min(most);
        }
    }

    /// The nearest vectors of a vector of the index, itself among them.
    ///
    /// # Errors
    ///
    /// There is no such id.
    pub fn search_item_in<'s, F: Filter>(
        &self,
        scratch: &'s mut Scratch,
        id: u32,
        search: &PackedSearch<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        let items = self.len() as u32;
        let vector = self.vector(id).ok_or(SearchError::NoSuchItem { id, items })?;
        self.search_in(scratch, vector, search)
    }

    /// The nearest neighbours of every vector.
    ///
    /// ```
    /// use ohyeah_core::{KnnOptions, Metric, Packed, PackedOptions, Serial};
    ///
    /// let vectors: Vec<f32> = (0..1000).map(|x| x as f32).collect();
    /// let index = Packed::build::<Serial>(Metric::Euclidean, &vectors, 1, &PackedOptions::new())?;
    /// let graph = index.knn::<Serial>(&KnnOptions::top(2))?;
    /// assert_eq!(graph.neighbours(500).iter().map(|x| x.id).collect::<Vec<_>>(), [499, 501]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No memory, or the work was called off.
    pub fn knn<J: Join>(&self, options: &KnnOptions<'_>) -> Result<Knn, PackedError> {
        graph::join::<J>(&self.view(), options.backend.unwrap_or(self.backend), options)
    }
}
