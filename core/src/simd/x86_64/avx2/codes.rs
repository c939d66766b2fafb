//! Sums of what 4-bit codes choose.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::SCAN_ROWS;

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_codes(codes: &[u8; SCAN_ROWS]) -> __m256i {
    // SAFETY: the reference covers the 32 bytes read; `loadu` asks for no alignment.
    unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) }
}

/// The same table in both halves.
#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_table(table: &[u8; 16]) -> __m256i {
    // SAFETY: the reference covers the 16 bytes read; `loadu` asks for no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
}

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn store_shorts(to: &mut [u16; SCAN_ROWS], from: [__m256i; 2]) {
    let to = to.as_mut_ptr();
    // SAFETY: the reference covers the two times 32 bytes written; `storeu` asks for no alignment.
    unsafe {
        _mm256_storeu_si256(to.cast(), from[0]);
        _mm256_storeu_si256(to.add(SCAN_ROWS / 2).cast(), from[1]);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn look_up([low, high]: &[[u8; 16]; 2], codes: &[u8; SCAN_ROWS]) -> __m256i {
    let low_half = _mm256_set1_epi8(15);
    let codes = load_codes(codes);
    let lows = _mm256_shuffle_epi8(load_table(low), _mm256_and_si256(codes, low_half));
    let highs = _mm256_shuffle_epi8(load_table(high), _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low_half));
    _mm256_add_epi8(lows, highs)
}

/// Bytes hold the sum of four entries of at most 63; 16-bit
/// sums take both of a pair at once, others the odd one: Σ even = Σ (even + 256·odd) − 256·Σ odd, modulo 2¹⁶.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn scan_4bit(codes: &[[u8; SCAN_ROWS]], tables: &[[[u8; 16]; 2]], sums: &mut [[u16; SCAN_ROWS]]) {
    for (block, sums) in codes.chunks_exact(tables.len()).zip(sums) {
        let mut totals = [_mm256_setzero_si256(); 2];
        for (codes, tables) in block.chunks(2).zip(tables.chunks(2)) {
            let mut entries = _mm256_setzero_si256();
            for (codes, pair) in codes.iter().zip(tables) {
                entries = _mm256_add_epi8(entries, look_up(pair, codes));
            }
            totals[0] = _mm256_add_epi16(totals[0], entries);
            totals[1] = _mm256_add_epi16(totals[1], _mm256_srli_epi16::<8>(entries));
        }
        let even = _mm256_sub_epi16(totals[0], _mm256_slli_epi16::<8>(totals[1]));
        // Interleaving works in each half of a register by itself: rows 0–7 and 16–23, then the others.
        let low = _mm256_unpacklo_epi16(even, totals[1]);
        let high = _mm256_unpackhi_epi16(even, totals[1]);
        let halves = [_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high)];
        store_shorts(sums, halves);
    }
}
