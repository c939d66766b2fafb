//! Forests of random-projection trees, on the node layout of Annoy's files.
//!
//! A tree halves its items again and again by planes chosen at random between them, until a handful is left: items near
//! one another mostly end in the same leaf. One tree misses whatever a plane has cut off, so there are many, and a search
//! walks all of them at once, always into the node whose planes the query clears by most. The items of the leaves it
//! reaches are then compared with the query one by one.
//!
//! Everything is one array of nodes of the same size: first the items, in the order of their ids, then each tree's nodes,
//! children before parents, then a copy of every root. The array is the file.

mod any;
mod batch;
mod build;
mod damage;
mod error;
mod items;
pub(crate) mod layout;
pub(crate) mod node;
mod open;
mod options;
pub(crate) mod rules;
mod score;
mod search;
mod sketch;
mod split;
mod storage;
mod tree;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;

pub use any::{AnyForest, AnyItems};
pub use damage::{Damage, Rule};
pub use error::{BuildError, ItemError, OpenError, OutOfSpace, SearchError};
pub use items::Items;
pub use options::BuildOptions;
pub use rules::Distance;
pub use search::{ForestScratch, Search, Searcher};
pub use storage::{NodeBuf, Storage};

use self::layout::NodeLayout;
use self::node::{Nodes, elements};
use self::search::ForestView;
use self::sketch::Sketch;
use crate::filter::Filter;
use crate::metric::Metric;
use crate::parallel::{Join, Serial};
use crate::{Backend, Cancel, Neighbour, Progress};

/// Items and the trees over them, ready to be searched.
///
/// `S` holds the bytes: what [`Forest::build`] or [`Items::build`] made, a `&[u8]`, a `Vec<u8>`, an `Arc<[u8]>`, a memory map.
///
/// ```
/// use ohyeah_core::forest::{BuildOptions, Search};
/// use ohyeah_core::{Euclidean, Forest};
///
/// let built = Forest::build(Euclidean, &[0.0, 0.0, 3.0, 4.0], 2, &BuildOptions::new().trees(5))?;
/// let opened = Forest::<Euclidean, _>::open(built.as_bytes(), 2)?;
/// assert_eq!((opened.len(), opened.trees()), (2, 5));
/// assert_eq!(opened.search(&[3.0, 3.0], &Search::top(1))?[0].distance, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Forest<D: Distance, S = NodeBuf> {
    storage: S,
    /// Bytes of the storage when the forest was opened or built.
    length: usize,
    layout: NodeLayout,
    items: u32,
    roots: Vec<u32>,
    sketch: Option<Arc<Sketch>>,
    backend: Backend,
    metric: PhantomData<D>,
}

impl<D: Distance, S: AsRef<[u8]>> Forest<D, S> {
    /// Opens bytes as a forest, without copying them.
    ///
    /// The format names neither its metric nor its dimensions: they must be those that the forest was built with. Looks at
    /// the roots and down one path of each tree, which finds nearly every file of another kind; a search checks each node
    /// that it meets, and [`verify`](Self::verify) checks all.
    ///
    /// # Errors
    ///
    /// The first rule that the bytes break. Bytes that are in order but lie at an odd address are
    /// [`OpenError::Unaligned`]: `f32` needs a multiple of 4, hamming's words one of 8; [`NodeBuf::copy_of`] has it.
    pub fn open(storage: S, dimensions: usize) -> Result<Self, OpenError> {
        let layout = NodeLayout::new::<D>(dimensions).ok_or(OpenError::Dimensions(dimensions))?;
        let bytes = storage.as_ref();
        let backend = Backend::detect();
        let (items, roots) = open::open::<D>(bytes, layout, backend)?;
        let length = bytes.len();
        Ok(Self { storage, length, layout, items, roots, sketch: None, backend, metric: PhantomData })
    }

    /// Checks every node of every tree, and every item: that each tree has every item once, that all numbers are finite, and
    /// that no item is so long that distances to it are not. Nodes that are part of no tree, as Annoy leaves some behind, are
    /// not looked at.
    ///
    /// Trees over no items are not in order: their bytes are zeros, as those of a file that was lost.
    ///
    /// # Errors
    ///
    /// The first rule broken, and the node that breaks it; or the storage no longer gives the bytes that were opened.
    pub fn verify(&self) -> Result<(), OpenError> {
        if !self.is_as_opened() {
            return Err(OpenError::Storage);
        }
        Ok(open::verify(self.nodes(), self.backend, &self.roots)?)
    }

