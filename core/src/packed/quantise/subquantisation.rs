//! How vectors are cut into the pieces that have a 4-bit code each, and the codewords of each piece.

use core::slice::ChunksExact;

/// Codewords of a subquantiser.
pub(crate) const KSUB: usize = 16;

/// How many subquantisers there are at most: a row's sum of so many entries of a look-up table, of six bits each, fits 16 bits.
const MOST: usize = 1024;

/// How vectors are cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subquantisation {
    /// Subquantisers, one for each piece: an even number, as two codes share a byte. The last pieces may go beyond the vector,
    /// which has zeros there.
    pub(crate) count: usize,
    /// Dimensions of a piece.
    pub(crate) dsub: usize,
}

impl Subquantisation {
    /// That of version 1 of the file, for at most 2048 dimensions.
    pub(crate) const fn in_pairs(dimensions: usize) -> Self {
        Self::in_pieces(dimensions, 2)
    }

    /// That of version 2.
    pub(crate) fn of(dimensions: usize) -> Self {
        let usual = if dimensions < FROM_3 { 2 } else { 3 };
        Self::in_pieces(dimensions, usual.max(dimensions.div_ceil(MOST)))
    }

    const fn in_pieces(dimensions: usize, dsub: usize) -> Self {
        Self { count: dimensions.div_ceil(dsub).next_multiple_of(2), dsub }
    }

    /// Numbers of all pieces together.
    pub(crate) const fn width(self) -> usize {
        self.count * self.dsub
    }
}

/// From how many dimensions on a piece has three. Numbers of so many dimensions depend on each other, and a third fewer bytes are
/// scanned for the same recall. (With four, nearly as many queries a second are answered at recall .95, but at .99 far fewer for some
/// vectors: what the codes miss is then so much that it pays to compare all vectors. Measured with 256 to 3072 dimensions, 20,000 to
/// 40,000 vectors of rank 100 to 300 and noise.)
const FROM_3: usize = 256;

/// The sixteen codewords of each subquantiser: of each dimension of each piece the numbers of the sixteen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codebooks<'a> {
    pub(crate) pieces: Subquantisation,
    pub(crate) numbers: &'a [[f32; KSUB]],
}

impl<'a> Codebooks<'a> {
    /// How many there are.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.pieces.count
    }

    /// Those of each subquantiser.
    pub(crate) fn iter(&self) -> ChunksExact<'a, [f32; KSUB]> {
        self.numbers.chunks_exact(self.pieces.dsub)
    }
}

/// Dimensions of a piece, as a type where the compiler should know them ([`Known`]): loops over two or three numbers would
/// otherwise cost more than what they do.
pub(crate) trait Dsub: Copy {
    fn get(self) -> usize;
}

#[derive(Clone, Copy)]
pub(crate) struct Known<const DSUB: usize>;

impl<const DSUB: usize> Dsub for Known<DSUB> {
    #[inline]
    fn get(self) -> usize {
        DSUB
    }
}

impl Dsub for usize {
    #[inline]
    fn get(self) -> usize {
        self
    }
}

/// Evaluates an expression once for each of the usual numbers of dimensions of a piece, and once for all others.
macro_rules! with_dsub {
    ($number:expr, |$dsub:ident| $body:expr) => {
        match $number {
            2 => {
                let $dsub = $crate::packed::quantise::subquantisation::Known::<2>;
                $body
            }
            3 => {
                let $dsub = $crate::packed::quantise::subquantisation::Known::<3>;
                $body
            }
            4 => {
                let $dsub = $crate::packed::quantise::subquantisation::Known::<4>;
                $body
            }
            $dsub => $body,
        }
    };
}
pub(crate) use with_dsub;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_dimensions_and_are_few() {
        for dimensions in 1..=usize::from(u16::MAX) {
            let pieces = Subquantisation::of(dimensions);
            assert!(pieces.width() >= dimensions && pieces.count.is_multiple_of(2), "{dimensions}");
            assert!(pieces.count <= MOST && pieces.width() < dimensions + 2 * pieces.dsub, "{dimensions}");
        }
        let dsubs =
            [1, 100, 255, 256, 3072, 3073, 4096, 4097, 65535].map(|dimensions| Subquantisation::of(dimensions).dsub);
        assert_eq!(dsubs, [2, 2, 2, 3, 3, 4, 4, 5, 64]);
    }
}
