//! Kernels for 64-bit Arm.

pub(super) mod neon;
