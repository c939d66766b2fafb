//! Approximate nearest neighbours without std: forests of random-projection trees in one static array of nodes, byte for
//! byte Annoy's file, and the SIMD kernels under them.
//!
//! ```
//! use ohyeah_core::forest::{BuildOptions, Search};
//! use ohyeah_core::{Angular, Forest};
//!
//! let vectors = [1.0, 0.0, 0.0, 0.9, 0.1, 0.0, 0.0, 0.0, 1.0];
//! let forest = Forest::build(Angular, &vectors, 3, &BuildOptions::new())?;
//!
//! let nearest = forest.search(&[1.0, 0.05, 0.0], &Search::top(2))?;
//! assert_eq!([nearest[0].id, nearest[1].id], [0, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A tour
//!
//! * [`Forest::build`] grows trees over vectors as [`forest::BuildOptions`] say. [`forest::Items`] collect vectors first, by
//!   ids of the caller's choice, in memory or in other [`forest::Storage`]. [`forest::AnyForest`] is for programs that learn the
//!   metric at run time.
//! * [`Forest::open`] makes a forest of bytes that were written before, by this crate or by Annoy, without copying them.
//! * [`Forest::search`] asks once; a [`forest::Searcher`] asks many times and allocates nothing after the first;
//!   [`Forest::search_many`] asks for many at a time, [`Forest::search_many_with`] on several threads where the caller brings
//!   them ([`Join`]).
//! * [`forest::Search`] says how many answers, how hard to look (`search_k`), which ids are allowed ([`Filter`]), or that the
//!   answer is to be exact.
//! * A sketch of the items ([`Forest::with_sketch`]) makes searches faster and changes no answer.
//! * [`Packed`] is another kind of index, many times faster ([`mod@packed`]); [`KnnGraph`] finds the neighbours of every vector at once,
//!   far faster than asking for each.
//! * [`metric`] has the five metrics, [`simd`] the kernels, one file an instruction set.
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
pub use forest::{Distance, Forest};
pub use metric::{Angular, Dot, DotLegacy, Element, Euclidean, Hamming, Manhattan, Metric};
pub use packed::{KnnGraph, Packed};
pub use parallel::{Join, Serial};
pub use progress::{Cancel, Progress};
pub use rng::Kiss64;
pub use simd::Backend;
pub use top_k::Neighbour;
