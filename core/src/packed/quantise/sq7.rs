//! Vectors in bytes: seven bits a number for what is kept, eight for what is compared with it.

use alloc::vec;
use alloc::vec::Vec;

use crate::simd::{TILE_BYTES, TILE_ROWS};

/// The largest code.
const MOST: f32 = 127.0;

/// What the codes of each dimension stand for: `offset + step · code`, codes from 0 to 127.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid<'a> {
    pub(crate) offset: &'a [f32],
    pub(crate) step: &'a [f32],
}

/// The offset and the step of a dimension with this range.
pub(crate) fn offset_and_step([low, high]: [f32; 2]) -> (f32, f32) {
    if low < high { (low, (high - low) / MOST) } else { (if low.is_finite() { low } else { 0.0 }, 0.0) }
}

impl Grid<'_> {
    /// The nearest codes.
    pub(crate) fn encode(self, row: &[f32], codes: &mut [u8]) {
        for (((code, x), offset), step) in codes.iter_mut().zip(row).zip(self.offset).zip(self.step) {
            // A cast makes 0 of what is no number: of 0 / 0, where there is no range.
            *code = ((x - offset) / step + 0.5).clamp(0.0, MOST) as u8;
        }
    }

    /// What the code of a dimension stands for.
    pub(crate) fn value(self, dimension: usize, code: u8) -> f32 {
        self.offset[dimension] + self.step[dimension] * f32::from(code)
    }
}

/// A vector to be compared with many that are kept: q·x ≈ q·offset + step · Σ code·x's code. What does not depend on x is left
/// out: it changes no order.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    /// Signed bytes, zeros at the end up to a multiple of four.
    pub(crate) codes: Vec<i8>,
    pub(crate) step: f32,
}

impl Probe {
    pub(crate) fn set(&mut self, vector: &[f32], grid: Grid<'_>) {
        self.codes.clear();
        self.codes.resize(vector.len().next_multiple_of(4), 0);
        self.step = encode_probe(vector, grid, &mut self.codes);
    }
}

/// Numbers below this are scaled up first.
const SMALL: f32 = 1.0 / (1_u128 << 96) as f32;

/// Writes the codes of a probe; returns its step.
pub(crate) fn encode_probe(vector: &[f32], grid: Grid<'_>, codes: &mut [i8]) -> f32 {
    let scaled = |(x, step): (&f32, &f32)| x * step;
    let most = vector.iter().zip(grid.step).map(scaled).fold(0.0_f32, |most, x| most.max(x.abs()));
    // What is divided by must not be so small that the quotient overflows.
    let scale = if most < SMALL { 1.0 / SMALL } else { 1.0 };
    let unit = if most > 0.0 { MOST / (most * scale) } else { 0.0 };
    for (code, pair) in codes.iter_mut().zip(vector.iter().zip(grid.step)) {
        let x = scaled(pair) * scale * unit;
        *code = (x + 0.5_f32.copysign(x)) as i8;
    }
    most / MOST
}

/// Registers of a tile of vectors of so many dimensions.
pub(crate) const fn tile_width(dimensions: usize) -> usize {
    dimensions.div_ceil(4)
}

/// Puts a row of codes into a tile.
pub(crate) fn put(tile: &mut [[u8; TILE_BYTES]], row: usize, codes: &[u8]) {
    let (fours, rest) = codes.as_chunks::<4>();
    for (to, four) in tile.iter_mut().zip(fours) {
        to.as_chunks_mut::<4>().0[row] = *four;
    }
    if let Some(to) = tile.get_mut(fours.len()) {
        to[4 * row..4 * row + rest.len()].copy_from_slice(rest);
    }
}

/// The code of one number of a row in a tile.
pub(crate) fn code_in(tile: &[[u8; TILE_BYTES]], row: usize, dimension: usize) -> u8 {
    tile[dimension / 4][4 * row + dimension % 4]
}

/// Tiles of nothing for so many rows.
pub(crate) fn tiles(rows: usize, dimensions: usize) -> Vec<[u8; TILE_BYTES]> {
    vec![[0; TILE_BYTES]; rows.div_ceil(TILE_ROWS) * tile_width(dimensions)]
}
