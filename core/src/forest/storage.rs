//! Where nodes are kept: in memory, or wherever the caller has room.

use alloc::vec::Vec;

use super::error::OutOfSpace;

/// Bytes that can be written, and whose number can change: what [`Items`](super::Items) collect vectors in and trees are added to.
///
/// [`NodeBuf`] keeps them in memory; the crate `ohyeah` has one that is a file. They must lie at an address divisible by 8.
///
/// ```
/// use ohyeah_core::forest::{NodeBuf, Storage};
///
/// let mut storage = NodeBuf::default();
/// storage.resize(3)?;
/// assert_eq!(storage.as_ref(), [0; 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Storage: AsRef<[u8]> + AsMut<[u8]> {
    /// Makes it so many bytes long. New bytes are zero.
    ///
    /// # Errors
    ///
    /// There is not enough memory or disk space; nothing has changed then.
    fn resize(&mut self, length: usize) -> Result<(), OutOfSpace>;

    /// Reserves space for so many bytes in all, to be used by later calls of [`resize`](Self::resize).
    ///
    /// # Errors
    ///
    /// There is not enough memory or disk space.
    fn reserve(&mut self, length: usize) -> Result<(), OutOfSpace>;
}

/// Nodes in memory.
///
/// ```
/// use ohyeah_core::forest::{BuildOptions, NodeBuf};
/// use ohyeah_core::{Euclidean, Forest};
///
/// let file = Forest::build(Euclidean, &[1.0, 2.0], 1, &BuildOptions::new())?.as_bytes().to_vec();
/// // Wherever the bytes of a file lie, the copy can be opened.
/// let forest = Forest::<Euclidean, _>::open(NodeBuf::copy_of(&file), 1)?;
/// assert_eq!(forest.vector(1), Some(&[2.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NodeBuf {
    /// The bytes, at an address that suits every element. Those beyond `length` are zero.
    words: Vec<u64>,
    length: usize,
}

const WORD: usize = size_of::<u64>();

impl NodeBuf {
    /// A copy of bytes, for those that do not lie at an address that [`Forest::open`](crate::Forest::open) can use.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self { words: alloc::vec![0; bytes.len().div_ceil(WORD)], length: bytes.len() };
        copy.as_mut().copy_from_slice(bytes);
        copy
    }
}

impl AsRef<[u8]> for NodeBuf {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

impl AsMut<[u8]> for NodeBuf {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }
}

impl Storage for NodeBuf {
    fn resize(&mut self, length: usize) -> Result<(), OutOfSpace> {
        let words = length.div_ceil(WORD);
        self.words.try_reserve(words.saturating_sub(self.words.len())).map_err(|_| OutOfSpace)?;
        if let Some(cut) = self.as_mut().get_mut(length..) {
            cut.fill(0);
        }
        self.words.resize(words, 0);
        self.length = length;
        Ok(())
    }

    fn reserve(&mut self, length: usize) -> Result<(), OutOfSpace> {
        let more = length.div_ceil(WORD).saturating_sub(self.words.len());
        self.words.try_reserve_exact(more).map_err(|_| OutOfSpace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_bytes_are_zero_whatever_was_there() {
        let mut buf = NodeBuf::copy_of(&[7; 21]);
        assert_eq!(buf.as_ref(), [7; 21]);
        for (length, kept) in [(24, 21), (11, 11), (30, 11), (0, 0), (9, 0)] {
            buf.resize(length).unwrap();
            assert_eq!(buf.as_ref().len(), length);
            assert!(buf.as_ref().iter().enumerate().all(|(at, byte)| *byte == if at < kept { 7 } else { 0 }));
        }
        assert_eq!(buf.resize(usize::MAX), Err(OutOfSpace));
        assert_eq!(buf.reserve(usize::MAX), Err(OutOfSpace));
        assert_eq!(buf.as_ref().len(), 9);
    }
}
