//! Integers: bytes, codes and bits, and scores made of them.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::{BYTES, SCAN_ROWS, TILE_BYTES, TILE_ROWS, common_length, pad};

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_words(from: &[u64; 4]) -> __m256i {
    // SAFETY: the reference covers the 32 bytes read; `loadu` asks for no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// 64 bytes, widened to 16 bits.
#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_bytes(block: &[i8; BYTES]) -> [__m256i; 4] {
    let from = block.as_ptr();
    // SAFETY: the reference covers the four times 16 bytes read; `loadu` asks for no alignment.
    [0, 1, 2, 3].map(|lane| _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(from.add(lane * BYTES / 4).cast()) }))
}

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_shorts(block: &[i16; BYTES]) -> [__m256i; 4] {
    let from = block.as_ptr();
    // SAFETY: the reference covers the four times 32 bytes read; `loadu` asks for no alignment.
    unsafe { [0, 1, 2, 3].map(|lane| _mm256_loadu_si256(from.add(lane * BYTES / 4).cast())) }
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_i8<const N: usize>(a: &[i16], rows: [&[i8]; N]) -> [i32; N] {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<BYTES>();
    let row_blocks = rows.map(|row| row[..len].as_chunks::<BYTES>());
    let mut sums = [_mm256_setzero_si256(); N];
    let add = |sum: &mut __m256i, x: [__m256i; 4], row: &[i8; BYTES]| {
        for (x, y) in x.into_iter().zip(load_bytes(row)) {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x, y));
        }
    };
    for (i, block) in blocks.iter().enumerate() {
        let x = load_shorts(block);
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            add(sum, x, &row.0[i]);
        }
    }
    if !tail.is_empty() {
        let x = load_shorts(&pad(tail));
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            add(sum, x, &pad(row.1));
        }
    }
    let mut products = [0; N];
    for (product, sum) in products.iter_mut().zip(&sums) {
        *product = sum_of_lanes(*sum);
    }
    products
}

/// 64 bytes as they are.
#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn load_raw<T: bytemuck::Pod>(block: &[T; BYTES]) -> [__m256i; 2] {
    const { assert!(size_of::<T>() == 1) };
    let from = block.as_ptr();
    // SAFETY: the reference covers the two times 32 bytes read; `loadu` asks for no alignment.
    unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(BYTES / 2).cast())] }
}

#[target_feature(enable = "avx2")]
#[inline]
#[allow(unsafe_code)]
fn store_sums(sums: &mut [i32; TILE_ROWS], from: [__m256i; 2]) {
    let to = sums.as_mut_ptr();
    // SAFETY: the reference covers the two times 32 bytes written; `storeu` asks for no alignment.
    unsafe {
        _mm256_storeu_si256(to.cast(), from[0]);
        _mm256_storeu_si256(to.add(TILE_ROWS / 2).cast(), from[1]);
    }
}

/// Adds products of bytes four at a time. The sum of two fits 16 bits, as 2·127·127 does: nothing saturates.
#[target_feature(enable = "avx2")]
#[inline]
fn add_products(sum: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(unsigned, signed);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn sum_of_lanes(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
}

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_u7<const N: usize>(query: &[i8], rows: [&[u8]; N]) -> [i32; N] {
    let len = common_length(query, rows);
    let (blocks, tail) = query[..len].as_chunks::<BYTES>();
    let row_blocks = rows.map(|row| row[..len].as_chunks::<BYTES>());
    let mut sums = [_mm256_setzero_si256(); N];
    let add = |sum: &mut __m256i, q: [__m256i; 2], row: [__m256i; 2]| {
        *sum = add_products(add_products(*sum, row[0], q[0]), row[1], q[1]);
    };
    for (i, block) in blocks.iter().enumerate() {
        let q = load_raw(block);
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            add(sum, q, load_raw(&row.0[i]));
        }
    }
    if !tail.is_empty() {
        let q = load_raw(&pad(tail));
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            add(sum, q, load_raw(&pad(row.1)));
        }
    }
    let mut products = [0; N];
    for (product, sum) in products.iter_mut().zip(&sums) {
        *product = sum_of_lanes(*sum);
    }
    products
}

