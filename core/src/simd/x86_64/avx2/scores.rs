//! Scores made of sums, and which of them matter.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::{SCAN_ROWS, TILE_ROWS};

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn best_of_tile(
    steps: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    tile: u32,
    best: &mut [([f32; TILE_ROWS], [u32; TILE_ROWS])],
) {
    let tile = _mm256_set1_epi32(tile.cast_signed());
    for ((step, sums), (best, tile_of)) in steps.iter().zip(sums).zip(best) {
        let step = _mm256_set1_ps(*step);
        let halves = sums.as_chunks::<8>().0.iter().zip(biases.as_chunks::<8>().0);
        let to = best.as_chunks_mut::<8>().0.iter_mut().zip(tile_of.as_chunks_mut::<8>().0);
        for ((sums, biases), (best, tile_of)) in halves.zip(to) {
            let products = _mm256_mul_ps(step, _mm256_cvtepi32_ps(bytemuck::cast(*sums)));
            let (scores, before) = (_mm256_add_ps(products, bytemuck::cast(*biases)), bytemuck::cast(*best));
            let better = _mm256_cmp_ps::<_CMP_GT_OQ>(scores, before);
            *best = bytemuck::cast(_mm256_blendv_ps(before, scores, better));
            let tiles = _mm256_blendv_epi8(bytemuck::cast(*tile_of), tile, _mm256_castps_si256(better));
            *tile_of = bytemuck::cast(tiles);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn lanes_above(
    steps: &[f32],
    limits: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    masks: &mut [u16],
) {
    for (((step, limit), sums), mask) in steps.iter().zip(limits).zip(sums).zip(masks) {
        let (step, limit) = (_mm256_set1_ps(*step), _mm256_set1_ps(*limit));
        *mask = 0;
        let halves = sums.as_chunks::<8>().0.iter().zip(biases.as_chunks::<8>().0);
        for (half, (sums, biases)) in halves.enumerate() {
            let products = _mm256_mul_ps(step, _mm256_cvtepi32_ps(bytemuck::cast(*sums)));
            let scores = _mm256_add_ps(products, bytemuck::cast(*biases));
            let above = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(scores, limit));
            *mask |= (above << (8 * half)) as u16;
        }
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    let limit = _mm256_set1_epi16(limit.cast_signed());
    let reaching = |sums: [u16; SCAN_ROWS / 2]| {
        let sums = bytemuck::cast(sums);
        _mm256_cmpeq_epi16(_mm256_max_epu16(sums, limit), sums)
    };
    for ([low, high], mask) in sums.iter().map(bytemuck::cast_ref::<_, [[u16; SCAN_ROWS / 2]; 2]>).zip(masks) {
        // Packing works in each half of a register by itself: rows 0–7, 16–23, 8–15 and 24–31.
        let bytes = _mm256_packs_epi16(reaching(*low), reaching(*high));
        *mask = _mm256_movemask_epi8(_mm256_permute4x64_epi64::<0b11_01_10_00>(bytes)).cast_unsigned();
    }
}
