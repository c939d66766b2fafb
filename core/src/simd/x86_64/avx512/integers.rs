//! Integers: bytes, codes and bits, and scores made of them.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::{BYTES, SCAN_ROWS, TILE_BYTES, TILE_ROWS, common_length, pad};

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

/// 64 bytes, widened to 16 bits.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
#[allow(unsafe_code)]
fn load_bytes(block: &[i8; BYTES]) -> [__m512i; 2] {
    let from = block.as_ptr();
    // SAFETY: the reference covers the two times 32 bytes read; `loadu` asks for no alignment.
    [0, 1].map(|lane| _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(from.add(lane * BYTES / 2).cast()) }))
}

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn load_shorts(block: &[i16; BYTES]) -> [__m512i; 2] {
    let from = block.as_ptr();
    // SAFETY: the reference covers the two times 64 bytes read; `loadu` asks for no alignment.
    unsafe { [0, 1].map(|lane| _mm512_loadu_si512(from.add(lane * BYTES / 2).cast())) }
}

/// `_mm512_reduce_add_epi32` by hand: the sums of several registers at once then share their last steps.
#[target_feature(enable = "avx512f")]
#[inline]
fn sum_of_lanes(lanes: __m512i) -> i32 {
    let eight = _mm256_add_epi32(_mm512_castsi512_si256(lanes), _mm512_extracti64x4_epi64::<1>(lanes));
    let four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
    let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn dot_i8<const N: usize>(a: &[i16], rows: [&[i8]; N]) -> [i32; N] {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<BYTES>();
    let row_blocks = rows.map(|row| row[..len].as_chunks::<BYTES>());
    let mut sums = [_mm512_setzero_si512(); N];
    let add = |sum: &mut __m512i, x: [__m512i; 2], row: &[i8; BYTES]| {
        for (x, y) in x.into_iter().zip(load_bytes(row)) {
            *sum = _mm512_dpwssd_epi32(*sum, x, y);
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
#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn load_raw<T: bytemuck::Pod>(block: &[T; BYTES]) -> __m512i {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: the reference covers the 64 bytes read; `loadu` asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn store_sums(sums: &mut [i32; TILE_ROWS], from: __m512i) {
    // SAFETY: the reference covers the 64 bytes written; `storeu` asks for no alignment.
    unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), from) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn dot_u7<const N: usize>(query: &[i8], rows: [&[u8]; N]) -> [i32; N] {
    let len = common_length(query, rows);
    let (blocks, tail) = query[..len].as_chunks::<BYTES>();
    let row_blocks = rows.map(|row| row[..len].as_chunks::<BYTES>());
    let mut sums = [_mm512_setzero_si512(); N];
    for (i, block) in blocks.iter().enumerate() {
        let q = load_raw(block);
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            *sum = _mm512_dpbusd_epi32(*sum, load_raw(&row.0[i]), q);
        }
    }
    if !tail.is_empty() {
        let q = load_raw(&pad(tail));
        for (sum, row) in sums.iter_mut().zip(&row_blocks) {
            *sum = _mm512_dpbusd_epi32(*sum, load_raw(&pad(row.1)), q);
        }
    }
    let mut products = [0; N];
    for (product, sum) in products.iter_mut().zip(&sums) {
        *product = sum_of_lanes(*sum);
    }
    products
}

/// Queries that share each load of a tile.
const QUERIES: usize = 12;

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn tile_u7(queries: &[i8], tile: &[[u8; TILE_BYTES]], sums: &mut [[i32; TILE_ROWS]]) {
    let width = tile.len();
    let (fours, _) = queries.as_chunks::<4>();
    let count = (fours.len() / width).min(sums.len());
    let (groups, rest) = sums[..count].as_chunks_mut::<QUERIES>();
    for (at, group) in groups.iter_mut().enumerate() {
        tile_group(&fours[at * QUERIES * width..][..QUERIES * width], tile, group);
    }
    let left = &fours[(count - rest.len()) * width..count * width];
    // One by one they would wait for their own sums.
    let (eights, rest) = rest.as_chunks_mut::<8>();
    let (first, left) = left.split_at(8 * width * eights.len());
    for group in eights {
        tile_group(first, tile, group);
    }
    let (fours, rest) = rest.as_chunks_mut::<4>();
    let (first, left) = left.split_at(4 * width * fours.len());
    for group in fours {
        tile_group(first, tile, group);
    }
    for (query, sums) in left.chunks_exact(width).zip(rest) {
        tile_one(query, tile, sums);
    }
}

/// One query, with several sums of each row, as each would wait for itself.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn tile_one(query: &[[i8; 4]], tile: &[[u8; TILE_BYTES]], sums: &mut [i32; TILE_ROWS]) {
    let mut lanes = [_mm512_setzero_si512(); 4];
    let product = |lanes, four: &[i8; 4], rows| {
        let four = _mm512_set1_epi32(i32::from_ne_bytes(four.map(i8::cast_unsigned)));
        _mm512_dpbusd_epi32(lanes, load_raw(rows), four)
    };
    let ((queries, query_rest), (tiles, tile_rest)) = (query.as_chunks::<4>(), tile.as_chunks::<4>());
    for (query, tile) in queries.iter().zip(tiles) {
        for (lanes, (four, rows)) in lanes.iter_mut().zip(query.iter().zip(tile)) {
            *lanes = product(*lanes, four, rows);
        }
    }
    for (lanes, (four, rows)) in lanes.iter_mut().zip(query_rest.iter().zip(tile_rest)) {
        *lanes = product(*lanes, four, rows);
    }
    let [a, b, c, d] = lanes;
    store_sums(sums, _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)));
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn tile_group<const Q: usize>(fours: &[[i8; 4]], tile: &[[u8; TILE_BYTES]], sums: &mut [[i32; TILE_ROWS]; Q]) {
    let mut queries = [&fours[..0]; Q];
    for (to, query) in queries.iter_mut().zip(fours.chunks_exact(tile.len())) {
        *to = query;
    }
    let mut lanes = [_mm512_setzero_si512(); Q];
    for (k, rows) in tile.iter().enumerate() {
        let rows = load_raw(rows);
        for (lanes, query) in lanes.iter_mut().zip(&queries) {
            *lanes = _mm512_dpbusd_epi32(
                *lanes,
                rows,
                _mm512_set1_epi32(i32::from_ne_bytes(query[k].map(i8::cast_unsigned))),
            );
        }
    }
    for (sums, lanes) in sums.iter_mut().zip(lanes) {
        store_sums(sums, lanes);
    }
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

#[target_feature(enable = "avx512f,avx512bw")]
pub(in crate::simd) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    let limit = _mm512_set1_epi16(limit.cast_signed());
    for (sums, mask) in sums.iter().zip(masks) {
        *mask = _mm512_cmpge_epu16_mask(load_raw::<u8>(bytemuck::cast_ref(sums)), limit);
    }
}

