//! Scalar quantisation: seven bits a number for rows, eight with a sign for queries, so that products of bytes never saturate.

use alloc::vec;
use alloc::vec::Vec;

use crate::Metric;
use crate::simd::in_f64::dot;
use crate::simd::{TILE_BYTES, TILE_ROWS};

/// The largest code of a row, and the greatest of a query.
pub(crate) const MOST_CODE: f32 = 127.0;

/// What the codes of each dimension stand for: `offset + step · code`, codes from 0 to 127.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScalarQuantiser<'a> {
    pub(crate) offset: &'a [f32],
    pub(crate) step: &'a [f32],
}

/// The offset and the step of a dimension with this range.
pub(crate) fn offset_and_step([low, high]: [f32; 2]) -> (f32, f32) {
    if low < high { (low, (high - low) / MOST_CODE) } else { (if low.is_finite() { low } else { 0.0 }, 0.0) }
}

impl ScalarQuantiser<'_> {
    /// The nearest codes.
    pub(crate) fn encode(self, row: &[f32], codes: &mut [u8]) {
        for (((code, x), offset), step) in codes.iter_mut().zip(row).zip(self.offset).zip(self.step) {
            // A cast makes 0 of what is no number: of 0 / 0, where there is no range.
            *code = ((x - offset) / step + 0.5).clamp(0.0, MOST_CODE) as u8;
        }
    }

    /// What the code of a dimension stands for.
    pub(crate) fn value(self, dimension: usize, code: u8) -> f32 {
        self.offset[dimension] + self.step[dimension] * f32::from(code)
    }
}

/// Writes the codes of a row of the index space and, at the end of a row of a file, its bias: −‖x‖²/2 for euclidean.
pub(crate) fn encode_row(metric: Metric, quantiser: ScalarQuantiser<'_>, row: &[f32], to: &mut [u8]) {
    quantiser.encode(row, to);
    if metric == Metric::Euclidean
        && let Some(bias) = to.last_chunk_mut()
    {
        *bias = ((-0.5 * dot(row, row)) as f32).to_le_bytes();
    }
}

/// The bias at the end of a row of codes.
#[inline]
pub(crate) fn row_bias(row: &[u8]) -> f32 {
    row.last_chunk().map_or(f32::NEG_INFINITY, |bias| f32::from_le_bytes(*bias))
}

/// A vector to be compared with many that are kept: q·x ≈ q·offset + step · Σ code·x's code. What does not depend on x is left
/// out: it changes no order.
#[derive(Debug, Default)]
pub(crate) struct QuantisedQuery {
    /// Signed bytes, zeros at the end up to a multiple of four.
    pub(crate) codes: Vec<i8>,
    pub(crate) step: f32,
}

impl QuantisedQuery {
    pub(crate) fn set(&mut self, vector: &[f32], quantiser: ScalarQuantiser<'_>) {
        self.codes.clear();
        self.codes.resize(vector.len().next_multiple_of(4), 0);
        self.step = encode_query(vector, quantiser.step, &mut self.codes);
    }
}

/// Numbers below this are scaled up first.
const SMALL: f32 = 1.0 / (1_u128 << 96) as f32;

/// Writes the codes of a query's products with the steps of rows; returns the step of its codes.
pub(crate) fn encode_query(vector: &[f32], steps: &[f32], codes: &mut [i8]) -> f32 {
    let scaled = |(x, step): (&f32, &f32)| x * step;
    let most = vector.iter().zip(steps).map(scaled).fold(0.0_f32, |most, x| most.max(x.abs()));
    // What is divided by must not be so small that the quotient overflows.
    let scale = if most < SMALL { 1.0 / SMALL } else { 1.0 };
    let unit = if most > 0.0 { MOST_CODE / (most * scale) } else { 0.0 };
    for (code, pair) in codes.iter_mut().zip(vector.iter().zip(steps)) {
        let x = scaled(pair) * scale * unit;
        *code = (x + 0.5_f32.copysign(x)) as i8;
    }
    most / MOST_CODE
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes stand for what is at most half a step away, and products of codes are those of what codes stand for.
    #[test]
    fn codes_stand_for_the_nearest_steps() {
        let (ranges, d) =
            ([[-1.0, 1.0], [0.0, 10.0], [5.0, 5.0], [-1e-3, 2e-3], [f32::INFINITY, f32::NEG_INFINITY]], 5);
        let (offset, step): (Vec<f32>, Vec<f32>) = ranges.into_iter().map(offset_and_step).unzip();
        let quantiser = ScalarQuantiser { offset: &offset, step: &step };
        let row = [0.3, 7.77, 5.0, 1e-3, 0.0];
        let mut codes = vec![0; d];
        quantiser.encode(&row, &mut codes);
        for (j, (x, code)) in row.iter().zip(&codes).enumerate() {
            assert!((quantiser.value(j, *code) - x).abs() <= 0.501 * step[j], "{j}");
        }
        let query = [0.5, -0.25, 3.0, 100.0, 1.0];
        let mut quantised = QuantisedQuery::default();
        quantised.set(&query, quantiser);
        let sum: i32 = codes.iter().zip(&quantised.codes).map(|(u, s)| i32::from(*u) * i32::from(*s)).sum();
        let exact: f64 = (0..d).map(|j| f64::from(query[j]) * f64::from(step[j]) * f64::from(codes[j])).sum();
        // Each of the query's codes is rounded by half a step, times a code of at most 127.
        let error = (f64::from(sum) * f64::from(quantised.step) - exact).abs();
        assert!(error <= 0.5 * f64::from(quantised.step) * 127.0 * d as f64, "{error}");
        assert_eq!(quantised.codes.len(), 8);
    }

    #[test]
    fn a_tile_gives_back_the_codes() {
        let (rows, d) = (21, 7);
        let mut all = tiles(rows, d);
        let code = |row: usize, j: usize| (row * 31 + j * 7) as u8 % 128;
        for row in 0..rows {
            let codes: Vec<u8> = (0..d).map(|j| code(row, j)).collect();
            put(&mut all[row / TILE_ROWS * tile_width(d)..][..tile_width(d)], row % TILE_ROWS, &codes);
        }
        for row in 0..rows {
            let tile = &all[row / TILE_ROWS * tile_width(d)..][..tile_width(d)];
            assert!((0..d).all(|j| code_in(tile, row % TILE_ROWS, j) == code(row, j)), "{row}");
        }
    }
}
