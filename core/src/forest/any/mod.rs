//! The metric as a value: for programs that learn it at run time.
//!
//! Each call crosses over to the typed code once, by one `match`. Vectors are numbers for every metric; hamming takes those
//! above one half as set bits, as Annoy does.

use super::{BuildError, BuildOptions, Forest, Items, NodeBuf, OutOfSpace, Storage};
use crate::metric::{Angular, Dot, DotLegacy, Euclidean, Hamming, Manhattan};
use crate::parallel::{Join, Serial};

macro_rules! any {
    ($($metric:ident),*) => {
        /// [`Items`] whose metric is a value.
        ///
        /// ```
        /// use ohyeah_core::Metric;
        /// use ohyeah_core::forest::{AnyItems, BuildOptions};
        ///
        /// let mut items = AnyItems::new("euclidean".parse()?, 2)?;
        /// items.add(0, &[3.0, 4.0])?;
        /// let forest = items.build(&BuildOptions::new())?;
        /// assert_eq!((forest.metric(), forest.len()), (Metric::Euclidean, 1));
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum AnyItems<S = NodeBuf> {
            $(#[doc = concat!("Items of [`", stringify!($metric), "`].")] $metric(Items<$metric, S>)),*
        }

        /// A [`Forest`] whose metric is a value. Vectors are numbers for each metric.
        ///
        /// ```
        /// use ohyeah_core::forest::{AnyForest, BuildOptions, Search};
        /// use ohyeah_core::{Forest, Hamming, Metric};
        ///
        /// let built = Forest::build(Hamming, &[0b011, 0b110], 3, &BuildOptions::new())?;
        /// let forest = AnyForest::open(built.as_bytes(), Metric::Hamming, 3)?;
        /// assert_eq!(forest.search(&[0.0, 1.0, 1.0], &Search::top(1))?[0].id, 1);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
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
            /// Removes the trees; see [`Forest::into_items`].
            ///
            /// # Errors
            ///
            /// See [`Forest::into_items`].
            pub fn into_items(self) -> Result<AnyItems<S>, OutOfSpace> {
                Ok(match self { $(Self::$metric(forest) => AnyItems::$metric(forest.into_items()?)),* })
            }
        }

        impl<S: Storage> AnyItems<S> {
            /// Grows trees over the items, one after the other; see [`Items::build`].
            ///
            /// # Errors
            ///
            /// See [`BuildError`].
            pub fn build(self, options: &BuildOptions<'_>) -> Result<AnyForest<S>, BuildError> {
                self.build_with::<Serial>(options)
            }

            /// Grows trees over the items; see [`Items::build_with`].
            ///
            /// # Errors
            ///
            /// See [`BuildError`].
            pub fn build_with<J: Join>(self, options: &BuildOptions<'_>) -> Result<AnyForest<S>, BuildError> {
                Ok(match self {
                    $(Self::$metric(items) => AnyForest::$metric(items.build_with::<J>(options)?)),*
                })
            }
        }
    };
}

any!(Angular, Euclidean, Manhattan, Hamming, Dot, DotLegacy);

mod forest;
mod items;
