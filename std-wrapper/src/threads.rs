//! Several threads, by rayon.

use ohyeah_core::forest::{AnyForest, AnyItems, BuildError, BuildOptions, Items, Search, SearchError, Storage};
use ohyeah_core::{Cancel, Distance, Filter, Forest, Join, KnnGraph, Metric, Neighbour, Packed, Progress, packed};

/// Forks on rayon's threads: those of the pool that the call is made in, or of the global one.
#[derive(Clone, Copy, Debug)]
pub enum Rayon {}

impl Join for Rayon {
    fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        rayon::join(a, b)
    }

    fn threads() -> usize {
        rayon::current_num_threads()
    }
}

/// Building an index over rows of vectors, on several threads.
///
/// ```
/// use ohyeah::forest::BuildOptions;
/// use ohyeah::{Euclidean, Forest, ParBuild};
///
/// let forest = Forest::par_build(Euclidean, &[0.0, 0.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// assert_eq!(forest.distance(0, 1), Ok(5.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ParBuild<M>: Sized {
    /// What vectors are made of.
    type Element;
    /// How to build.
    type Options<'a>;
    /// Why nothing was built.
    type Error;

    /// The `build` of this type of index, on several threads. The index is the same, to the byte, however many.
    ///
    /// # Errors
    ///
    /// As `build`.
    fn par_build(
        metric: M,
        vectors: &[Self::Element],
        dimensions: usize,
        options: &Self::Options<'_>,
    ) -> Result<Self, Self::Error>;
}

impl<D: Distance> ParBuild<D> for Forest<D> {
    type Element = D::Element;
    type Options<'a> = BuildOptions<'a>;
    type Error = BuildError;

    fn par_build(
        metric: D,
        vectors: &[D::Element],
        dimensions: usize,
        options: &BuildOptions<'_>,
    ) -> Result<Self, BuildError> {
        Self::build_with::<Rayon>(metric, vectors, dimensions, options)
    }
}

impl<M: Into<Metric>> ParBuild<M> for Packed {
    type Element = f32;
    type Options<'a> = packed::BuildOptions<'a>;
    type Error = packed::BuildError;

    fn par_build(
        metric: M,
        vectors: &[f32],
        dimensions: usize,
        options: &packed::BuildOptions<'_>,
    ) -> Result<Self, packed::BuildError> {
        Self::build_with::<Rayon>(metric, vectors, dimensions, options)
    }
}

impl<M: Into<Metric>> ParBuild<M> for KnnGraph {
    type Element = f32;
    type Options<'a> = packed::GraphOptions<'a>;
    type Error = packed::GraphError;

    fn par_build(
        metric: M,
        vectors: &[f32],
        dimensions: usize,
        options: &packed::GraphOptions<'_>,
    ) -> Result<Self, packed::GraphError> {
        Self::build_with::<Rayon>(metric, vectors, dimensions, options)
    }
}

/// Building a forest over items that were collected, on several threads.
///
/// ```
/// use ohyeah::forest::{BuildOptions, Items};
/// use ohyeah::{Euclidean, ParBuildItems};
///
/// let mut items = Items::<Euclidean>::new(2)?;
/// items.add(0, &[0.0, 0.0])?;
/// items.add(5, &[3.0, 4.0])?;
/// let forest = items.par_build(&BuildOptions::new())?;
/// assert_eq!(forest.distance(0, 5), Ok(5.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ParBuildItems {
    /// What is built.
    type Forest;

    /// [`Items::build`] on several threads. The forest is the same, to the byte, however many.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    fn par_build(self, options: &BuildOptions<'_>) -> Result<Self::Forest, BuildError>;
}

impl<D: Distance, S: Storage> ParBuildItems for Items<D, S> {
    type Forest = Forest<D, S>;

    fn par_build(self, options: &BuildOptions<'_>) -> Result<Forest<D, S>, BuildError> {
        self.build_with::<Rayon>(options)
    }
}

impl<S: Storage> ParBuildItems for AnyItems<S> {
    type Forest = AnyForest<S>;

    fn par_build(self, options: &BuildOptions<'_>) -> Result<AnyForest<S>, BuildError> {
        self.build_with::<Rayon>(options)
    }
}

/// Searching for many vectors, on several threads.
///
/// ```
/// use ohyeah::forest::{BuildOptions, Search};
/// use ohyeah::{Angular, Forest, ParBuild, ParSearch};
///
/// let vectors = [1.0, 0.0, 0.0, 1.0];
/// let forest = Forest::par_build(Angular, &vectors, 2, &BuildOptions::new())?;
/// let found = forest.par_search_many(&[&vectors[..2], &vectors[2..]], &Search::top(1))?;
/// assert_eq!([found[0][0].id, found[1][0].id], [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A packed index is asked in the same way, for recall:
///
/// ```
/// use ohyeah::packed::{BuildOptions, Search};
/// use ohyeah::{Euclidean, Packed, ParBuild, ParSearch};
///
/// let vectors: Vec<f32> = (0..3000).map(|x| (x as f32).sin()).collect(); // 1,000 of 3 dimensions
/// let index = Packed::par_build(Euclidean, &vectors, 3, &BuildOptions::new())?;
/// let queries: Vec<&[f32]> = vectors.chunks(3).collect();
/// let found = index.par_search_many(&queries, &Search::top(5).recall(0.99))?;
/// assert_eq!((found.len(), found[10].len(), found[10][0].id), (1000, 5, 10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ParSearch {
    /// What vectors are made of.
    type Element;
    /// What to look for, and how hard.
    type Search<F>;
    /// Why there is no answer.
    type Error;

    /// The `search_many` of this type of index, on several threads.
    ///
    /// # Errors
    ///
    /// As `search_many`.
    fn par_search_many<F: Filter + Sync>(
        &self,
        queries: &[&[Self::Element]],
        search: &Self::Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, Self::Error>;
}

impl<D: Distance, S: AsRef<[u8]>> ParSearch for Forest<D, S> {
    type Element = D::Element;
    type Search<F> = Search<F>;
    type Error = SearchError;

    fn par_search_many<F: Filter + Sync>(
        &self,
        queries: &[&[D::Element]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        self.search_many_with::<Rayon, F>(queries, search, Progress::NONE, Cancel::NEVER)
    }
}

impl<S: AsRef<[u8]>> ParSearch for AnyForest<S> {
    type Element = f32;
    type Search<F> = Search<F>;
    type Error = SearchError;

    fn par_search_many<F: Filter + Sync>(
        &self,
        queries: &[&[f32]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        self.search_many_with::<Rayon, F>(queries, search, Progress::NONE, Cancel::NEVER)
    }
}

impl<S: AsRef<[u8]>> ParSearch for Packed<S> {
    type Element = f32;
    type Search<F> = packed::Search<F>;
    type Error = packed::SearchError;

    fn par_search_many<F: Filter + Sync>(
        &self,
        queries: &[&[f32]],
        search: &packed::Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, packed::SearchError> {
        self.search_many_with::<Rayon, F>(queries, search, Progress::NONE, Cancel::NEVER)
    }
}
