//! Sums of what 4-bit codes choose.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use super::bytes::load_raw;
use crate::simd::SCAN_ROWS;

#[target_feature(enable = "avx512f")]
#[inline]
fn load_codes(codes: &[[u8; SCAN_ROWS]; 2]) -> __m512i {
    load_raw::<u8>(bytemuck::cast_ref(codes))
}

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn store_shorts(to: &mut [u16; SCAN_ROWS / 2], from: __m256i) {
    // SAFETY: the reference covers the 32 bytes written; `storeu` asks for no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), from) }
}

/// Tables for the low halves of codes and for the high halves, each for the rows of the first pair and of the second.
#[target_feature(enable = "avx512f")]
#[inline]
fn spread(tables: &[[[u8; 16]; 2]; 2]) -> [__m512i; 2] {
    let all = load_raw::<u8>(bytemuck::cast_ref(tables));
    [_mm512_shuffle_i32x4::<0b10_10_00_00>(all, all), _mm512_shuffle_i32x4::<0b11_11_01_01>(all, all)]
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn look_up([low, high]: [__m512i; 2], codes: __m512i, low_half: __m512i) -> __m512i {
    let lows = _mm512_shuffle_epi8(low, _mm512_and_si512(codes, low_half));
    let highs = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16::<4>(codes), low_half));
    _mm512_add_epi8(lows, highs)
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn widen([both, odd]: &mut [__m512i; 2], entries: __m512i) {
    *both = _mm512_add_epi16(*both, entries);
    *odd = _mm512_add_epi16(*odd, _mm512_srli_epi16::<8>(entries));
}

/// Blocks that share each load of a table.
const BLOCKS: usize = 4;

#[target_feature(enable = "avx512f,avx512bw")]
pub(in crate::simd) fn scan_4bit(codes: &[[u8; SCAN_ROWS]], tables: &[[[u8; 16]; 2]], sums: &mut [[u16; SCAN_ROWS]]) {
    let width = tables.len();
    let count = (codes.len() / width).min(sums.len());
    let (groups, rest) = sums[..count].as_chunks_mut::<BLOCKS>();
    for (at, group) in groups.iter_mut().enumerate() {
        scan_group(&codes[at * BLOCKS * width..][..BLOCKS * width], tables, group);
    }
    for (block, sums) in codes[(count - rest.len()) * width..].chunks_exact(width).zip(rest) {
        scan_group(block, tables, core::array::from_mut(sums));
    }
}

/// A register holds the codes of two pairs of tables for all rows. Bytes hold the sum of four entries of at most 63; 16-bit
/// sums take both of a pair at once, others the odd one: Σ even = Σ (even + 256·odd) − 256·Σ odd, modulo 2¹⁶.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn scan_group<const B: usize>(codes: &[[u8; SCAN_ROWS]], tables: &[[[u8; 16]; 2]], sums: &mut [[u16; SCAN_ROWS]; B]) {
    let low_half = _mm512_set1_epi8(15);
    let mut blocks = [&codes[..0]; B];
    for (to, block) in blocks.iter_mut().zip(codes.chunks_exact(tables.len())) {
        *to = block;
    }
    let mut totals = [[_mm512_setzero_si512(); 2]; B];
    // Two pairs of tables are a register; the entries of two registers are added before they are widened.
    let (fours, rest) = tables.as_chunks::<4>();
    for (at, four) in fours.iter().enumerate() {
        let [first, second] = [spread(&[four[0], four[1]]), spread(&[four[2], four[3]])];
        for (totals, block) in totals.iter_mut().zip(&blocks) {
            let codes = &block[4 * at..4 * at + 4];
            let a = look_up(first, load_codes(&[codes[0], codes[1]]), low_half);
            let b = look_up(second, load_codes(&[codes[2], codes[3]]), low_half);
            widen(totals, _mm512_add_epi8(a, b));
        }
    }
    let done = 4 * fours.len();
    for (at, two) in rest.chunks(2).enumerate() {
        // A pair without a partner looks its partner's codes up in a table of nothing.
        let tables = spread(&[two[0], two.get(1).copied().unwrap_or([[0; 16]; 2])]);
        for (totals, block) in totals.iter_mut().zip(&blocks) {
            let codes = &block[done + 2 * at..];
            let codes = load_codes(&[codes[0], codes.get(1).copied().unwrap_or([0; SCAN_ROWS])]);
            widen(totals, look_up(tables, codes, low_half));
        }
    }
    for (sums, [both, odd]) in sums.iter_mut().zip(totals) {
        let even = _mm512_sub_epi16(both, _mm512_slli_epi16::<8>(odd));
        let half = |x: __m512i| _mm256_add_epi16(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x));
        let (mut evens, mut odds) = ([0; SCAN_ROWS / 2], [0; SCAN_ROWS / 2]);
        store_shorts(&mut evens, half(even));
        store_shorts(&mut odds, half(odd));
        for (pair, (even, odd)) in sums.as_chunks_mut::<2>().0.iter_mut().zip(evens.into_iter().zip(odds)) {
            *pair = [even, odd];
        }
    }
}
