//! Approximate nearest neighbours: Annoy's forests in Rust.
//!
//! The whole of [`ohyeah_core`] and what needs an operating system: index files read or mapped into memory ([`read_packed`], [`map_packed`]), files that
//! are saved whole or not at all ([`save`],
//! [`AtomicFile`]) or built in where memory is too small ([`BuildFile`]), several threads ([`ParBuild`], [`ParBuildItems`],
//! [`ParSearch`]).
//!
//! ```
//! use ohyeah::forest::{BuildOptions, Search};
//! use ohyeah::{Angular, Forest, ParBuild};
//!
//! let vectors = [1.0, 0.0, 0.0, 0.9, 0.1, 0.0, 0.0, 0.0, 1.0];
//! let forest = Forest::par_build(Angular, &vectors, 3, &BuildOptions::new())?;
//! assert_eq!(forest.search(&[0.0, 0.1, 0.9], &Search::top(1))?[0].id, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// A panic that data can reach is a bug. Here and not in the workspace's lints, for those would forbid it to tests as well.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod atomic;
mod backend;
mod build_file;
mod files;
mod map;
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
