//! Scores made of sums, and which of them matter: the compiler makes vectors of the scalar code by itself.

use crate::simd::{SCAN_ROWS, TILE_ROWS, portable, scalar};

#[target_feature(enable = "neon")]
pub(in crate::simd) fn best_of_tile(
    steps: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    tile: u32,
    best: &mut [([f32; TILE_ROWS], [u32; TILE_ROWS])],
) {
    scalar::best_of_tile(steps, sums, biases, tile, best);
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn lanes_above(
    steps: &[f32],
    limits: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    masks: &mut [u16],
) {
    scalar::lanes_above(steps, limits, sums, biases, masks);
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    portable::rows_reaching(limit, sums, masks);
}
