//! 4-bit product quantisation: two numbers of a row's rest become one of sixteen codewords.
//!
//! What is coded is the rest, a row less its leaf's centroid. A search adds up, for each row, table entries that its codes
//! choose, so what matters is the error of the product with a query, not that of the row; and the queries that matter are
//! those near the row. An error along the row spoils their products much more than one across it, so it weighs more (Guo,
//! Sun, Lindgren, Geng, Simcha, Chern, Kumar, "Accelerating Large-Scale Inference with Anisotropic Vector Quantization",
//! 2020). The weighted error is not a sum over tables any more; the codes are found by coordinate descent.

use alloc::vec;
use alloc::vec::Vec;

use bytemuck::{Pod, Zeroable};
use wide::f32x4;

use crate::parallel::{self, Join};

/// Numbers of a row for which one code stands.
pub(crate) const NUMBERS: usize = 2;
/// Codewords of a table.
pub(crate) const WORDS: usize = 16;

/// The codewords of one table, number by number.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Codebook(pub(crate) [[f32; WORDS]; NUMBERS]);

/// Tables for so many dimensions: an even number, as two codes share a byte.
pub(crate) const fn tables(dimensions: usize) -> usize {
    dimensions.div_ceil(NUMBERS).next_multiple_of(2)
}

/// How often codewords move to the means of what they stand for.
const PASSES: usize = 12;

/// Codewords for rests, which lie one after the other, `width` numbers each: two for each table.
pub(crate) fn train<J: Join>(rests: &[f32], width: usize) -> Vec<Codebook> {
    parallel::map::<J, _>(0..width / NUMBERS, &|table| {
        let points: Vec<[f32; 2]> =
            rests.chunks_exact(width).map(|rest| [rest[NUMBERS * table], rest[NUMBERS * table + 1]]).collect();
        train_table(&points)
    })
}

fn train_table(points: &[[f32; 2]]) -> Codebook {
    let mut words = Codebook::zeroed();
    let step = (points.len() / WORDS).max(1);
    for (word, [x, y]) in points.iter().step_by(step).take(WORDS).enumerate() {
        (words.0[0][word], words.0[1][word]) = (*x, *y);
    }
    for _ in 0..PASSES {
        let (mut sums, mut counts) = ([[0.0_f64; WORDS]; NUMBERS], [0.0_f64; WORDS]);
        for [x, y] in points {
            let word = nearest(&words, *x, *y);
            sums[0][word] += f64::from(*x);
            sums[1][word] += f64::from(*y);
            counts[word] += 1.0;
        }
        for word in (0..WORDS).filter(|word| counts[*word] > 0.0) {
            words.0[0][word] = (sums[0][word] / counts[word]) as f32;
            words.0[1][word] = (sums[1][word] / counts[word]) as f32;
        }
    }
    words
}

/// The nearest codeword; of equals the first.
fn nearest(words: &Codebook, x: f32, y: f32) -> usize {
    let mut costs = [0.0; WORDS];
    for (word, cost) in costs.iter_mut().enumerate() {
        let (dx, dy) = (x - words.0[0][word], y - words.0[1][word]);
        *cost = dx * dx + dy * dy;
    }
    least(&costs)
}

/// Where the least number is; of equals the first.
#[inline]
fn least(costs: &[f32; WORDS]) -> usize {
    let fours: [f32x4; WORDS / 4] = bytemuck::cast(*costs);
    let smaller = |a: f32x4, b: f32x4| a.fast_min(b);
    let [a, b, c, d] = smaller(smaller(fours[0], fours[1]), smaller(fours[2], fours[3])).to_array();
    let least = f32x4::splat(if a < b { a } else { b }.min(if c < d { c } else { d }));
    let mut is_least = 0;
    for (at, four) in fours.into_iter().enumerate() {
        is_least |= four.simd_eq(least).to_bitmask() << (4 * at);
    }
    // None is where all are no numbers.
    is_least.trailing_zeros() as usize % WORDS
}

/// How much more an error along the row weighs than one across it.
const ALONG: f32 = 4.0;
/// Rounds of coordinate descent.
const ROUNDS: usize = 3;

/// Finds the codes of rests.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    codebooks: &'a [Codebook],
    /// What the codes so far leave of the rest.
    left: Vec<f32>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(codebooks: &'a [Codebook]) -> Self {
        Self { codebooks, left: vec![0.0; codebooks.len() * NUMBERS] }
    }

    /// The codes of a rest, one for each table. `along` is the direction of the row, of length one, or zero where errors weigh
    /// the same in all directions. Both have two numbers for each table.
    pub(crate) fn encode(&mut self, rest: &[f32], along: &[f32], codes: &mut [u8]) {
        let tables = self.codebooks.len();
        let mut error_along = 0.0_f32;
        for table in 0..tables {
            let (x, y) = (rest[2 * table], rest[2 * table + 1]);
            let words = &self.codebooks[table];
            let word = nearest(words, x, y);
            codes[table] = word as u8;
            (self.left[2 * table], self.left[2 * table + 1]) = (x - words.0[0][word], y - words.0[1][word]);
            error_along += self.left[2 * table] * along[2 * table] + self.left[2 * table + 1] * along[2 * table + 1];
        }
        if along.iter().all(|x| *x == 0.0) {
            return;
        }
        for _ in 0..ROUNDS {
            let mut changed = false;
            for table in 0..tables {
                let (a, b) = (along[2 * table], along[2 * table + 1]);
                let others = error_along - self.left[2 * table] * a - self.left[2 * table + 1] * b;
                let (x, y) = (rest[2 * table], rest[2 * table + 1]);
                let words = &self.codebooks[table].0;
                let mut costs = [0.0; WORDS];
                for (word, cost) in costs.iter_mut().enumerate() {
                    let (dx, dy) = (x - words[0][word], y - words[1][word]);
                    let error = others + dx * a + dy * b;
                    *cost = dx * dx + dy * dy + (ALONG - 1.0) * error * error;
                }
                let word = least(&costs);
                if word != usize::from(codes[table]) {
                    changed = true;
                    codes[table] = word as u8;
                    (self.left[2 * table], self.left[2 * table + 1]) = (x - words[0][word], y - words[1][word]);
                    error_along = others + self.left[2 * table] * a + self.left[2 * table + 1] * b;
                }
            }
            if !changed {
                break;
            }
        }
    }

    /// What the codes of the last rest leave of it.
    pub(crate) fn left(&self) -> &[f32] {
        &self.left
    }
}
