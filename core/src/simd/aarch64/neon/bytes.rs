//! Products of bytes.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::aarch64::*;

use crate::simd::{BYTES, TILE_BYTES, TILE_ROWS, common_length, scalar};

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

/// Four rows at once.
#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_u7_lines(query: &[[i8; BYTES]], rows: &[[u8; BYTES]], width: usize, sums: &mut [i32]) {
    let query = query.as_flattened();
    let (fours, rest) = sums.as_chunks_mut::<4>();
    let (of_fours, of_rest) = rows.split_at(4 * width * fours.len());
    for (sums, rows) in fours.iter_mut().zip(of_fours.chunks_exact(4 * width)) {
        let mut four = [&[][..]; 4];
        for (to, row) in four.iter_mut().zip(rows.chunks_exact(width)) {
            *to = row.as_flattened();
        }
        *sums = dot_u7(query, four);
    }
    for (sum, row) in rest.iter_mut().zip(of_rest.chunks_exact(width)) {
        [*sum] = dot_u7(query, [row.as_flattened()]);
    }
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