/// Tables for the low halves of codes and for the high halves, each for the rows of the first pair and of the second.
#[target_feature(enable = "avx512f")]
#[inline]
fn spread(tables: &[[[u8; 16]; 2]; 2]) -> [__m512i; 2] {
    let all = load_raw::<u8>(bytemuck::cast_ref(tables));
    [_mm512_shuffle_i32x4::<0b10_10_00_00>(all, all), _mm512_shuffle_i32x4::<0b11_11_01_01>(all, all)]
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_codes(codes: &[[u8; SCAN_ROWS]; 2]) -> __m512i {
    load_raw::<u8>(bytemuck::cast_ref(codes))
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

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
fn store_shorts(to: &mut [u16; SCAN_ROWS / 2], from: __m256i) {
    // SAFETY: the reference covers the 32 bytes written; `storeu` asks for no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), from) }
}

#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn best_of_tile(
    steps: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    tile: u32,
    best: &mut [([f32; TILE_ROWS], [u32; TILE_ROWS])],
) {
    let floats = |lanes: &[f32; TILE_ROWS]| _mm512_castsi512_ps(load_raw::<u8>(bytemuck::cast_ref(lanes)));
    let (biases, tile) = (floats(biases), _mm512_set1_epi32(tile.cast_signed()));
    for ((step, sums), (best, tile_of)) in steps.iter().zip(sums).zip(best) {
        let sums = load_raw::<u8>(bytemuck::cast_ref(sums));
        let scores = _mm512_add_ps(_mm512_mul_ps(_mm512_set1_ps(*step), _mm512_cvtepi32_ps(sums)), biases);
        let (before, tiles) = (floats(best), load_raw::<u8>(bytemuck::cast_ref(tile_of)));
        let better = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(scores, before);
        let scores = _mm512_castps_si512(_mm512_mask_mov_ps(before, better, scores));
        store_sums(bytemuck::cast_mut(best), scores);
        store_sums(bytemuck::cast_mut(tile_of), _mm512_mask_mov_epi32(tiles, better, tile));
    }
}

#[target_feature(enable = "avx512f")]
pub(in crate::simd) fn lanes_above(
    steps: &[f32],
    limits: &[f32],
    sums: &[[i32; TILE_ROWS]],
    biases: &[f32; TILE_ROWS],
    masks: &mut [u16],
) {
    let biases = _mm512_castsi512_ps(load_raw::<u8>(bytemuck::cast_ref(biases)));
    for (((step, limit), sums), mask) in steps.iter().zip(limits).zip(sums).zip(masks) {
        let sums = _mm512_cvtepi32_ps(load_raw::<u8>(bytemuck::cast_ref(sums)));
        let scores = _mm512_add_ps(_mm512_mul_ps(_mm512_set1_ps(*step), sums), biases);
        *mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(scores, _mm512_set1_ps(*limit));
    }
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
