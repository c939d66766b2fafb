//! Scores made of sums, and which of them matter.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use super::bytes::{load_raw, store_sums};
use crate::simd::{SCAN_ROWS, TILE_ROWS};

#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn best_of_tile(
    steps: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    tile: u32,
    best: &mut [([f32; TILE_ROWS], [u32; TILE_ROWS])],
) {
    let floats = |lanes: &[f32; TILE_ROWS]| _mm512_castsi512_ps(load_raw::<u8>(bytemuck::cast_ref(lanes)));
    let (biases, tile) = (floats(biases), _mm512_set1_epi32(tile.cast_signed()));
    for ((step, sums), (best, tile_of)) in steps.iter().zip(sums).zip(best) {
        let sums = load_raw::<u8>(bytemuck::cast_ref(sums));
        let scores = _mm512_add_ps(_mm512_mul_ps(_mm512_set1_ps(*step), _mm512_cvtepi32_ps(sums)), biases);
        let (before, tiles) = (floats(best), load_raw::<u8>(bytemuck::cast_ref(tile_of)));
        let better = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(scores, before);
        let scores = _mm512_castps_si512(_mm512_mask_mov_ps(before, better, scores));
        store_sums(bytemuck::cast_mut(best), scores);
        store_sums(bytemuck::cast_mut(tile_of), _mm512_mask_mov_epi32(tiles, better, tile));
    }
}

#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn lanes_above(
    steps: &[f32],
    limits: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    masks: &mut [u16],
) {
    let biases = _mm512_castsi512_ps(load_raw::<u8>(bytemuck::cast_ref(biases)));
    for (((step, limit), sums), mask) in steps.iter().zip(limits).zip(sums).zip(masks) {
        let sums = _mm512_cvtepi32_ps(load_raw::<u8>(bytemuck::cast_ref(sums)));
        let scores = _mm512_add_ps(_mm512_mul_ps(_mm512_set1_ps(*step), sums), biases);
        *mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(scores, _mm512_set1_ps(*limit));
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
pub(in crate::simd) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    let limit = _mm512_set1_epi16(limit.cast_signed());
    for (sums, mask) in sums.iter().zip(masks) {
        *mask = _mm512_cmpge_epu16_mask(load_raw::<u8>(bytemuck::cast_ref(sums)), limit);
    }
}
