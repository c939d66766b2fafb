//! The definition of every kernel, one element at a time.
//!
//! The other files must give these values, to the bit: see the lane contract in [`super`]. Scalar is also what runs on
//! targets without vectors and under Miri.

use super::{BYTES, LANES, SCAN_ROWS, TILE_BYTES, TILE_ROWS, common_length, in_f64};

/// Sums `step` over 32 lanes: lane `j` takes elements `j`, `j + 32`, …, a short last block is padded with zeros, and the
/// lanes fold by halves.
///
/// `step(sum, x, y)` is the one thing in which kernels and rounding families differ, so the tests run this same code with
/// a fused step as the oracle of the fused backends.
pub(super) fn lane_sum(a: &[f32], b: &[f32], step: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        for (j, lane) in lanes.iter_mut().enumerate() {
            let x = a.get(j).copied().unwrap_or(0.0);
            let y = b.get(j).copied().unwrap_or(0.0);
            *lane = step(*lane, x, y);
        }
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for j in 0..width {
            lanes[j] += lanes[j + width];
        }
    }
    lanes[0]
}

fn each<const N: usize>(a: &[f32], rows: [&[f32]; N], step: fn(f32, f32, f32) -> f32) -> [f32; N] {
    let len = common_length(a, rows);
    rows.map(|row| lane_sum(&a[..len], &row[..len], step))
}

pub(super) fn dot<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    each(a, rows, |sum, x, y| sum + x * y)
}

pub(super) fn squared_l2<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    each(a, rows, |sum, x, y| sum + (x - y) * (x - y))
}

pub(super) fn squared_l2_rows(a: &[f32], rows: &[f32], sums: &mut [f32]) {
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(a.len())) {
        [*sum] = squared_l2(a, [row]);
    }
}

pub(super) fn dot_and_square_rows(a: &[f32], rows: &[f32], products: &mut [f32], squares: &mut [f32]) {
    for ((product, square), row) in products.iter_mut().zip(squares).zip(rows.chunks_exact(a.len())) {
        ([*product], [*square]) = (dot(a, [row]), dot(row, [row]));
    }
}

pub(super) fn l1<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    // `f32::abs` is in std before Rust 1.85 and in core since; it clears the sign bit.
    each(a, rows, |sum, x, y| sum + (x - y).abs())
}

pub(super) fn axpby(a: f32, x: &[f32], b: f32, y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = *y * b + a * x;
    }
}

pub(super) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::dot(a, b)
}

pub(super) fn squared_l2_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::squared_l2(a, b)
}

pub(super) fn dot_i8<const N: usize>(a: &[i16], rows: [&[i8]; N]) -> [i32; N] {
    let len = common_length(a, rows);
    let product = |(x, y): (&i16, &i8)| i32::from(*x) * i32::from(*y);
    rows.map(|row| a[..len].iter().zip(row).map(product).fold(0, i32::wrapping_add))
}

pub(super) fn dot_u7<const N: usize>(query: &[i8], rows: [&[u8]; N]) -> [i32; N] {
    let len = common_length(query, rows);
    let product = |(q, x): (&i8, &u8)| i32::from(*q) * i32::from(*x);
    rows.map(|row| query[..len].iter().zip(row).map(product).fold(0, i32::wrapping_add))
}

pub(super) fn dot_u7_lines(query: &[[i8; BYTES]], rows: &[[u8; BYTES]], width: usize, sums: &mut [i32]) {
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(width)) {
        [*sum] = dot_u7(query.as_flattened(), [row.as_flattened()]);
    }
}

pub(super) fn tile_u7(queries: &[i8], tile: &[[u8; TILE_BYTES]], sums: &mut [[i32; TILE_ROWS]]) {
    for (query, sums) in queries.chunks_exact(4 * tile.len()).zip(sums) {
        *sums = [0; TILE_ROWS];
        for (four, rows) in query.as_chunks::<4>().0.iter().zip(tile) {
            for (sum, row) in sums.iter_mut().zip(rows.as_chunks::<4>().0) {
                let products = four.iter().zip(row).map(|(q, x)| i32::from(*q) * i32::from(*x));
                *sum = sum.wrapping_add(products.sum());
            }
        }
    }
}

pub(super) fn scan_4bit(codes: &[[u8; SCAN_ROWS]], tables: &[[[u8; 16]; 2]], sums: &mut [[u16; SCAN_ROWS]]) {
    for (block, sums) in codes.chunks_exact(tables.len()).zip(sums) {
        *sums = [0; SCAN_ROWS];
        for (codes, [low, high]) in block.iter().zip(tables) {
            for (sum, code) in sums.iter_mut().zip(codes) {
                let entries = u16::from(low[usize::from(code & 15)]) + u16::from(high[usize::from(code >> 4)]);
                *sum = sum.wrapping_add(entries);
            }
        }
    }
}

pub(super) fn hamming(a: &[u64], b: &[u64]) -> u64 {
    a.iter().zip(b).map(|(x, y)| u64::from((x ^ y).count_ones())).sum()
}

pub(super) fn best_of_tile(
    steps: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    tile: u32,
    best: &mut [([f32; TILE_ROWS], [u32; TILE_ROWS])],
) {
    for ((step, sums), best) in steps.iter().zip(sums).zip(best) {
        let (mut scores, mut tile_of) = *best;
        for lane in 0..TILE_ROWS {
            let score = step * sums[lane] as f32 + biases[lane];
            let better = score > scores[lane];
            scores[lane] = if better { score } else { scores[lane] };
            tile_of[lane] = if better { tile } else { tile_of[lane] };
        }
        *best = (scores, tile_of);
    }
}

pub(super) fn lanes_above(
    steps: &[f32],
    limits: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    masks: &mut [u16],
) {
    for (((step, limit), sums), mask) in steps.iter().zip(limits).zip(sums).zip(masks) {
        *mask = 0;
        for lane in 0..TILE_ROWS {
            *mask |= u16::from(step * sums[lane] as f32 + biases[lane] > *limit) << lane;
        }
    }
}

pub(super) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    for (sums, mask) in sums.iter().zip(masks) {
        *mask = (0..SCAN_ROWS).fold(0, |mask, row| mask | u32::from(sums[row] >= limit) << row);
    }
}
