//! The kernels with [`wide`]: SSE2 on x86-64, simd128 on WebAssembly, plain arrays elsewhere. Unfused.
//!
//! `wide`'s own `reduce_add` and `mul_add` are not used: their order and their rounding depend on the target.

use wide::{f32x8, i16x8};

use super::{LANES, SCAN_ROWS, common_length};

// Without sums whose order is prescribed: the compiler turns them into vectors by itself.
pub(super) use super::scalar::{
    axpby, best_of_tile, dot_f64, dot_i8, dot_u7, dot_u7_lines, hamming, lanes_above, scan_4bit, squared_l2_f64,
    tile_u7,
};

/// Lanes 0–7, 8–15, 16–23 and 24–31.
type Sums = [f32x8; 4];

fn load(block: &[f32; LANES]) -> Sums {
    let (eights, _) = block.as_chunks::<8>();
    [f32x8::new(eights[0]), f32x8::new(eights[1]), f32x8::new(eights[2]), f32x8::new(eights[3])]
}

fn load_tail(tail: &[f32]) -> Sums {
    let mut block = [0.0; LANES];
    for (to, from) in block.iter_mut().zip(tail) {
        *to = *from;
    }
    load(&block)
}

fn fold(sums: Sums) -> f32 {
    let eight = (sums[0] + sums[2]) + (sums[1] + sums[3]);
    let [a, b, c, d, e, f, g, h] = eight.to_array();
    let [a, b, c, d] = [a + e, b + f, c + g, d + h];
    (a + c) + (b + d)
}

#[inline]
fn lane_sum<const N: usize>(a: &[f32], rows: [&[f32]; N], step: impl Fn(f32x8, f32x8, f32x8) -> f32x8) -> [f32; N] {
    let len = common_length(a, rows);
    let (blocks, tail) = a[..len].as_chunks::<LANES>();
    rows.map(|row| {
        let (row_blocks, row_tail) = row[..len].as_chunks::<LANES>();
        let mut sums = [f32x8::ZERO; 4];
        let mut add = |x: Sums, y: Sums| {
            for (sum, (x, y)) in sums.iter_mut().zip(x.into_iter().zip(y)) {
                *sum = step(*sum, x, y);
            }
        };
        for (x, y) in blocks.iter().zip(row_blocks) {
            add(load(x), load(y));
        }
        if !tail.is_empty() {
            add(load_tail(tail), load_tail(row_tail));
        }
        fold(sums)
    })
}

pub(super) fn dot<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| sum + x * y)
}

pub(super) fn squared_l2<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| {
        let d = x - y;
        sum + d * d
    })
}

pub(super) fn squared_l2_rows(a: &[f32], rows: &[f32], sums: &mut [f32]) {
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(a.len())) {
        [*sum] = squared_l2(a, [row]);
    }
}

pub(super) fn dot_and_square_rows(a: &[f32], rows: &[f32], products: &mut [f32], squares: &mut [f32]) {
    for ((product, square), row) in products.iter_mut().zip(squares).zip(rows.chunks_exact(a.len())) {
        ([*product], [*square]) = (dot(a, [row]), dot(row, [row]));
    }
}

pub(super) fn l1<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    lane_sum(a, rows, |sum, x, y| sum + (x - y).abs())
}

pub(super) fn rows_reaching(limit: u16, sums: &[[u16; SCAN_ROWS]], masks: &mut [u32]) {
    // There is only a comparison of signed numbers: the sign bit is flipped on both sides.
    let flip = i16x8::splat(i16::MIN);
    let limit = i16x8::splat((limit ^ 1 << 15).cast_signed());
    for (sums, mask) in sums.iter().zip(masks) {
        let mut below = 0;
        for (at, sums) in sums.as_chunks::<8>().0.iter().enumerate() {
            let sums: i16x8 = bytemuck::cast(*sums);
            below |= (limit.simd_gt(sums ^ flip).to_bitmask() & 0xff) << (8 * at);
        }
        *mask = !below;
    }
}
