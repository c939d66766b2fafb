//! Word vectors.

mod dot;
mod format;
mod query;
mod read;
mod spelling;
mod vectors;
mod vocabulary;
mod write;

pub use format::Format;
pub use query::{Neighbour, OddOneOut, Query, QueryError, Resolved, exact};
pub use read::{Dimensions, Foreign, Loaded, Place, Progress, ReadError, ReadErrorKind, Reader, Warnings};
pub use vectors::{PartsError, WordVectors};
pub use write::{WriteError, Writer};
