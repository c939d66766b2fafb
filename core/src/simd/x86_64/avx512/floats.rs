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

/// [`fold`] for four rows at once, which share most of its steps.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
#[allow(unsafe_code)]
fn fold_four(lanes: &[[__m512; 2]; 4], to: &mut [f32; 4]) {
    let mut sixteens = [_mm512_setzero_ps(); 4];
    for (sixteen, lanes) in sixteens.iter_mut().zip(lanes) {
        *sixteen = _mm512_add_ps(lanes[0], lanes[1]);
    }
    let [a, b, c, d] = sixteens;
    let halves = |x, y| {
        let low = _mm512_shuffle_f32x4::<0b01_00_01_00>(x, y);
        _mm512_add_ps(low, _mm512_shuffle_f32x4::<0b11_10_11_10>(x, y))
    };
    let (ab, cd) = (halves(a, b), halves(c, d));
    let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd);
    // From here on each quarter is of one row.
    let four = _mm512_add_ps(even, _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd));
    let two = _mm512_add_ps(four, _mm512_permute_ps::<0b11_10_11_10>(four));
    let one = _mm512_add_ps(two, _mm512_permute_ps::<0b01_01_01_01>(two));
    let firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    // SAFETY: the reference covers the 16 bytes written; `storeu` asks for no alignment.
    unsafe { _mm_storeu_ps(to.as_mut_ptr(), _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, one))) };
}

/// The lanes of one row, before they are folded: `add` adds to them what a block of each vector gives.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn add_blocks(a: &[f32], row: &[f32], mut add: impl FnMut([__m512; 2], [__m512; 2])) {
    let ((blocks, tail), (row_blocks, row_tail)) = (a.as_chunks::<LANES>(), row.as_chunks::<LANES>());
    for (x, y) in blocks.iter().zip(row_blocks) {
        add(load(x), load(y));
    }
    if !tail.is_empty() {
        add(load_tail(tail), load_tail(row_tail));
    }
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

#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd) fn squared_l2<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| {
        let d = _mm512_sub_ps(x, y);
        _mm512_fmadd_ps(d, d, sum)
    })
}

/// Rows that follow each other are read in the order of memory, and folded four at a time.
#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd) fn squared_l2_rows(a: &[f32], rows: &[f32], sums: &mut [f32]) {
    let (fours, rest) = sums.as_chunks_mut::<4>();
    let (of_fours, of_rest) = rows.split_at(4 * a.len() * fours.len());
    for (sums, rows) in fours.iter_mut().zip(of_fours.chunks_exact(4 * a.len())) {
        let mut lanes = [[_mm512_setzero_ps(); LANES / WIDTH]; 4];
        for (lanes, row) in lanes.iter_mut().zip(rows.chunks_exact(a.len())) {
            add_blocks(a, row, |x, y| {
                for lane in 0..LANES / WIDTH {
                    let d = _mm512_sub_ps(x[lane], y[lane]);
                    lanes[lane] = _mm512_fmadd_ps(d, d, lanes[lane]);
                }
            });
        }
        fold_four(&lanes, sums);
    }
    for (sum, row) in rest.iter_mut().zip(of_rest.chunks_exact(a.len())) {
        [*sum] = squared_l2(a, [row]);
    }
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(in crate::simd) fn dot_and_square_rows(a: &[f32], rows: &[f32], products: &mut [f32], squares: &mut [f32]) {
    let ((fours, rest), (square_fours, square_rest)) = (products.as_chunks_mut::<4>(), squares.as_chunks_mut::<4>());
    let (of_fours, of_rest) = rows.split_at(4 * a.len() * fours.len());
    for ((products, squares), rows) in fours.iter_mut().zip(square_fours).zip(of_fours.chunks_exact(4 * a.len())) {
        let mut lanes = [[_mm512_setzero_ps(); LANES / WIDTH]; 4];
        let mut own_lanes = lanes;
        for ((lanes, own_lanes), row) in lanes.iter_mut().zip(&mut own_lanes).zip(rows.chunks_exact(a.len())) {
            add_blocks(a, row, |x, y| {
                for lane in 0..LANES / WIDTH {
                    lanes[lane] = _mm512_fmadd_ps(x[lane], y[lane], lanes[lane]);
                    own_lanes[lane] = _mm512_fmadd_ps(y[lane], y[lane], own_lanes[lane]);
                }
            });
        }
        fold_four(&lanes, products);
        fold_four(&own_lanes, squares);
    }
    for ((product, square), row) in rest.iter_mut().zip(square_rest).zip(of_rest.chunks_exact(a.len())) {
        ([*product], [*square]) = (dot(a, [row]), dot(row, [row]));
    }
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
