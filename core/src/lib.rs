//! Nearest neighbours without std: the packed index, forests on Annoy's files, and the SIMD kernels under both.
//!
//! A [`Packed`] index is asked for recall, a [`Forest`] for a number of candidates; building, searching and saving are the same:
//!
//! <table style="zoom: 0.84"><tr><th>packed</th><th>forest</th></tr><tr><td>
//!
//! ```
//! use ohyeah_core::packed::*;
//! use ohyeah_core::{Angular, Packed};
//!
//! let rows = [1.0, 0.0, 0.9, 0.1, 0.0, 1.0];
//! let how = BuildOptions::new().seed(7);
//! let index = Packed::build(Angular, &rows, 2, &how)?;
//!
//! let search = Search::top(2).recall(0.95);
//! let found = index.search(&[1.0, 0.05], &search)?;
//! assert_eq!([found[0].id, found[1].id], [0, 1]);
//!
//! let odd = search.filter(|id| id % 2 == 1);
//! let two = [&[0.0, 1.0][..], &[1.0, 0.0]];
//! let found = index.search_many(&two, &odd)?;
//! assert_eq!(found[1][0].id, 1);
//! assert_eq!(index.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! </td><td>
//!
//! ```
//! use ohyeah_core::forest::*;
//! use ohyeah_core::{Angular, Forest};
//!
//! let rows = [1.0, 0.0, 0.9, 0.1, 0.0, 1.0];
//! let how = BuildOptions::new().seed(7);
//! let index = Forest::build(Angular, &rows, 2, &how)?;
//!
//! let search = Search::top(2).search_k(1000);
//! let found = index.search(&[1.0, 0.05], &search)?;
//! assert_eq!([found[0].id, found[1].id], [0, 1]);
//!
//! let odd = search.filter(|id| id % 2 == 1);
//! let two = [&[0.0, 1.0][..], &[1.0, 0.0]];
//! let found = index.search_many(&two, &odd)?;
//! assert_eq!(found[1][0].id, 1);
//! assert_eq!(index.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! </td></tr></table>
//!
//! # Which index when
//!
//! | | [`Packed`] | [`Forest`] | [`KnnGraph`] |
//! |---|---|---|---|
//! | answers | the nearest of any vector | the nearest of any vector | the nearest of every vector of the set |
//! | asked for | recall | candidates (`search_k`) | recall |
//! | metrics | angular, euclidean, dot | these, manhattan and hamming | angular, euclidean, dot |
//! | dimensions | up to 65,535 | up to 2²⁴ | up to 65,535 |
//! | speed, word vectors | about 20 times a forest's queries a second at recall .95 | 3 times Annoy's | seconds for all |
//! | file | `.oy`, with checksums and keys | Annoy's `.ann`, which says nothing of itself | none |
//! | vectors added later | no: build again | before the trees are built | no |
//! | every neighbour for sure | [`exact`](packed::Search::exact), compares with all | [`exact`](forest::Search::exact), compares with all | [`exact`](packed::GraphOptions::exact) |
//!
//! Recall is measured when an index is built, on rows of the index, for the 1, 10, 100 and 1000 nearest; it is an average over queries. For
//! queries of another kind than the rows, [`calibrate`](Packed::calibrate) with some of them. A filter that forbids what is near a query
//! keeps its recall as a set of rows ([`Packed::row_set`]): a closure is asked only where a search goes. Euclidean distances below
//! 10⁻²⁰ lose their order, in exact searches too, as their squares are too small for `f32`: scale such vectors up.
//!
//! # A tour
//!
//! * [`Packed::build`] and [`Forest::build`] take vectors side by side; ids are row numbers. [`forest::Items`] collect vectors by ids
//!   of the caller's choice, in memory or in other [`forest::Storage`]. [`forest::AnyForest`] is for programs that learn the metric at
//!   run time.
//! * `open` takes bytes that were written before, without copying them; `verify` reads them all. [`include_packed!`] makes a file part
//!   of the program, and [`packed::PackedBuf::copy_of`] copies bytes that lie where they do not suit.
//! * `search` asks once; `search_in` asks in memory that the caller keeps ([`PackedScratch`], [`ForestScratch`]), and allocates nothing
//!   after the first; `search_many` asks for many; `search_many_with` and `build_with` run on threads that the caller brings
//!   ([`Join`]), can be cancelled ([`Cancel`]) and tell how far they are ([`Progress`]).
//! * A `Search` says how many answers, how hard to look, which ids are allowed ([`Filter`]), or that the answer is to be exact.
//! * [`KnnGraph::build`] finds the neighbours of every vector, far faster than asking for each.
//! * [`metric`] has the five metrics, [`simd`] the kernels, one folder an instruction set.
//!
//! No input makes the crate panic or read out of bounds: a caller's mistake and a damaged file are error values.

// A panic that data can reach is a bug. Here and not in the workspace's lints, for those would forbid it to tests as well.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
#![no_std]

#[cfg(target_endian = "big")]
compile_error!("the file formats are little-endian, and searched where they lie: big-endian targets are not supported");

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod error;
mod filter;
pub mod forest;
pub mod metric;
pub mod packed;
mod parallel;
mod progress;
mod rng;
pub mod simd;
mod top_k;

pub use filter::{All, Filter, IdSet};
#[doc(inline)]
pub use forest::{Distance, Forest, ForestScratch};
#[doc(inline)]
pub use metric::{Angular, Dot, DotLegacy, Element, Euclidean, Hamming, Manhattan, Metric};
#[doc(inline)]
pub use packed::{KnnGraph, Packed, PackedScratch};
pub use parallel::{Join, Serial};
pub use progress::{Cancel, Progress};
pub use rng::Kiss64;
#[doc(inline)]
pub use simd::Backend;
pub use top_k::Neighbour;
