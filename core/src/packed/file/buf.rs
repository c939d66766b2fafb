//! Bytes in memory that begin at a cache line.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::fmt;

use bytemuck::{Pod, Zeroable};

/// A cache line.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// The bytes of a packed index in memory, at an address that suits it wherever the value itself is moved.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, PackedBuf};
/// use ohyeah_core::{Metric, Packed};
///
/// let index = Packed::build(Metric::Dot, &[1.0, 2.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// // Bytes that lie anywhere, as those of `include_bytes!` do.
/// let bytes = [&[0], index.as_bytes()].concat();
/// let copy = Packed::open(PackedBuf::copy_of(&bytes[1..]))?;
/// assert_eq!(copy.vector(1), Some(&[3.0, 4.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PackedBuf {
    lines: Vec<Line>,
    length: usize,
}

impl PackedBuf {
    /// A copy of bytes that may lie anywhere.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy =
            Self { lines: alloc::vec![Line::zeroed(); bytes.len().div_ceil(size_of::<Line>())], length: bytes.len() };
        copy.as_mut().copy_from_slice(bytes);
        copy
    }

    /// So many zeros, to be read into.
    ///
    /// # Errors
    ///
    /// There is no such memory.
    pub fn zeroed(length: usize) -> Result<Self, TryReserveError> {
        let mut lines = Vec::new();
        let count = length.div_ceil(size_of::<Line>());
        lines.try_reserve_exact(count)?;
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
