//! The metric as a value: for programs that learn it at run time.
//!
//! Each call crosses over to the typed code once, by one `match`. Vectors are numbers for every metric; hamming takes those
//! above one half as set bits, as Annoy does.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::error::{BuildError, Damage, ItemError, OpenError, SearchError};
use crate::forest::{BuildOptions, Forest, Items, NodeBuf, OutOfSpace, Scratch, Search, Storage};
use crate::metric::{Angular, Dot, DotLegacy, Element, Euclidean, Hamming, Manhattan, Metric, check_numbers};
use crate::parallel::Join;
use crate::{Backend, Filter, Neighbour};

macro_rules! any {
    ($($metric:ident),*) => {
        /// [`Items`] whose metric is a value.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum AnyItems<S = NodeBuf> {
            $(#[doc = concat!("Items of [`", stringify!($metric), "`].")] $metric(Items<$metric, S>)),*
        }

        /// A [`Forest`] whose metric is a value.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum AnyForest<S = NodeBuf> {
            $(#[doc = concat!("A forest of [`", stringify!($metric), "`].")] $metric(Forest<$metric, S>)),*
        }

        /// Evaluates an expression with the typed items, or makes items of the same kind with it.
        macro_rules! items {
            ($any:expr, $name:ident => $value:expr) => { match $any { $(AnyItems::$metric($name) => $value),* } };
            ($any:expr, $name:ident -> $value:expr) => { match $any { $(AnyItems::$metric($name) => AnyItems::$metric($value)),* } };
        }

        /// Evaluates an expression with the typed forest, or makes a forest of the same kind with it.
        macro_rules! forest {
            ($any:expr, $name:ident => $value:expr) => { match $any { $(AnyForest::$metric($name) => $value),* } };
            ($any:expr, $name:ident -> $value:expr) => { match $any { $(AnyForest::$metric($name) => AnyForest::$metric($value)),* } };
        }

        impl<S: Storage> AnyForest<S> {
            /// Takes the trees away again; see [`Forest::into_items`].
            ///
            /// # Errors
            ///
            /// See [`Forest::into_items`].
            pub fn into_items(self) -> Result<AnyItems<S>, OutOfSpace> {
                Ok(match self { $(Self::$metric(forest) => AnyItems::$metric(forest.into_items()?)),* })
            }
        }

        impl<S: Storage> AnyItems<S> {
            /// Grows trees over the items; see [`Items::build_with`].
            ///
            /// # Errors
            ///
            /// See [`BuildError`].
            pub fn build_with<J: Join>(self, options: BuildOptions<'_>) -> Result<AnyForest<S>, BuildError> {
                Ok(match self {
                    $(Self::$metric(items) => AnyForest::$metric(items.build_with::<J>(options)?)),*
                })
            }
        }
    };
}

any!(Angular, Euclidean, Manhattan, Hamming, Dot, DotLegacy);

impl AnyItems {
    /// No items; see [`Items::new`]. For [`Metric::Dot`] those of [`Dot`].
    ///
    /// # Errors
    ///
    /// [`ItemError::Dimensions`] unless there are 1 to 2²⁴.
    pub fn new(metric: Metric, dimensions: usize) -> Result<Self, ItemError> {
        Self::new_in(NodeBuf::default(), metric, dimensions)
    }
}

impl<S: Storage> AnyItems<S> {
    /// No items, to be kept in `storage`; see [`Items::new_in`]. For [`Metric::Dot`] those of [`Dot`].
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

    /// Makes room for the ids below `n`; see [`Items::reserve`].
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
    pub fn len(&self) -> u32 {
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

impl<S: AsRef<[u8]>> AnyForest<S> {
    /// Takes bytes as a forest; see [`Forest::open`]. For [`Metric::Dot`] it is a [`Dot`] where the bytes allow it, and
    /// else a [`DotLegacy`].
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

    /// Gives the memory of the sketch back; see [`Forest::without_sketch`].
    #[must_use]
    pub fn without_sketch(self) -> Self {
        forest!(self, forest -> forest.without_sketch())
    }

    /// Checks every node; see [`Forest::verify`].
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn verify(&self) -> Result<(), Damage> {
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
    pub fn items(&self) -> u32 {
        forest!(self, forest => forest.items())
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
            && forest!(self, forest => forest.vector(id).is_some_and(|found| *found == *Element::from_numbers(vector)))
    }

    /// The file; see [`Forest::as_bytes`].
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        forest!(self, forest => forest.as_bytes())
    }

    /// What holds the bytes.
    #[must_use]
    pub fn storage(&self) -> &S {
        forest!(self, forest => forest.storage())
    }

    /// What holds the bytes, alone.
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
        self.search_in(&mut Scratch::default(), query, search).map(<[_]>::to_vec)
    }

    /// The nearest items to a vector, found in memory that the caller keeps; see [`Forest::search_in`].
    ///
    /// # Errors
    ///
    /// See [`Forest::search`].
    pub fn search_in<'s, F: Filter>(
        &self,
        scratch: &'s mut Scratch,
        query: &[f32],
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        forest!(self, forest => {
            check_numbers(query, forest.dimensions())?;
            forest.search_in(scratch, &Element::from_numbers(query), search)
        })
    }

    /// The nearest items to an item, itself among them, found in memory that the caller keeps.
    ///
    /// # Errors
    ///
    /// [`SearchError::NoSuchItem`], or a damaged node.
    pub fn search_item_in<'s, F: Filter>(
        &self,
        scratch: &'s mut Scratch,
        id: u32,
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        forest!(self, forest => forest.view().search_item(scratch, id, search))
    }
}
