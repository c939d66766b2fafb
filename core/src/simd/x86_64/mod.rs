//! Kernels for x86-64, one folder an instruction set.

pub(super) mod avx2;
pub(super) mod avx512;
