//! Collecting items.

use alloc::sync::Arc;
use core::marker::PhantomData;

use super::build::{self, Planting};
use super::error::{BuildError, ItemError, OutOfSpace, SearchError};
use super::layout::NodeLayout;
use super::node::{Nodes, elements, elements_mut};
use super::rules::{Distance, distance};
use super::sketch::Sketch;
use super::storage::{NodeBuf, Storage};
use super::{BuildOptions, Forest};
use crate::Backend;
use crate::metric::{Element, Metric};
use crate::parallel::{Join, Serial};

/// Vectors by id, from which a [`Forest`] is built.
///
/// Ids are small numbers: there is room for every id up to the largest, and those never added are holes that no search
/// finds.
///
/// ```
/// use ohyeah_core::Euclidean;
/// use ohyeah_core::forest::{BuildOptions, Items, Search};
///
/// let mut items = Items::<Euclidean>::new(2)?;
/// items.add(3, &[0.0, 1.0])?;
/// items.add(7, &[5.0, 5.0])?;
/// assert_eq!(items.len(), 8);
/// let forest = items.build(&BuildOptions::new())?;
/// assert_eq!(forest.search(&[4.0, 4.0], &Search::top(1))?[0].id, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Items<D: Distance, S = NodeBuf> {
    storage: S,
    layout: NodeLayout,
    items: u32,
    backend: Backend,
    metric: PhantomData<D>,
}

impl<D: Distance> Items<D> {
    /// No items, of so many dimensions each. For [`Hamming`](crate::Hamming) these are bits, and a vector has one word for
    /// 64 of them.
    ///
    /// # Errors
    ///
    /// [`ItemError::Dimensions`] unless there are 1 to 2²⁴.
    pub fn new(dimensions: usize) -> Result<Self, ItemError> {
        Self::new_in(NodeBuf::default(), dimensions)
    }
}

impl<D: Distance, S: Storage> Items<D, S> {
    /// No items, to be kept in `storage`. What it holds is overwritten.
    ///
    /// # Errors
    ///
    /// [`ItemError::Dimensions`] unless there are 1 to 2²⁴.
    pub fn new_in(storage: S, dimensions: usize) -> Result<Self, ItemError> {
        let layout = NodeLayout::new::<D>(dimensions).ok_or(ItemError::Dimensions(dimensions))?;
        Ok(Self { storage, layout, items: 0, backend: Backend::detect(), metric: PhantomData })
    }

    /// Reserves the memory of the ids below `n` at once.
    ///
    /// # Errors
    ///
    /// [`ItemError::OutOfMemory`] where there is not enough.
    pub fn reserve(&mut self, n: usize) -> Result<(), ItemError> {
        let bytes = n.checked_mul(self.layout.bytes).ok_or(ItemError::OutOfMemory)?;
        Ok(self.storage.reserve(bytes)?)
    }

    /// Computes with another backend than the one detected.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// The metric.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        D::METRIC
    }

    /// The number of dimensions of a vector.
    #[must_use]
    pub const fn dimensions(&self) -> usize {
        self.layout.dimensions
    }

    /// One more than the largest id added: the number of items, and of holes between them.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items as usize
    }

    /// Whether nothing was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// The vector of an id; `None` where it was never added.
    #[must_use]
    pub fn vector(&self, id: u32) -> Option<&[D::Element]> {
        self.nodes().item(id).map(|row| row.vector)
    }

    /// The distance between two items. That of [`Dot`](crate::Dot) is the product, as in a forest.
    ///
    /// # Errors
    ///
    /// [`SearchError::NoSuchItem`] where one of them was never added.
    pub fn distance(&self, a: u32, b: u32) -> Result<f32, SearchError> {
        distance(self.nodes(), self.backend, a, b)
    }

    /// Adds a vector, or replaces the one that has this id.
    ///
    /// # Errors
    ///
    /// A vector of the wrong length, with an element that is not finite, or beyond 2⁶² long; an id of 2³¹ − 1 or more; no memory. Nothing
    /// has changed then.
    pub fn add(&mut self, id: u32, vector: &[D::Element]) -> Result<(), ItemError> {
        D::Element::check(vector, self.layout.dimensions, self.backend)?;
        if id >= i32::MAX as u32 {
            return Err(ItemError::IdTooLarge(id));
        }
        if id >= self.items {
            let nodes = self.layout.bytes.checked_mul(id as usize + 1).ok_or(ItemError::OutOfMemory)?;
            self.clear_unused()?;
            self.storage.resize(nodes)?;
            // Storage that is not aligned shows here, before the item is counted.
            if size_of_val(elements::<D>(&self.storage)) < nodes {
                return Err(ItemError::OutOfMemory);
            }
            self.items = id + 1;
        }
        let NodeLayout { header, stride, .. } = self.layout;
        let start = id as usize * stride;
        let node = elements_mut::<D>(&mut self.storage).get_mut(start..start + stride).ok_or(ItemError::OutOfMemory)?;
        let item = D::item_header(self.backend, vector);
        node[..header].copy_from_slice(bytemuck::cast_slice(core::slice::from_ref(&item)));
        node[header..].copy_from_slice(vector);
        Ok(())
    }

    /// Removes the bytes that the storage held before: they are no items.
    fn clear_unused(&mut self) -> Result<(), OutOfSpace> {
        if self.items == 0 { self.storage.resize(0) } else { Ok(()) }
    }

    /// Completes the headers, now that all items are known.
    pub(crate) fn prepare(&mut self) {
        D::prepare(self.backend, elements_mut::<D>(&mut self.storage), self.layout.dimensions);
    }

    pub(crate) fn nodes(&self) -> Nodes<'_, D> {
        Nodes::new(elements::<D>(&self.storage), self.layout, self.items)
    }

    /// Grows trees over the items, one after the other.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(self, options: &BuildOptions<'_>) -> Result<Forest<D, S>, BuildError> {
        self.build_with::<Serial>(options)
    }

    /// Grows trees over the items, several at a time where `J` does. The result has the same bytes, however many.
    ///
    /// # Errors
    ///
    /// See [`BuildError`]. The items are gone then: clone them first where they are to be kept.
    pub fn build_with<J: Join>(mut self, options: &BuildOptions<'_>) -> Result<Forest<D, S>, BuildError> {
        self.clear_unused()?;
        self.backend = options.backend.unwrap_or(self.backend);
        self.prepare();
        let Self { mut storage, layout, items, backend, metric } = self;
        let nodes = Nodes::<D>::new(elements::<D>(&storage), layout, items);
        let sketch = if options.sketch { Sketch::new::<J, D>(nodes, backend).map(Arc::new) } else { None };
        let planting = Planting { storage: &mut storage, layout, items };
        let roots = build::grow::<J, D>(planting, backend, sketch.as_deref(), options)?;
        // Trees of every metric by planes grow faster with it; not all search with it.
        let sketch = sketch.filter(|_| D::BOUNDED);
        let length = storage.as_ref().len();
        Ok(Forest { storage, length, layout, items, roots, sketch, backend, metric })
    }
}

impl<D: Distance, S: Storage> Forest<D, S> {
    /// Removes the trees: more items can then be added, and other trees be built.
    ///
    /// # Errors
    ///
    /// The storage fails to shrink, which no storage of this crate does.
    pub fn into_items(self) -> Result<Items<D, S>, OutOfSpace> {
        let Self { mut storage, layout, items, backend, metric, .. } = self;
        storage.resize(items as usize * layout.bytes)?;
        Ok(Items { storage, layout, items, backend, metric })
    }
}
