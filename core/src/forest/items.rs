//! Collecting items.

use alloc::vec::Vec;

use bytemuck::Zeroable;

use super::node::{Layout, Nodes};
use super::rules::Rules;
use super::{BuildOptions, Forest, build};
use crate::Backend;
use crate::error::{BuildError, ItemError};
use crate::metric::{Distance, Element};
use crate::parallel::{Join, Serial};

/// Nodes in memory, aligned for their elements: what a [`Forest`] that was built here keeps its bytes in.
#[derive(Clone, Debug)]
pub struct NodeBuf<D: Rules>(pub(crate) Vec<D::Element>);

impl<D: Rules> NodeBuf<D> {
    /// A copy of the bytes, for those that do not lie at an aligned address. Bytes beyond the last whole element are
    /// dropped.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let size = size_of::<D::Element>();
        Self(bytes.chunks_exact(size).map(bytemuck::pod_read_unaligned).collect())
    }
}

impl<D: Rules> AsRef<[u8]> for NodeBuf<D> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Vectors by id, from which a [`Forest`] is built.
///
/// Ids are small numbers: there is room for every id up to the largest, and those never added are holes that no search
/// finds.
#[derive(Clone, Debug)]
pub struct Items<D: Distance> {
    nodes: NodeBuf<D>,
    dimensions: usize,
    layout: Layout,
    backend: Backend,
}

impl<D: Distance> Items<D> {
    /// No items, of so many dimensions each. For [`Hamming`](crate::Hamming) these are bits, and a vector has one word for
    /// 64 of them.
    ///
    /// # Errors
    ///
    /// [`ItemError::Dimensions`] unless there are 1 to 2²⁴.
    pub fn new(dimensions: usize) -> Result<Self, ItemError> {
        let layout = Layout::new::<D>(dimensions).ok_or(ItemError::Dimensions(dimensions))?;
        Ok(Self { nodes: NodeBuf(Vec::new()), dimensions, layout, backend: Backend::detect() })
    }

    /// Makes room for the ids below `n` at once.
    ///
    /// # Errors
    ///
    /// [`ItemError::OutOfMemory`] where there is no such room.
    pub fn reserve(&mut self, n: usize) -> Result<(), ItemError> {
        let elements = n.checked_mul(self.layout.stride).ok_or(ItemError::OutOfMemory)?;
        let more = elements.saturating_sub(self.nodes.0.len());
        self.nodes.0.try_reserve_exact(more).map_err(|_| ItemError::OutOfMemory)
    }

    /// Computes with another backend than the one detected.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// The number of dimensions of a vector.
    #[must_use]
    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// One more than the largest id added.
    #[must_use]
    pub fn len(&self) -> u32 {
        (self.nodes.0.len() / self.layout.stride) as u32
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.0.is_empty()
    }

    /// The vector of an id; none where it was never added.
    #[must_use]
    pub fn vector(&self, id: u32) -> Option<&[D::Element]> {
        self.nodes().item(id).map(|row| row.vector)
    }

    /// Adds a vector, or replaces the one that has this id.
    ///
    /// # Errors
    ///
    /// A vector of the wrong length, with an element that is not finite, or beyond 2⁶² long; an id of 2³¹ − 1 or more; no memory. Nothing
    /// has changed then.
    pub fn add(&mut self, id: u32, vector: &[D::Element]) -> Result<(), ItemError> {
        let Layout { header, stride, .. } = self.layout;
        D::Element::check(vector, self.dimensions, self.backend)?;
        if id >= i32::MAX as u32 {
            return Err(ItemError::IdTooLarge(id));
        }
        let end = (id as usize + 1).checked_mul(stride).ok_or(ItemError::OutOfMemory)?;
        let elements = &mut self.nodes.0;
        if end > elements.len() {
            elements.try_reserve(end - elements.len()).map_err(|_| ItemError::OutOfMemory)?;
            elements.resize(end, D::Element::zeroed());
        }
        let node = &mut elements[end - stride..end];
        let item = D::item_header(self.backend, vector);
        node[..header].copy_from_slice(bytemuck::cast_slice(core::slice::from_ref(&item)));
        node[header..].copy_from_slice(vector);
        Ok(())
    }

    /// Completes the headers, now that all items are known.
    pub(crate) fn prepare(&mut self) {
        D::prepare(self.backend, &mut self.nodes.0, self.dimensions);
    }

    pub(crate) fn nodes(&self) -> Nodes<'_, D> {
        Nodes::new(&self.nodes.0, self.layout, self.len())
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Grows trees over the items, one after the other.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(self, options: BuildOptions<'_>) -> Result<Forest<D>, BuildError> {
        self.build_with::<Serial>(options)
    }

    /// Grows trees over the items, several at a time where `J` does. The result has the same bytes, however many.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build_with<J: Join>(mut self, options: BuildOptions<'_>) -> Result<Forest<D>, BuildError> {
        let items = self.len();
        self.prepare();
        let roots = build::grow::<J, D>(&mut self.nodes.0, self.layout, items, self.backend, options)?;
        Ok(Forest {
            storage: self.nodes,
            dimensions: self.dimensions,
            layout: self.layout,
            items,
            roots,
            backend: self.backend,
            metric: core::marker::PhantomData,
        })
    }
}
