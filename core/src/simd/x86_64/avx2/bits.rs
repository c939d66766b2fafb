//! Bits.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_words(from: &[u64; 4]) -> __m256i {
    // SAFETY: the reference covers the 32 bytes read; `loadu` asks for no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// Counts bits by looking up each half byte with a shuffle (Muła, Kurz, Lemire, "Faster population counts using AVX2
/// instructions", 2018), summed a byte lane at a time by `sad`.
#[target_feature(enable = "avx2,popcnt")]
pub(in crate::simd) fn hamming(a: &[u64], b: &[u64]) -> u64 {
    let len = a.len().min(b.len());
    let (a, a_tail) = a[..len].as_chunks::<4>();
    let (b, b_tail) = b[..len].as_chunks::<4>();
    let table = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    );
    let low = _mm256_set1_epi8(0x0f);
    let mut sums = _mm256_setzero_si256();
    for (x, y) in a.iter().zip(b) {
        let bits = _mm256_xor_si256(load_words(x), load_words(y));
        let halves = _mm256_add_epi8(
            _mm256_shuffle_epi8(table, _mm256_and_si256(bits, low)),
            _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16::<4>(bits), low)),
        );
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(halves, _mm256_setzero_si256()));
    }
    let two = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let one = _mm_add_epi64(two, _mm_unpackhi_epi64(two, two));
    let tail: u64 = a_tail.iter().zip(b_tail).map(|(x, y)| u64::from((x ^ y).count_ones())).sum();
    _mm_cvtsi128_si64(one) as u64 + tail
}
