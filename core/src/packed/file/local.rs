//! Local codes as they lie in a file, at the end of the section of row codes: whole lines of codes for each row, then what each
//! has besides, number by number.

use core::ops::Range;

use super::sections::{LINE, Shape};
use crate::packed::quantise::lvq::{LocalRow, LocalSpace};

/// Numbers of a row besides its codes.
const NUMBERS: usize = 4;

/// Rows that are scored at once.
pub(crate) const GROUP: usize = 16;

/// The local codes of all rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalRows<'a> {
    pub(crate) space: LocalSpace<'a>,
    codes: &'a [[u8; LINE]],
    width: usize,
    /// See [`LocalRow`], each for all rows.
    along: &'a [f32],
    scale: &'a [f32],
    bias: &'a [f32],
    error: &'a [f32],
}

/// The same, to be written.
pub(crate) struct LocalRowsMut<'a> {
    pub(crate) codes: &'a mut [[u8; LINE]],
    pub(crate) numbers: [&'a mut [f32]; NUMBERS],
}

/// Lines of the local codes of a row.
pub(crate) const fn local_lines(dimensions: usize) -> usize {
    dimensions.div_ceil(LINE)
}

/// Bytes of the local codes of all rows; none where they are too many.
pub(super) fn local_bytes(shape: &Shape) -> Option<usize> {
    let of_row = local_lines(shape.dimensions) * LINE + NUMBERS * size_of::<f32>();
    shape.rows.checked_mul(of_row)
}

impl<'a> LocalRows<'a> {
    /// Those in the last bytes of the row codes; none in a file without.
    pub(super) fn of(shape: &Shape, space: &'a [f32], bytes: &'a [u8]) -> Option<Self> {
        let Shape { dimensions, rows, has_local, .. } = *shape;
        let (direction, weights) = space.split_at_checked(dimensions).filter(|_| has_local)?;
        let width = local_lines(dimensions);
        let (codes, numbers) = bytes.split_at_checked(rows.checked_mul(width * LINE)?)?;
        let (codes, numbers) = (codes.as_chunks().0, bytemuck::cast_slice::<_, f32>(numbers));
        let mut each = numbers.chunks_exact(rows.max(1));
        let mut next = || each.next().unwrap_or(&[]);
        let [along, scale, bias, error] = [next(), next(), next(), next()];
        Some(Self { space: LocalSpace { direction, weights }, codes, width, along, scale, bias, error })
    }

    /// The codes of some rows that follow each other, and how many lines each has.
    #[inline]
    pub(crate) fn lines(&self, rows: Range<u32>) -> (&'a [[u8; LINE]], usize) {
        let [start, end] = [rows.start, rows.end].map(|row| (row as usize).saturating_mul(self.width));
        (self.codes.get(start..end).unwrap_or(&[]), self.width)
    }

    /// Along, scale, bias and error of sixteen rows that follow each other; none where there are not as many.
    #[inline]
    pub(crate) fn numbers(&self, first: u32) -> Option<[&'a [f32; GROUP]; NUMBERS]> {
        let numbers = |all: &'a [f32]| all.get(first as usize..)?.first_chunk();
        Some([numbers(self.along)?, numbers(self.scale)?, numbers(self.bias)?, numbers(self.error)?])
    }

    /// The same of the last rows, with zeros beyond them.
    #[cold]
    pub(crate) fn last_numbers(&self, first: u32) -> [[f32; GROUP]; NUMBERS] {
        [self.along, self.scale, self.bias, self.error].map(|all| {
            let mut group = [0.0; GROUP];
            let left = all.get(first as usize..).unwrap_or(&[]);
            group.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
            group
        })
    }

    /// What a row has besides its codes.
    pub(crate) fn row(&self, row: u32) -> LocalRow {
        let number = |all: &[f32]| all.get(row as usize).copied().unwrap_or(f32::NAN);
        let [along, scale, bias, error] = [self.along, self.scale, self.bias, self.error].map(number);
        LocalRow { along, scale, bias, error }
    }
}

impl<'a> LocalRowsMut<'a> {
    pub(super) fn of(shape: &Shape, bytes: &'a mut [u8]) -> Self {
        let (codes, numbers) = bytes.split_at_mut(shape.rows * local_lines(shape.dimensions) * LINE);
        let numbers: &mut [f32] = bytemuck::cast_slice_mut(numbers);
        let mut each = numbers.chunks_exact_mut(shape.rows.max(1));
        Self { codes: codes.as_chunks_mut().0, numbers: core::array::from_fn(|_| each.next().unwrap_or_default()) }
    }
}
