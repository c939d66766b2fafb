//! Sums of what 4-bit codes choose.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::aarch64::*;

use crate::simd::SCAN_ROWS;

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn load_unsigned(from: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference covers the 16 bytes read; `vld1q` asks for no more than the alignment of an element.
    unsafe { vld1q_u8(from.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
#[allow(unsafe_code)]
fn store_unsigned(to: &mut [u16; 8], from: uint16x8_t) {
    // SAFETY: the reference covers the 16 bytes written; `vst1q` asks for no more than the alignment of an element.
    unsafe { vst1q_u16(to.as_mut_ptr(), from) }
}

/// Bytes hold the sum of four entries of at most 63, which are then added to 16-bit sums.
#[target_feature(enable = "neon")]
pub(in crate::simd) fn scan_4bit(codes: &[[u8; SCAN_ROWS]], tables: &[[[u8; 16]; 2]], sums: &mut [[u16; SCAN_ROWS]]) {
    for (block, sums) in codes.chunks_exact(tables.len()).zip(sums) {
        let mut totals = [vdupq_n_u16(0); 4];
        for (codes, tables) in block.chunks(2).zip(tables.chunks(2)) {
            let mut entries = [vdupq_n_u8(0); 2];
            for (codes, [low, high]) in codes.iter().zip(tables) {
                let tables = [load_unsigned(low), load_unsigned(high)];
                for (entries, codes) in entries.iter_mut().zip(codes.as_chunks::<16>().0) {
                    let codes = load_unsigned(codes);
                    let lows = vqtbl1q_u8(tables[0], vandq_u8(codes, vdupq_n_u8(15)));
                    let highs = vqtbl1q_u8(tables[1], vshrq_n_u8::<4>(codes));
                    *entries = vaddq_u8(*entries, vaddq_u8(lows, highs));
                }
            }
            for (totals, entries) in totals.as_chunks_mut::<2>().0.iter_mut().zip(entries) {
                totals[0] = vaddw_u8(totals[0], vget_low_u8(entries));
                totals[1] = vaddw_u8(totals[1], vget_high_u8(entries));
            }
        }
        for (to, total) in sums.as_chunks_mut::<8>().0.iter_mut().zip(totals) {
            store_unsigned(to, total);
        }
    }
}
