//! Bytes in memory that begin at a cache line.

use alloc::vec::Vec;
use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::error::PackedError;

/// A cache line.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// The bytes of a packed index in memory.
#[derive(Clone)]
pub struct PackedBuf {
    lines: Vec<Line>,
    length: usize,
}

impl PackedBuf {
    pub(crate) fn zeroed(length: usize) -> Result<Self, PackedError> {
        let mut lines = Vec::new();
        let count = length.div_ceil(size_of::<Line>());
        lines.try_reserve_exact(count).map_err(|_| PackedError::OutOfMemory)?;
        lines.resize(count, Line::zeroed());
        Ok(Self { lines, length })
    }
}

impl AsRef<[u8]> for PackedBuf {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.length]
    }
}

impl AsMut<[u8]> for PackedBuf {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.length]
    }
}

impl fmt::Debug for PackedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedBuf").field("length", &self.length).finish_non_exhaustive()
    }
}
