//! Kernels for x86-64, one folder an instruction set, and which of them may be used.

pub(super) mod avx2;
pub(super) mod avx512;
mod detect;

pub(super) use detect::{Avx2, Avx512};
