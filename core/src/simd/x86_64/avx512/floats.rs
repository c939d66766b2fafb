//! Sums of floats: the 32 lanes are two registers of sixteen.
//!
//! `_mm512_reduce_add_ps` is not used: its order is the compiler's choice.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::{LANES, common_length, in_f64};

const WIDTH: usize = 16;

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn load(block: &[f32; LANES]) -> [__m512; 2] {
    let from = block.as_ptr();
    // SAFETY: the reference covers the two times 64 bytes read; `loadu` asks for no alignment.
    unsafe { [_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(WIDTH))] }
}

/// Loads a last block, zeros beyond its end.
#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn load_tail(tail: &[f32]) -> [__m512; 2] {
    let mask = (1_u64 << tail.len().min(LANES)) - 1;
    let from = tail.as_ptr();
    // SAFETY: a masked load reads only the elements whose mask bit is set: the first `tail.len()` of the two together.
    // `wrapping_add` makes no claim about an address that no bit reads from.
    unsafe {
        [
            _mm512_maskz_loadu_ps(mask as __mmask16, from),
            _mm512_maskz_loadu_ps((mask >> WIDTH) as __mmask16, from.wrapping_add(WIDTH)),
        ]
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn store(block: &mut [f32; LANES], lanes: [__m512; 2]) {
    let to = block.as_mut_ptr();
    // SAFETY: the reference covers the two times 64 bytes written; `storeu` asks for no alignment.
    unsafe {
        _mm512_storeu_ps(to, lanes[0]);
        _mm512_storeu_ps(to.add(WIDTH), lanes[1]);
    }
}

/// Stores what of a last block is within it.
#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn store_tail(tail: &mut [f32], lanes: [__m512; 2]) {
    let mask = (1_u64 << tail.len().min(LANES)) - 1;
    let to = tail.as_mut_ptr();
    // SAFETY: a masked store writes only the elements whose mask bit is set: the first `tail.len()` of the two together.
    // `wrapping_add` makes no claim about an address that no bit writes to.
    unsafe {
        _mm512_mask_storeu_ps(to, mask as __mmask16, lanes[0]);
        _mm512_mask_storeu_ps(to.wrapping_add(WIDTH), (mask >> WIDTH) as __mmask16, lanes[1]);
    }
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn fold(lanes: [__m512; 2]) -> f32 {
    let sixteen = _mm512_add_ps(lanes[0], lanes[1]);
    let eight = _mm256_add_ps(_mm512_castps512_ps256(sixteen), _mm512_extractf32x8_ps::<1>(sixteen));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// The lane contract over `N` rows at once, so that `a` is loaded once and the rows' chains of additions overlap.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn lane_sum<const N: usize>(a: &[f32], rows: [&[f32]; N], step: impl Fn(__m512, __m512, __m512) -> __m512) -> [f32; N] {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<LANES>();
    let rows = rows.map(|row| row[..len].as_chunks::<LANES>());
    let mut sums = [[_mm512_setzero_ps(); LANES / WIDTH]; N];
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

#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd) fn dot<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| _mm512_fmadd_ps(x, y, sum))
}

/// The products of `a` with `N` rows, and of each row with itself: two sums for each number that is loaded.
#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd) fn dot_and_square<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> ([f32; N], [f32; N]) {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<LANES>();
    let (mut products, mut squares) = ([0.0; N], [0.0; N]);
    for ((product, square), row) in products.iter_mut().zip(&mut squares).zip(rows) {
        let (row_blocks, row_tail) = row[..len].as_chunks::<LANES>();
        let (mut of_both, mut of_row) = ([_mm512_setzero_ps(); LANES / WIDTH], [_mm512_setzero_ps(); LANES / WIDTH]);
        let mut add = |x: [__m512; LANES / WIDTH], y: [__m512; LANES / WIDTH]| {
            for lane in 0..LANES / WIDTH {
                of_both[lane] = _mm512_fmadd_ps(x[lane], y[lane], of_both[lane]);
                of_row[lane] = _mm512_fmadd_ps(y[lane], y[lane], of_row[lane]);
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
    (products, squares)
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd) fn squared_l2<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| {
        let d = _mm512_sub_ps(x, y);
        _mm512_fmadd_ps(d, d, sum)
    })
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd) fn l1<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(x, y))))
}

#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn axpby(a: f32, x: &[f32], b: f32, y: &mut [f32]) {
    let len = x.len().min(y.len());
    let (a, b) = (_mm512_set1_ps(a), _mm512_set1_ps(b));
    let (blocks, tail) = x[..len].as_chunks::<LANES>();
    let (y_blocks, y_tail) = y[..len].as_chunks_mut::<LANES>();
    let step = |x: [__m512; 2], y: [__m512; 2]| {
        [_mm512_fmadd_ps(a, x[0], _mm512_mul_ps(y[0], b)), _mm512_fmadd_ps(a, x[1], _mm512_mul_ps(y[1], b))]
    };
    for (x, y) in blocks.iter().zip(y_blocks) {
        let lanes = step(load(x), load(y));
        store(y, lanes);
    }
    if !tail.is_empty() {
        let lanes = step(load_tail(tail), load_tail(y_tail));
        store_tail(y_tail, lanes);
    }
}

#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::dot(a, b)
}

#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn squared_l2_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::squared_l2(a, b)
}
