//! Sums of floats: the 32 lanes are eight registers of four.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::aarch64::*;

use crate::simd::{LANES, common_length, in_f64};

const WIDTH: usize = 4;

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load(from: &[f32; WIDTH]) -> float32x4_t {
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_f32(from.as_ptr()) }
}

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
fn store(to: &mut [f32; WIDTH], four: float32x4_t) {
    // SAFETY: the reference covers the 16 bytes written; `vst1q` asks for no more than the alignment of an element.
    unsafe { vst1q_f32(to.as_mut_ptr(), four) }
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
pub(in crate::simd) fn squared_l2_rows(a: &[f32], rows: &[f32], sums: &mut [f32]) {
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(a.len())) {
        [*sum] = squared_l2(a, [row]);
    }
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_and_square_rows(a: &[f32], rows: &[f32], products: &mut [f32], squares: &mut [f32]) {
    for ((product, square), row) in products.iter_mut().zip(squares).zip(rows.chunks_exact(a.len())) {
        ([*product], [*square]) = (dot(a, [row]), dot(row, [row]));
    }
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn l1<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| vaddq_f32(sum, vabdq_f32(x, y)))
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
pub(in crate::simd) fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::dot(a, b)
}

#[target_feature(enable = "neon")]
pub(in crate::simd) fn squared_l2_f64(a: &[f32], b: &[f32]) -> f64 {
    in_f64::squared_l2(a, b)
}
