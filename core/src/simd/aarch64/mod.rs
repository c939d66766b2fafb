//! Kernels for 64-bit Arm, and whether they may be used.

mod detect;
pub(super) mod neon;

pub(super) use detect::Neon;
