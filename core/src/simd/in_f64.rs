//! Sums in f64 over f32, the same to the bit with any instructions: the product of two f32 is exact in f64, so that fusing it with
//! the addition changes nothing, and no other operation is ever fused. So this is the only source: each backend compiles it
//! for itself.

#![allow(clippy::inline_always, reason = "to be compiled for the instructions of whoever calls it")]

use super::common_length;

/// Sums that run side by side.
const LANES: usize = 8;

/// The dot product.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |x, y| x * y)
}

/// The squared distance. A difference is rounded, and so is its square; Rust fuses neither with the addition.
#[inline(always)]
pub(super) fn squared_l2(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |x, y| (x - y) * (x - y))
}

/// The squared distance of the vectors once each is multiplied with a number.
pub(crate) fn squared_l2_scaled(a: &[f32], b: &[f32], [of_a, of_b]: [f64; 2]) -> f64 {
    sum(a, b, |x, y| {
        let difference = x * of_a - y * of_b;
        difference * difference
    })
}

#[inline(always)]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let mut add = |a: &[f32; LANES], b: &[f32; LANES]| {
        for (lane, (x, y)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += term(f64::from(*x), f64::from(*y));
        }
    };
    let length = common_length(a, [b]);
    let ((a, a_rest), (b, b_rest)) = (a[..length].as_chunks::<LANES>(), b[..length].as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        add(a, b);
    }
    // Terms of zeros change no sum.
    let (mut last_a, mut last_b) = ([0.0; LANES], [0.0; LANES]);
    for ((to_a, to_b), (a, b)) in last_a.iter_mut().zip(&mut last_b).zip(a_rest.iter().zip(b_rest)) {
        (*to_a, *to_b) = (*a, *b);
    }
    add(&last_a, &last_b);
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