    /// Computes with another backend than the one detected.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Keeps a sketch of the items in memory (see [`BuildOptions::sketch`]): searches give the same answers about twice as
    /// fast. A forest that was built here has one already; for one that was opened this reads all items once. Nothing
    /// happens where the metric has no use for sketches ([`Hamming`](crate::Hamming), and searches by
    /// [`Manhattan`](crate::Manhattan)) or where memory is short.
    #[must_use]
    pub fn with_sketch<J: Join>(mut self) -> Self {
        if self.sketch.is_none() && D::BOUNDED {
            self.sketch = Sketch::new::<J, D>(self.nodes(), self.backend).map(Arc::new);
        }
        self
    }

    /// Frees the memory of the sketch.
    #[must_use]
    pub fn without_sketch(mut self) -> Self {
        self.sketch = None;
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

    /// One more than the largest id: the number of items, and of holes between them.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items as usize
    }

    /// Whether there are neither items nor holes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// The number of trees.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    /// The number of nodes, items included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes().len()
    }

    /// An item's vector; `None` for an id that was never added.
    #[must_use]
    pub fn vector(&self, id: u32) -> Option<&[D::Element]> {
        self.nodes().item(id).map(|row| row.vector)
    }

    /// The distance between two items.
    ///
    /// # Errors
    ///
    /// [`SearchError::NoSuchItem`] where one of them was never added.
    pub fn distance(&self, a: u32, b: u32) -> Result<f32, SearchError> {
        rules::distance(self.nodes(), self.backend, a, b)
    }

    /// The file: Annoy opens it, and so does [`open`](Self::open).
    ///
    /// A forest without trees has no file: its bytes are those of the items, and no reader could tell.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.storage.as_ref()
    }

    /// The storage that holds the bytes.
    #[must_use]
    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// The storage that holds the bytes; the rest is dropped.
    #[must_use]
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// The nearest items to a vector.
    ///
    /// Allocates working memory each time; a [`searcher`](Self::searcher) keeps it.
    ///
    /// # Errors
    ///
    /// A query of the wrong length or with a NaN, or a damaged node.
    pub fn search<F: Filter>(&self, query: &[D::Element], search: &Search<F>) -> Result<Vec<Neighbour>, SearchError> {
        self.search_in(&mut ForestScratch::default(), query, search).map(<[_]>::to_vec)
    }

    /// The nearest items to a vector, found in memory that the caller keeps: for many forests, or threads that share one.
    ///
    /// # Errors
    ///
    /// See [`search`](Self::search).
    pub fn search_in<'s, F: Filter>(
        &self,
        scratch: &'s mut ForestScratch,
        query: &[D::Element],
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        self.view().search(scratch, query, search)
    }

    /// The nearest items to an item, itself among them, found in memory that the caller keeps.
    ///
    /// # Errors
    ///
    /// [`SearchError::NoSuchItem`]; or see [`search`](Self::search).
    pub fn search_item_in<'s, F: Filter>(
        &self,
        scratch: &'s mut ForestScratch,
        id: u32,
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        self.view().search_item(scratch, id, search)
    }

    /// The nearest items to each of many vectors, in their order.
    ///
    /// # Errors
    ///
    /// As [`search`](Self::search); the error of the first query that has one.
    pub fn search_many<F: Filter + Sync>(
        &self,
        queries: &[&[D::Element]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        self.search_many_with::<Serial, F>(queries, search, Progress::NONE, Cancel::NEVER)
    }

    /// [`search_many`](Self::search_many) on as many threads as `J` has. `progress` is told what share of the queries is
    /// answered.
    ///
    /// # Errors
    ///
    /// As [`search_many`](Self::search_many), or [`SearchError::Cancelled`].
    pub fn search_many_with<J: Join, F: Filter + Sync>(
        &self,
        queries: &[&[D::Element]],
        search: &Search<F>,
        progress: Progress<'_>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        self.view().search_many::<J, F>(queries, search, progress, cancel)
    }

    /// A searcher, which keeps its working memory: searches after the first allocate nothing. Each thread needs its own.
    #[must_use]
    pub fn searcher(&self) -> Searcher<'_, D> {
        Searcher::new(self.view())
    }

    pub(crate) fn view(&self) -> ForestView<'_, D> {
        ForestView {
            nodes: self.nodes(),
            roots: &self.roots,
            sketch: self.sketch.as_deref(),
            backend: self.backend,
            is_as_opened: self.is_as_opened(),
        }
    }

    /// Whether the storage gives as many bytes as when it was opened, at an address that suits them: one that keeps its bytes
    /// within itself may have been moved.
    fn is_as_opened(&self) -> bool {
        let bytes = self.storage.as_ref();
        bytes.len() == self.length && bytes.as_ptr().addr().is_multiple_of(align_of::<D::Element>())
    }

    fn nodes(&self) -> Nodes<'_, D> {
        Nodes::new(elements::<D>(&self.storage), self.layout, self.items)
    }
}
