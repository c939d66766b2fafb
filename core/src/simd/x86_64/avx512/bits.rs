//! Bits.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

/// Loads eight words at `at`, zeros beyond the end of `from`.
#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn load_words(from: &[u64], at: usize) -> __m512i {
    let from = from.get(at..).unwrap_or(&[]);
    let mask = ((1_u32 << from.len().min(8)) - 1) as __mmask8;
    // SAFETY: a masked load reads only the elements whose mask is set, and those are the first `from.len()`.
    unsafe { _mm512_maskz_loadu_epi64(mask, from.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
pub(in crate::simd) fn hamming(a: &[u64], b: &[u64]) -> u64 {
    let len = a.len().min(b.len());
    let mut sums = _mm512_setzero_si512();
    for at in (0..len).step_by(8) {
        let bits = _mm512_xor_si512(load_words(&a[..len], at), load_words(&b[..len], at));
        sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(bits));
    }
    // Integers: the order of the sum cannot matter.
    _mm512_reduce_add_epi64(sums) as u64
}
