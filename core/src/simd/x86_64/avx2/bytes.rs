//! Products of bytes.

#[allow(clippy::wildcard_imports, reason = "the intrinsics are the language of this file")]
use core::arch::x86_64::*;

use crate::simd::{BYTES, TILE_BYTES, TILE_ROWS, common_length, pad};

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

#[target_feature(enable = "avx2")]
#[inline]
fn sum_of_lanes(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
}

/// Adds products of bytes four at a time. The sum of two fits 16 bits, as 2·127·128 does: nothing saturates.
///
/// With unsigned bytes above 127, which only a file that was tampered with has, it may, and the sums then differ from those
/// of other backends. To mask them here takes 3 % longer for rows and 7 % for tiles (Zen 4); to look first whether a tile has
/// any, 2 % for 48 queries and up to half as long again for one.
#[target_feature(enable = "avx2")]
#[inline]
fn add_products(sum: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(unsigned, signed);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
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

/// Four rows at once.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dot_u7_lines(query: &[[i8; BYTES]], rows: &[[u8; BYTES]], width: usize, sums: &mut [i32]) {
    let query = query.as_flattened();
    let (fours, rest) = sums.as_chunks_mut::<4>();
    let (of_fours, of_rest) = rows.split_at(4 * width * fours.len());
    for (sums, rows) in fours.iter_mut().zip(of_fours.chunks_exact(4 * width)) {
        let mut four = [&[][..]; 4];
        for (to, row) in four.iter_mut().zip(rows.chunks_exact(width)) {
            *to = row.as_flattened();
        }
        *sums = dot_u7(query, four);
    }
    for (sum, row) in rest.iter_mut().zip(of_rest.chunks_exact(width)) {
        [*sum] = dot_u7(query, [row.as_flattened()]);
    }
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
