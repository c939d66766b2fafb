//! Products of bytes.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::{BYTES, TILE_BYTES, TILE_ROWS, common_length, pad};

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

/// 64 bytes as they are.
#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
pub(super) fn load_raw<T: bytemuck::Pod>(block: &[T; BYTES]) -> __m512i {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: the reference covers the 64 bytes read; `loadu` asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
#[allow(unsafe_code)]
pub(super) fn store_sums(sums: &mut [i32; TILE_ROWS], from: __m512i) {
    // SAFETY: the reference covers the 64 bytes written; `storeu` asks for no alignment.
    unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), from) }
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

/// The sums of four registers: each quarter of the result has four parts of sums, one of each register.
#[target_feature(enable = "avx512f")]
#[inline]
fn fold_four([a, b, c, d]: [__m512i; 4]) -> __m512i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd))
}

/// Adds up the quarters of four registers: each quarter of the result has the sums of one register.
#[target_feature(enable = "avx512f")]
#[inline]
fn fold_quarters([a, b, c, d]: [__m512i; 4]) -> __m512i {
    let fold = |a, b| {
        let halves = [_mm512_shuffle_i64x2::<0b01_00_01_00>(a, b), _mm512_shuffle_i64x2::<0b11_10_11_10>(a, b)];
        _mm512_add_epi32(halves[0], halves[1])
    };
    let (low, high) = (fold(a, b), fold(c, d));
    let even = _mm512_shuffle_i64x2::<0b10_00_10_00>(low, high);
    let odd = _mm512_shuffle_i64x2::<0b11_01_11_01>(low, high);
    _mm512_add_epi32(even, odd)
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

/// The products of a query with four rows, not yet summed.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn products_of_four(query: &[[i8; BYTES]], rows: &[[u8; BYTES]], width: usize) -> [__m512i; 4] {
    let (ab, cd) = rows.split_at(2 * width);
    let ((a, b), (c, d)) = (ab.split_at(width), cd.split_at(width));
    let mut lanes = [_mm512_setzero_si512(); 4];
    for ((((query, a), b), c), d) in query.iter().zip(a).zip(b).zip(c).zip(d) {
        let query = load_raw(query);
        for (lanes, row) in lanes.iter_mut().zip([a, b, c, d]) {
            *lanes = _mm512_dpbusd_epi32(*lanes, load_raw(row), query);
        }
    }
    lanes
}

/// Sixteen rows at once, whose sums share their last steps.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn dot_u7_lines(query: &[[i8; BYTES]], rows: &[[u8; BYTES]], width: usize, sums: &mut [i32]) {
    let (groups, rest) = sums.as_chunks_mut::<TILE_ROWS>();
    let (of_groups, of_rest) = rows.split_at(TILE_ROWS * width * groups.len());
    for (sums, rows) in groups.iter_mut().zip(of_groups.chunks_exact(TILE_ROWS * width)) {
        let mut fours = [_mm512_setzero_si512(); 4];
        for (four, rows) in fours.iter_mut().zip(rows.chunks_exact(4 * width)) {
            *four = fold_four(products_of_four(query, rows, width));
        }
        store_sums(sums, fold_quarters(fours));
    }
    for (sum, row) in rest.iter_mut().zip(of_rest.chunks_exact(width)) {
        [*sum] = dot_u7(query.as_flattened(), [row.as_flattened()]);
    }
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