/// Queries that share each load of a tile: with two registers of sums each, as many as there are registers for.
const QUERIES: usize = 5;

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn tile_u7(queries: &[i8], tile: &[[u8; TILE_BYTES]], sums: &mut [[i32; TILE_ROWS]]) {
    let width = tile.len();
    let (fours, _) = queries.as_chunks::<4>();
    let count = (fours.len() / width).min(sums.len());
    let (groups, rest) = sums[..count].as_chunks_mut::<QUERIES>();
    for (at, group) in groups.iter_mut().enumerate() {
        tile_group(&fours[at * QUERIES * width..][..QUERIES * width], tile, group);
    }
    for (query, sums) in fours[(count - rest.len()) * width..].chunks_exact(width).zip(rest) {
        tile_group(query, tile, core::array::from_mut(sums));
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn tile_group<const Q: usize>(fours: &[[i8; 4]], tile: &[[u8; TILE_BYTES]], sums: &mut [[i32; TILE_ROWS]; Q]) {
    let mut queries = [&fours[..0]; Q];
    for (to, query) in queries.iter_mut().zip(fours.chunks_exact(tile.len())) {
        *to = query;
    }
    let mut lanes = [[_mm256_setzero_si256(); 2]; Q];
    for (k, rows) in tile.iter().enumerate() {
        let rows = load_raw(rows);
        for (lanes, query) in lanes.iter_mut().zip(&queries) {
            let q = _mm256_set1_epi32(i32::from_ne_bytes(query[k].map(i8::cast_unsigned)));
            *lanes = [add_products(lanes[0], rows[0], q), add_products(lanes[1], rows[1], q)];
        }
    }
    for (sums, lanes) in sums.iter_mut().zip(lanes) {
        store_sums(sums, lanes);
    }
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

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    let limit = _mm256_set1_epi16(limit.cast_signed());
    let reaching = |sums: [u16; SCAN_ROWS / 2]| {
        let sums = bytemuck::cast(sums);
        _mm256_cmpeq_epi16(_mm256_max_epu16(sums, limit), sums)
    };
    for ([low, high], mask) in sums.iter().map(bytemuck::cast_ref::<_, [[u16; SCAN_ROWS / 2]; 2]>).zip(masks) {
        // Packing works in each half of a register by itself: rows 0–7, 16–23, 8–15 and 24–31.
        let bytes = _mm256_packs_epi16(reaching(*low), reaching(*high));
        *mask = _mm256_movemask_epi8(_mm256_permute4x64_epi64::<0b11_01_10_00>(bytes)).cast_unsigned();
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

/// Counts bits by looking up each half byte with a shuffle (Muła, Kurz, Lemire, "Faster population counts using AVX2
/// instructions", 2018), summed a byte lane at a time by `sad`.
#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn best_of_tile(
    steps: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    tile: u32,
    best: &mut [([f32; TILE_ROWS], [u32; TILE_ROWS])],
) {
    let tile = _mm256_set1_epi32(tile.cast_signed());
    for ((step, sums), (best, tile_of)) in steps.iter().zip(sums).zip(best) {
        let step = _mm256_set1_ps(*step);
        let halves = sums.as_chunks::<8>().0.iter().zip(biases.as_chunks::<8>().0);
        let to = best.as_chunks_mut::<8>().0.iter_mut().zip(tile_of.as_chunks_mut::<8>().0);
        for ((sums, biases), (best, tile_of)) in halves.zip(to) {
            let products = _mm256_mul_ps(step, _mm256_cvtepi32_ps(bytemuck::cast(*sums)));
            let (scores, before) = (_mm256_add_ps(products, bytemuck::cast(*biases)), bytemuck::cast(*best));
            let better = _mm256_cmp_ps::<_CMP_GT_OQ>(scores, before);
            *best = bytemuck::cast(_mm256_blendv_ps(before, scores, better));
            let tiles = _mm256_blendv_epi8(bytemuck::cast(*tile_of), tile, _mm256_castps_si256(better));
            *tile_of = bytemuck::cast(tiles);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(in crate::simd) fn lanes_above(
    steps: &[f32],
    limits: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    masks: &mut [u16],
) {
    for (((step, limit), sums), mask) in steps.iter().zip(limits).zip(sums).zip(masks) {
        let (step, limit) = (_mm256_set1_ps(*step), _mm256_set1_ps(*limit));
        *mask = 0;
        let halves = sums.as_chunks::<8>().0.iter().zip(biases.as_chunks::<8>().0);
        for (half, (sums, biases)) in halves.enumerate() {
            let products = _mm256_mul_ps(step, _mm256_cvtepi32_ps(bytemuck::cast(*sums)));
            let scores = _mm256_add_ps(products, bytemuck::cast(*biases));
            let above = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(scores, limit));
            *mask |= (above << (8 * half)) as u16;
        }
    }
}

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
