//! A forest whose metric is a value.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::AnyForest;
use crate::forest::{Forest, ForestScratch, OpenError, Search, SearchError};
use crate::metric::{Dot, Element, Metric, check_numbers};
use crate::parallel::{Join, Serial};
use crate::{Backend, Cancel, Filter, Neighbour, Progress};

impl<S: AsRef<[u8]>> AnyForest<S> {
    /// Opens bytes as a forest; see [`Forest::open`]. For [`Metric::Dot`] it is a [`Dot`] where the bytes allow it, and
    /// else a [`DotLegacy`](crate::DotLegacy).
    ///
    /// # Errors
    ///
    /// See [`Forest::open`].
    pub fn open(storage: S, metric: Metric, dimensions: usize) -> Result<Self, OpenError> {
        Ok(match metric {
            Metric::Angular => Self::Angular(Forest::open(storage, dimensions)?),
            Metric::Euclidean => Self::Euclidean(Forest::open(storage, dimensions)?),
            Metric::Manhattan => Self::Manhattan(Forest::open(storage, dimensions)?),
            Metric::Hamming => Self::Hamming(Forest::open(storage, dimensions)?),
            Metric::Dot if Forest::<Dot, _>::open(storage.as_ref(), dimensions).is_ok() => {
                Self::Dot(Forest::open(storage, dimensions)?)
            }
            Metric::Dot => Self::DotLegacy(Forest::open(storage, dimensions)?),
        })
    }

    /// Computes with another backend than the one detected.
    #[must_use]
    pub fn with_backend(self, backend: Backend) -> Self {
        forest!(self, forest -> forest.with_backend(backend))
    }

    /// Keeps a sketch of the items in memory; see [`Forest::with_sketch`].
    #[must_use]
    pub fn with_sketch<J: Join>(self) -> Self {
        forest!(self, forest -> forest.with_sketch::<J>())
    }

    /// Frees the memory of the sketch; see [`Forest::without_sketch`].
    #[must_use]
    pub fn without_sketch(self) -> Self {
        forest!(self, forest -> forest.without_sketch())
    }

    /// Checks every node; see [`Forest::verify`].
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn verify(&self) -> Result<(), OpenError> {
        forest!(self, forest => forest.verify())
    }

    /// The metric.
    #[must_use]
    pub fn metric(&self) -> Metric {
        forest!(self, forest => forest.metric())
    }

    /// The number of dimensions of a vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        forest!(self, forest => forest.dimensions())
    }

    /// One more than the largest id.
    #[must_use]
    pub fn len(&self) -> usize {
        forest!(self, forest => forest.len())
    }

    /// Whether there are neither items nor holes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of trees.
    #[must_use]
    pub fn trees(&self) -> usize {
        forest!(self, forest => forest.trees())
    }

    /// The number of nodes, items included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        forest!(self, forest => forest.node_count())
    }

    /// Whether an item has been added under this id, and with this vector.
    #[must_use]
    pub fn holds(&self, id: u32, vector: &[f32]) -> bool {
        self.dimensions() == vector.len()
            && forest!(self, forest => forest.vector(id).is_some_and(|found| is_of(found, vector)))
    }

    /// The file; see [`Forest::as_bytes`].
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        forest!(self, forest => forest.as_bytes())
    }

    /// The storage that holds the bytes.
    #[must_use]
    pub fn storage(&self) -> &S {
        forest!(self, forest => forest.storage())
    }

    /// The storage that holds the bytes; the rest is dropped.
    #[must_use]
    pub fn into_storage(self) -> S {
        forest!(self, forest => forest.into_storage())
    }

    /// The numbers of an item's vector; none for an id that was never added.
    #[must_use]
    pub fn numbers(&self, id: u32) -> Option<Cow<'_, [f32]>> {
        forest!(self, forest => forest.vector(id).map(|vector| Element::to_numbers(vector, forest.dimensions())))
    }

    /// The distance between two items; see [`Forest::distance`].
    ///
    /// # Errors
    ///
    /// See [`Forest::distance`].
    pub fn distance(&self, a: u32, b: u32) -> Result<f32, SearchError> {
        forest!(self, forest => forest.distance(a, b))
    }

    /// The nearest items to a vector; see [`Forest::search`].
    ///
    /// # Errors
    ///
    /// See [`Forest::search`].
    pub fn search<F: Filter>(&self, query: &[f32], search: &Search<F>) -> Result<Vec<Neighbour>, SearchError> {
        self.search_in(&mut ForestScratch::default(), query, search).map(<[_]>::to_vec)
    }

    /// The nearest items to a vector, found in memory that the caller keeps; see [`Forest::search_in`].
    ///
    /// # Errors
    ///
    /// See [`Forest::search`].
    pub fn search_in<'s, F: Filter>(
        &self,
        scratch: &'s mut ForestScratch,
        query: &[f32],
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        forest!(self, forest => {
            check_numbers(query, forest.dimensions())?;
            forest.search_in(scratch, &Element::from_numbers(query), search)
        })
    }

    /// The nearest items to each of many vectors; see [`Forest::search_many`].
    ///
    /// # Errors
    ///
    /// See [`Forest::search_many`].
    pub fn search_many<F: Filter + Sync>(
        &self,
        queries: &[&[f32]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        self.search_many_with::<Serial, F>(queries, search, Progress::NONE, Cancel::NEVER)
    }

    /// The nearest items to each of many vectors, on as many threads as `J` has; see [`Forest::search_many_with`].
    ///
    /// # Errors
    ///
    /// See [`Forest::search_many_with`].
    pub fn search_many_with<J: Join, F: Filter + Sync>(
        &self,
        queries: &[&[f32]],
        search: &Search<F>,
        progress: Progress<'_>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        forest!(self, forest => {
            queries.iter().try_for_each(|query| check_numbers(query, forest.dimensions()))?;
            let vectors: Vec<_> = queries.iter().map(|query| Element::from_numbers(query)).collect();
            let vectors: Vec<_> = vectors.iter().map(|vector| &**vector).collect();
            forest.search_many_with::<J, F>(&vectors, search, progress, cancel)
        })
    }

    /// The nearest items to an item, itself among them, found in memory that the caller keeps.
    ///
    /// # Errors
    ///
    /// [`SearchError::NoSuchItem`], or a damaged node.
    pub fn search_item_in<'s, F: Filter>(
        &self,
        scratch: &'s mut ForestScratch,
        id: u32,
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        forest!(self, forest => forest.view().search_item(scratch, id, search))
    }
}

/// Whether a vector is the one that these numbers make.
fn is_of<E: Element>(vector: &[E], numbers: &[f32]) -> bool {
    *vector == *E::from_numbers(numbers)
}
