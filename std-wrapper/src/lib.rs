//! Files, memory maps and threads over `ohyeah-core`.
pub use ohyeah_core::*;
