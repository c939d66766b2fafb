//! Bits.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::aarch64::*;

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load_words(from: &[u64; 2]) -> uint64x2_t {
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_u64(from.as_ptr()) }
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
