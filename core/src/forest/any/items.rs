//! Items whose metric is a value.

use alloc::borrow::Cow;

use super::AnyItems;
use crate::Backend;
use crate::forest::{ItemError, Items, NodeBuf, SearchError, Storage};
use crate::metric::{Element, Metric, check_numbers};

impl AnyItems {
    /// No items; see [`Items::new`]. For [`Metric::Dot`] those of [`Dot`](crate::Dot).
    ///
    /// # Errors
    ///
    /// [`ItemError::Dimensions`] unless there are 1 to 2²⁴.
    pub fn new(metric: Metric, dimensions: usize) -> Result<Self, ItemError> {
        Self::new_in(NodeBuf::default(), metric, dimensions)
    }
}

impl<S: Storage> AnyItems<S> {
    /// No items, to be kept in `storage`; see [`Items::new_in`]. For [`Metric::Dot`] those of [`Dot`](crate::Dot).
    ///
    /// # Errors
    ///
    /// [`ItemError::Dimensions`] unless there are 1 to 2²⁴.
    pub fn new_in(storage: S, metric: Metric, dimensions: usize) -> Result<Self, ItemError> {
        Ok(match metric {
            Metric::Angular => Self::Angular(Items::new_in(storage, dimensions)?),
            Metric::Euclidean => Self::Euclidean(Items::new_in(storage, dimensions)?),
            Metric::Manhattan => Self::Manhattan(Items::new_in(storage, dimensions)?),
            Metric::Hamming => Self::Hamming(Items::new_in(storage, dimensions)?),
            Metric::Dot => Self::Dot(Items::new_in(storage, dimensions)?),
        })
    }

    /// Computes with another backend than the one detected.
    #[must_use]
    pub fn with_backend(self, backend: Backend) -> Self {
        items!(self, items -> items.with_backend(backend))
    }

    /// Reserves the memory of the ids below `n`; see [`Items::reserve`].
    ///
    /// # Errors
    ///
    /// [`ItemError::OutOfMemory`].
    pub fn reserve(&mut self, n: usize) -> Result<(), ItemError> {
        items!(self, items => items.reserve(n))
    }

    /// Adds a vector, or replaces the one that has this id; see [`Items::add`].
    ///
    /// # Errors
    ///
    /// See [`Items::add`].
    pub fn add(&mut self, id: u32, vector: &[f32]) -> Result<(), ItemError> {
        items!(self, items => {
            // Words of bits would show neither how many numbers there were nor what they were.
            check_numbers(vector, items.dimensions())?;
            items.add(id, &Element::from_numbers(vector))
        })
    }

    /// The metric.
    #[must_use]
    pub fn metric(&self) -> Metric {
        items!(self, items => items.metric())
    }

    /// The number of dimensions of a vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        items!(self, items => items.dimensions())
    }

    /// One more than the largest id added.
    #[must_use]
    pub fn len(&self) -> usize {
        items!(self, items => items.len())
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        items!(self, items => items.is_empty())
    }

    /// The numbers of an item's vector; none for an id that was never added.
    #[must_use]
    pub fn numbers(&self, id: u32) -> Option<Cow<'_, [f32]>> {
        items!(self, items => items.vector(id).map(|vector| Element::to_numbers(vector, items.dimensions())))
    }

    /// The distance between two items; see [`Items::distance`].
    ///
    /// # Errors
    ///
    /// See [`Items::distance`].
    pub fn distance(&self, a: u32, b: u32) -> Result<f32, SearchError> {
        items!(self, items => items.distance(a, b))
    }
}
