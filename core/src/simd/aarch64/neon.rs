//! NEON: the 32 lanes are eight registers of four.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::aarch64::*;

use crate::simd::{LANES, SCAN_ROWS, TILE_BYTES, TILE_ROWS, common_length, in_f64, portable, scalar};

const WIDTH: usize = 4;

/// Loads four elements at `at`, zeros beyond the end of `from`.
#[target_feature(enable = "neon")]
#[inline]
fn load_tail(from: &[f32], at: usize) -> float32x4_t {
    let mut four = [0.0; WIDTH];
    for (to, from) in four.iter_mut().zip(from.get(at..).unwrap_or(&[])) {
        *to = *from;
    }
    load(&four)
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load(from: &[f32; WIDTH]) -> float32x4_t {
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_f32(from.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load_words(from: &[u64; 2]) -> uint64x2_t {
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_u64(from.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
fn fold(l: [float32x4_t; 8]) -> f32 {
    let sixteen = [vaddq_f32(l[0], l[4]), vaddq_f32(l[1], l[5]), vaddq_f32(l[2], l[6]), vaddq_f32(l[3], l[7])];
    let four = vaddq_f32(vaddq_f32(sixteen[0], sixteen[2]), vaddq_f32(sixteen[1], sixteen[3]));
    let two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
}

/// The lane contract over `N` rows. Eight registers a row leave no room for several rows at a time, so they go one by
/// one; the eight chains of one row already keep the multipliers busy.
#[target_feature(enable = "neon")]
#[inline]
fn lane_sum<const N: usize>(
    a: &[f32],
    rows: [&[f32]; N],
    step: impl Fn(float32x4_t, float32x4_t, float32x4_t) -> float32x4_t,
) -> [f32; N] {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<LANES>();
    let mut folded = [0.0; N];
    for (to, row) in folded.iter_mut().zip(rows) {
        let (row_blocks, row_tail) = row[..len].as_chunks::<LANES>();
        let mut sums = [vdupq_n_f32(0.0); LANES / WIDTH];
        for (x, y) in blocks.iter().zip(row_blocks) {
            let lanes = x.as_chunks::<WIDTH>().0.iter().zip(y.as_chunks::<WIDTH>().0);
            for (sum, (x, y)) in sums.iter_mut().zip(lanes) {
                *sum = step(*sum, load(x), load(y));
            }
        }
        if !tail.is_empty() {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum = step(*sum, load_tail(tail, lane * WIDTH), load_tail(row_tail, lane * WIDTH));
            }
        }
        *to = fold(sums);
    }
    folded
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| vfmaq_f32(sum, x, y))
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn squared_l2<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| {
        let d = vsubq_f32(x, y);
        vfmaq_f32(sum, d, d)
    })
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn l1<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| vaddq_f32(sum, vabdq_f32(x, y)))
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn store(to: &mut [f32; WIDTH], four: float32x4_t) {
    // SAFETY: the reference covers the 16 bytes written; `vst1q` asks for no more than the alignment of an element.
    unsafe { vst1q_f32(to.as_mut_ptr(), four) }
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn axpby(a: f32, x: &[f32], b: f32, y: &mut [f32]) {
    let len = x.len().min(y.len());
    let (blocks, tail) = x[..len].as_chunks::<WIDTH>();
    let (y_blocks, y_tail) = y[..len].as_chunks_mut::<WIDTH>();
    let step = |x: float32x4_t, y: float32x4_t| vfmaq_n_f32(vmulq_n_f32(y, b), x, a);
    for (x, y) in blocks.iter().zip(y_blocks) {
        let four = step(load(x), load(y));
        store(y, four);
    }
    let mut last = [0.0; WIDTH];
    store(&mut last, step(load_tail(tail, 0), load_tail(y_tail, 0)));
    y_tail.copy_from_slice(&last[..y_tail.len()]);
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load_bytes(from: &[i8; 8]) -> int16x8_t {
    // SAFETY: the reference covers the 8 bytes read; `vld1` asks for no more than the alignment of an element.
    vmovl_s8(unsafe { vld1_s8(from.as_ptr()) })
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load_shorts(from: &[i16; 8]) -> int16x8_t {
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_s16(from.as_ptr()) }
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_i8<const N: usize>(a: &[i16], rows: [&[i8]; N]) -> [i32; N] {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<8>();
    let row_blocks = rows.map(|row| row[..len].as_chunks::<8>());
    let mut sums = [[vdupq_n_s32(0); 2]; N];
    for (i, block) in blocks.iter().enumerate() {
        let x = load_shorts(block);
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            let y = load_bytes(&row.0[i]);
            sum[0] = vmlal_s16(sum[0], vget_low_s16(x), vget_low_s16(y));
            sum[1] = vmlal_s16(sum[1], vget_high_s16(x), vget_high_s16(y));
        }
    }
    let mut products = scalar::dot_i8(tail, row_blocks.map(|(_, tail)| tail));
    for (product, sum) in products.iter_mut().zip(&sums) {
        *product = product.wrapping_add(vaddvq_s32(vaddq_s32(sum[0], sum[1])));
    }
    products
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load_raw<T: bytemuck::Pod>(from: &[T; 16]) -> int8x16_t {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_s8(from.as_ptr().cast()) }
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn store_sums(to: &mut [i32; 4], four: int32x4_t) {
    // SAFETY: the reference covers the 16 bytes written; `vst1q` asks for no more than the alignment of an element.
    unsafe { vst1q_s32(to.as_mut_ptr(), four) }
}

/// Products of bytes, added four at a time. 7-bit numbers are signed bytes as well.
#[target_feature(enable = "neon")]
#[inline]
fn products(x: int8x16_t, y: int8x16_t) -> int32x4_t {
    let low = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    let high = vpaddlq_s16(vmull_s8(vget_high_s8(x), vget_high_s8(y)));
    vpaddq_s32(low, high)
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_u7<const N: usize>(query: &[i8], rows: [&[u8]; N]) -> [i32; N] {
    let len = common_length(query, rows);
    let (blocks, tail) = query[..len].as_chunks::<16>();
    let row_blocks = rows.map(|row| row[..len].as_chunks::<16>());
    let mut sums = [vdupq_n_s32(0); N];
    for (i, block) in blocks.iter().enumerate() {
        let q = load_raw(block);
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            *sum = vaddq_s32(*sum, products(q, load_raw(&row.0[i])));
        }
    }
    let mut products = scalar::dot_u7(tail, row_blocks.map(|(_, tail)| tail));
    for (product, sum) in products.iter_mut().zip(&sums) {
        *product = product.wrapping_add(vaddvq_s32(*sum));
    }
    products
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn tile_u7(queries: &[i8], tile: &[[u8; TILE_BYTES]], sums: &mut [[i32; TILE_ROWS]]) {
    let (fours, _) = queries.as_chunks::<4>();
    for (query, sums) in fours.chunks_exact(tile.len()).zip(sums) {
        let mut lanes = [vdupq_n_s32(0); 4];
        for (four, rows) in query.iter().zip(tile) {
            let q = vreinterpretq_s8_s32(vdupq_n_s32(i32::from_ne_bytes(four.map(i8::cast_unsigned))));
            for (lanes, rows) in lanes.iter_mut().zip(rows.as_chunks::<16>().0) {
                *lanes = vaddq_s32(*lanes, products(q, load_raw(rows)));
            }
        }
        for (to, lanes) in sums.as_chunks_mut::<4>().0.iter_mut().zip(lanes) {
            store_sums(to, lanes);
        }
    }
}

/// Bytes hold the sum of four entries of at most 63, which are then added to 16-bit sums.
#[target_feature(enable = "neon")]
pub(in crate::simd) fn scan_4bit(codes: &[[u8; SCAN_ROWS]], tables: &[[[u8; 16]; 2]], sums: &mut [[u16; SCAN_ROWS]]) {
    for (block, sums) in codes.chunks_exact(tables.len()).zip(sums) {
        let mut totals = [vdupq_n_u16(0); 4];
        for (codes, tables) in block.chunks(2).zip(tables.chunks(2)) {
            let mut entries = [vdupq_n_u8(0); 2];
            for (codes, [low, high]) in codes.iter().zip(tables) {
                let tables = [load_unsigned(low), load_unsigned(high)];
                for (entries, codes) in entries.iter_mut().zip(codes.as_chunks::<16>().0) {
                    let codes = load_unsigned(codes);
                    let lows = vqtbl1q_u8(tables[0], vandq_u8(codes, vdupq_n_u8(15)));
                    let highs = vqtbl1q_u8(tables[1], vshrq_n_u8::<4>(codes));
                    *entries = vaddq_u8(*entries, vaddq_u8(lows, highs));
                }
            }
            for (totals, entries) in totals.as_chunks_mut::<2>().0.iter_mut().zip(entries) {
                totals[0] = vaddw_u8(totals[0], vget_low_u8(entries));
                totals[1] = vaddw_u8(totals[1], vget_high_u8(entries));
            }
        }
        for (to, total) in sums.as_chunks_mut::<8>().0.iter_mut().zip(totals) {
            store_unsigned(to, total);
        }
    }
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load_unsigned(from: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_u8(from.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn store_unsigned(to: &mut [u16; 8], from: uint16x8_t) {
    // SAFETY: the reference covers the 16 bytes written; `vst1q` asks for no more than the alignment of an element.
    unsafe { vst1q_u16(to.as_mut_ptr(), from) }
}

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
pub(in crate::simd) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    portable::rows_reaching(limit, sums, masks);
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
pub(in crate::simd) fn hamming(a: &[u64], b: &[u64]) -> u64 {
    let len = a.len().min(b.len());
    let (a, a_tail) = a[..len].as_chunks::<2>();
    let (b, b_tail) = b[..len].as_chunks::<2>();
    let mut sums = vdupq_n_u64(0);
    for (x, y) in a.iter().zip(b) {
        let bits = vcntq_u8(vreinterpretq_u8_u64(veorq_u64(load_words(x), load_words(y))));
        sums = vaddq_u64(sums, vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(bits))));
    }
    let tail: u64 = a_tail.iter().zip(b_tail).map(|(x, y)| u64::from((x ^ y).count_ones())).sum();
    vaddvq_u64(sums) + tail
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::dot(a, b)
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn squared_l2_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::squared_l2(a, b)
}
