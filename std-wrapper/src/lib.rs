//! Nearest neighbours: ask for recall and get it, from one file, in microseconds.
//!
//! The whole of [`ohyeah_core`], where a table says which index is for what, and what needs an operating system: index files
//! read or mapped into memory ([`read_packed`], [`map_packed`]), files that are saved whole or not at all ([`save`], [`AtomicFile`])
//! or built in where memory is too small ([`BuildFile`]), several threads ([`ParBuild`], [`ParSearch`]).
//!
//! ```
//! use ohyeah::packed::{BuildOptions, Search};
//! use ohyeah::{Euclidean, Packed, ParBuild, ParSearch};
//!
//! let vectors: Vec<f32> = (0..3000).map(|x| (x as f32).sin()).collect(); // 1,000 of 3 dimensions
//! let index = Packed::par_build(Euclidean, &vectors, 3, &BuildOptions::new())?;
//! let nearest = index.search(&vectors[30..33], &Search::top(5).recall(0.99))?;
//! assert_eq!(nearest[0].id, 10);
//!
//! let queries: Vec<&[f32]> = vectors.chunks(3).collect();
//! assert_eq!(index.par_search_many(&queries, &Search::top(5))?.len(), 1000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// A panic that data can reach is a bug. Here and not in the workspace's lints, for those would forbid it to tests as well.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod atomic;
mod backend;
mod build_file;
mod files;
mod map;
mod target;
mod temporary;
mod threads;

pub use atomic::AtomicFile;
pub use backend::{BACKEND_VARIABLE, UnavailableBackend, backend};
pub use build_file::{BuildFile, CommitError};
pub use files::{
    FileError, IndexFile, map_any_forest, map_forest, map_packed, read_any_forest, read_forest, read_packed, save,
};
pub use map::MappedFile;
pub use ohyeah_core::*;
pub use threads::{ParBuild, ParBuildItems, ParSearch, Rayon};
