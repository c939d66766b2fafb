//! Files, memory maps and threads over `ohyeah-core`.
mod atomic;
pub use atomic::AtomicFile;
pub use ohyeah_core::*;
