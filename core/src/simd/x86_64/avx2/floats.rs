//! Sums of floats: the 32 lanes are four registers of eight.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::{LANES, common_length, in_f64};

const WIDTH: usize = 8;

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load(block: &[f32; LANES]) -> [__m256; 4] {
    let from = block.as_ptr();
    // SAFETY: the reference covers the four times 32 bytes read; `loadu` asks for no alignment.
    unsafe { [0, 1, 2, 3].map(|lane| _mm256_loadu_ps(from.add(lane * WIDTH))) }
}

/// Loads a last block, zeros beyond its end.
#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_tail(tail: &[f32]) -> [__m256; 4] {
    let from = tail.as_ptr();
    let position = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let mut lanes = [_mm256_setzero_ps(); 4];
    for (lane, to) in lanes.iter_mut().enumerate() {
        let left = tail.len() as i32 - (lane * WIDTH) as i32;
        let mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(left), position);
        // SAFETY: a masked load reads only the elements whose mask is set: the first `tail.len()` of the four together.
        // `wrapping_add` makes no claim about an address that no mask reads from.
        *to = unsafe { _mm256_maskload_ps(from.wrapping_add(lane * WIDTH), mask) };
    }
    lanes
}

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn store(block: &mut [f32; LANES], lanes: [__m256; 4]) {
    let to = block.as_mut_ptr();
    for (lane, from) in lanes.into_iter().enumerate() {
        // SAFETY: the reference covers the four times 32 bytes written; `storeu` asks for no alignment.
        unsafe { _mm256_storeu_ps(to.add(lane * WIDTH), from) };
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn fold(lanes: [__m256; 4]) -> f32 {
    let eight = _mm256_add_ps(_mm256_add_ps(lanes[0], lanes[2]), _mm256_add_ps(lanes[1], lanes[3]));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// The lane contract over `N` rows at once, so that `a` is loaded once and the rows' chains of additions overlap.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn lane_sum<const N: usize>(a: &[f32], rows: [&[f32]; N], step: impl Fn(__m256, __m256, __m256) -> __m256) -> [f32; N] {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<LANES>();
    let rows = rows.map(|row| row[..len].as_chunks::<LANES>());
    let mut sums = [[_mm256_setzero_ps(); LANES / WIDTH]; N];
    for (i, block) in blocks.iter().enumerate() {
        let x = load(block);
        for (sum, row) in sums.iter_mut().zip(&rows) {
            let y = load(&row.0[i]);
            for lane in 0..LANES / WIDTH {
                sum[lane] = step(sum[lane], x[lane], y[lane]);
            }
        }
    }
    if !tail.is_empty() {
        let x = load_tail(tail);
        for (sum, row) in sums.iter_mut().zip(&rows) {
            let y = load_tail(row.1);
            for lane in 0..LANES / WIDTH {
                sum[lane] = step(sum[lane], x[lane], y[lane]);
            }
        }
    }
    let mut folded = [0.0; N];
    for (to, sum) in folded.iter_mut().zip(&sums) {
        *to = fold(*sum);
    }
    folded
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn dot<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| _mm256_fmadd_ps(x, y, sum))
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn squared_l2<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| {
        let d = _mm256_sub_ps(x, y);
        _mm256_fmadd_ps(d, d, sum)
    })
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn squared_l2_rows(a: &[f32], rows: &[f32], sums: &mut [f32]) {
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(a.len())) {
        [*sum] = squared_l2(a, [row]);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn dot_and_square_rows(a: &[f32], rows: &[f32], products: &mut [f32], squares: &mut [f32]) {
    let (blocks, tail) = a.as_chunks::<LANES>();
    for ((product, square), row) in products.iter_mut().zip(squares).zip(rows.chunks_exact(a.len())) {
        let (row_blocks, row_tail) = row.as_chunks::<LANES>();
        let (mut of_both, mut of_row) = ([_mm256_setzero_ps(); LANES / WIDTH], [_mm256_setzero_ps(); LANES / WIDTH]);
        let mut add = |x: [__m256; LANES / WIDTH], y: [__m256; LANES / WIDTH]| {
            for lane in 0..LANES / WIDTH {
                of_both[lane] = _mm256_fmadd_ps(x[lane], y[lane], of_both[lane]);
                of_row[lane] = _mm256_fmadd_ps(y[lane], y[lane], of_row[lane]);
            }
        };
        for (x, y) in blocks.iter().zip(row_blocks) {
            add(load(x), load(y));
        }
        if !tail.is_empty() {
            add(load_tail(tail), load_tail(row_tail));
        }
        (*product, *square) = (fold(of_both), fold(of_row));
    }
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn l1<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    let sign = _mm256_set1_ps(-0.0);
    lane_sum(a, rows, |sum, x, y| _mm256_add_ps(sum, _mm256_andnot_ps(sign, _mm256_sub_ps(x, y))))
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn axpby(a: f32, x: &[f32], b: f32, y: &mut [f32]) {
    let len = x.len().min(y.len());
    let (a, b) = (_mm256_set1_ps(a), _mm256_set1_ps(b));
    let (blocks, tail) = x[..len].as_chunks::<LANES>();
    let (y_blocks, y_tail) = y[..len].as_chunks_mut::<LANES>();
    for (x, y) in blocks.iter().zip(y_blocks) {
        let (x, mut lanes) = (load(x), load(y));
        for lane in 0..LANES / WIDTH {
            lanes[lane] = _mm256_fmadd_ps(a, x[lane], _mm256_mul_ps(lanes[lane], b));
        }
        store(y, lanes);
    }
    if !tail.is_empty() {
        let (x, mut lanes) = (load_tail(tail), load_tail(y_tail));
        for lane in 0..LANES / WIDTH {
            lanes[lane] = _mm256_fmadd_ps(a, x[lane], _mm256_mul_ps(lanes[lane], b));
        }
        let mut block = [0.0; LANES];
        store(&mut block, lanes);
        y_tail.copy_from_slice(&block[..y_tail.len()]);
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::dot(a, b)
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn squared_l2_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::squared_l2(a, b)
}
