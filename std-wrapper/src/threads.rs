//! Several threads, by rayon.

use ohyeah_core::error::{BuildError, SearchError};
use ohyeah_core::{
    AnyForest, AnyItems, BuildOptions, Distance, Filter, Forest, Items, Join, Neighbour, Search, Storage,
};

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

/// Building on several threads.
pub trait ParBuild {
    /// What is built.
    type Forest;

    /// [`Items::build`] on several threads. The forest is the same, to the byte, however many.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    fn par_build(self, options: BuildOptions<'_>) -> Result<Self::Forest, BuildError>;
}

impl<D: Distance, S: Storage> ParBuild for Items<D, S> {
    type Forest = Forest<D, S>;

    fn par_build(self, options: BuildOptions<'_>) -> Result<Forest<D, S>, BuildError> {
        self.build_with::<Rayon>(options)
    }
}

impl<S: Storage> ParBuild for AnyItems<S> {
    type Forest = AnyForest<S>;

    fn par_build(self, options: BuildOptions<'_>) -> Result<AnyForest<S>, BuildError> {
        self.build_with::<Rayon>(options)
    }
}

/// Searching on several threads.
pub trait ParSearch<D: Distance> {
    /// [`Forest::search_many`] on several threads.
    ///
    /// # Errors
    ///
    /// See [`Forest::search`].
    fn par_search_many<F: Filter + Sync>(
        &self,
        queries: &[&[D::Element]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError>;
}

impl<D: Distance, S: AsRef<[u8]> + Sync> ParSearch<D> for Forest<D, S> {
    fn par_search_many<F: Filter + Sync>(
        &self,
        queries: &[&[D::Element]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        self.search_many::<Rayon, F>(queries, search)
    }
}
