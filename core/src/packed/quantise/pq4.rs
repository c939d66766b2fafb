//! 4-bit product quantisation: two numbers of a row's residual become one of sixteen codewords (Jégou, Douze, Schmid, "Product
//! Quantization for Nearest Neighbor Search", 2011).
//!
//! What is coded is the residual, a row less its leaf's centroid. A search adds up, for each row, entries of a look-up table that its codes
//! choose, so what matters is the error of the product with a query, not that of the row; and the queries that matter are
//! those near the row. An error in the row's own direction spoils their products much more than one across it, so it weighs more (Guo,
//! Sun, Lindgren, Geng, Simcha, Chern, Kumar, "Accelerating Large-Scale Inference with Anisotropic Vector Quantization",
//! 2020). The weighted error is not a sum over subquantisers any more; the codes are found by coordinate descent.

use alloc::vec;
use alloc::vec::Vec;

use bytemuck::{Pod, Zeroable};
use wide::f32x4;

use crate::parallel::{self, Join};

/// Dimensions of a subquantiser: numbers of a row for which one code stands.
pub(crate) const DSUB: usize = 2;
/// Codewords of a subquantiser.
pub(crate) const KSUB: usize = 16;

/// The codewords of one subquantiser, number by number.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Codebook(pub(crate) [[f32; KSUB]; DSUB]);

/// Subquantisers for so many dimensions: an even number, as two codes share a byte.
pub(crate) const fn subquantisers(dimensions: usize) -> usize {
    dimensions.div_ceil(DSUB).next_multiple_of(2)
}

/// How often codewords move to the means of what they stand for.
const CODEBOOK_PASSES: usize = 12;

/// Codewords for residuals, which lie one after the other, `width` numbers each: two for each subquantiser.
pub(crate) fn train<J: Join>(residuals: &[f32], width: usize) -> Vec<Codebook> {
    parallel::map::<J, _>(0..width / DSUB, &|sub| {
        let points: Vec<[f32; 2]> =
            residuals.chunks_exact(width).map(|residual| [residual[DSUB * sub], residual[DSUB * sub + 1]]).collect();
        train_codebook(&points)
    })
}

fn train_codebook(points: &[[f32; 2]]) -> Codebook {
    let mut words = Codebook::zeroed();
    let step = (points.len() / KSUB).max(1);
    for (word, [x, y]) in points.iter().step_by(step).take(KSUB).enumerate() {
        (words.0[0][word], words.0[1][word]) = (*x, *y);
    }
    for _ in 0..CODEBOOK_PASSES {
        let (mut sums, mut counts) = ([[0.0_f64; KSUB]; DSUB], [0.0_f64; KSUB]);
        for [x, y] in points {
            let word = nearest(&words, *x, *y);
            sums[0][word] += f64::from(*x);
            sums[1][word] += f64::from(*y);
            counts[word] += 1.0;
        }
        for word in (0..KSUB).filter(|word| counts[*word] > 0.0) {
            words.0[0][word] = (sums[0][word] / counts[word]) as f32;
            words.0[1][word] = (sums[1][word] / counts[word]) as f32;
        }
    }
    words
}

/// The nearest codeword; of equals the first.
fn nearest(words: &Codebook, x: f32, y: f32) -> usize {
    let mut costs = [0.0; KSUB];
    for (word, cost) in costs.iter_mut().enumerate() {
        let (dx, dy) = (x - words.0[0][word], y - words.0[1][word]);
        *cost = dx * dx + dy * dy;
    }
    least(&costs)
}

/// Where the least number is; of equals the first.
#[inline]
fn least(costs: &[f32; KSUB]) -> usize {
    let fours: [f32x4; KSUB / 4] = bytemuck::cast(*costs);
    let smaller = |a: f32x4, b: f32x4| a.fast_min(b);
    let [a, b, c, d] = smaller(smaller(fours[0], fours[1]), smaller(fours[2], fours[3])).to_array();
    let least = f32x4::splat(if a < b { a } else { b }.min(if c < d { c } else { d }));
    let mut is_least = 0;
    for (at, four) in fours.into_iter().enumerate() {
        is_least |= four.simd_eq(least).to_bitmask() << (4 * at);
    }
    // None is where all are no numbers.
    is_least.trailing_zeros() as usize % KSUB
}

/// How much more an error in the direction of the row weighs than one across it.
const PARALLEL_WEIGHT: f32 = 4.0;
/// Rounds of coordinate descent.
const ROUNDS: usize = 3;

/// Finds the codes of residuals.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    codebooks: &'a [Codebook],
    /// The quantisation error: what the codes so far miss of the residual.
    error: Vec<f32>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(codebooks: &'a [Codebook]) -> Self {
        Self { codebooks, error: vec![0.0; codebooks.len() * DSUB] }
    }

    /// Writes the codes of a residual, one for each subquantiser. `direction` is that of the row, of length one, or zero where
    /// errors weigh the same in all directions. Both have two numbers for each subquantiser.
    pub(crate) fn encode(&mut self, residual: &[f32], direction: &[f32], codes: &mut [u8]) {
        let mut parallel = self.take_nearest(residual, direction, codes);
        if direction.iter().all(|x| *x == 0.0) {
            return;
        }
        for _ in 0..ROUNDS {
            if !self.improve(residual, direction, codes, &mut parallel) {
                break;
            }
        }
    }

    /// The nearest codewords to begin with; returns the product of the error with the direction.
    fn take_nearest(&mut self, residual: &[f32], direction: &[f32], codes: &mut [u8]) -> f32 {
        let mut parallel = 0.0_f32;
        for (sub, (words, code)) in self.codebooks.iter().zip(codes).enumerate() {
            let (x, y) = (residual[2 * sub], residual[2 * sub + 1]);
            let word = nearest(words, x, y);
            *code = word as u8;
            let error = &mut self.error[2 * sub..2 * sub + 2];
            (error[0], error[1]) = (x - words.0[0][word], y - words.0[1][word]);
            parallel += error[0] * direction[2 * sub] + error[1] * direction[2 * sub + 1];
        }
        parallel
    }

    /// One round of coordinate descent: for each subquantiser the best codeword, given the others. Whether a code has changed.
    fn improve(&mut self, residual: &[f32], direction: &[f32], codes: &mut [u8], parallel: &mut f32) -> bool {
        let mut changed = false;
        for (sub, (words, code)) in self.codebooks.iter().zip(codes).enumerate() {
            let (a, b) = (direction[2 * sub], direction[2 * sub + 1]);
            let others = *parallel - self.error[2 * sub] * a - self.error[2 * sub + 1] * b;
            let (x, y) = (residual[2 * sub], residual[2 * sub + 1]);
            let mut costs = [0.0; KSUB];
            for (word, cost) in costs.iter_mut().enumerate() {
                let (dx, dy) = (x - words.0[0][word], y - words.0[1][word]);
                let along = others + dx * a + dy * b;
                *cost = dx * dx + dy * dy + (PARALLEL_WEIGHT - 1.0) * along * along;
            }
            let word = least(&costs);
            if word != usize::from(*code) {
                changed = true;
                *code = word as u8;
                let error = &mut self.error[2 * sub..2 * sub + 2];
                (error[0], error[1]) = (x - words.0[0][word], y - words.0[1][word]);
                *parallel = others + error[0] * a + error[1] * b;
            }
        }
        changed
    }

    /// What the codes of the last residual miss of it.
    pub(crate) fn error(&self) -> &[f32] {
        &self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Serial;

    fn residuals(count: usize, width: usize) -> Vec<f32> {
        (0..count * width).map(|at| ((at as f32 * 0.61).sin() * 7.3).fract()).collect()
    }

    /// Sixteen points are their own codewords.
    #[test]
    fn codewords_of_sixteen_points_are_the_points() {
        let points: Vec<f32> = (0..16).flat_map(|at| [at as f32, (at * at) as f32]).collect();
        let books = train::<Serial>(&points, DSUB);
        let mut words: Vec<[f32; 2]> = (0..KSUB).map(|word| [books[0].0[0][word], books[0].0[1][word]]).collect();
        words.sort_by(|a, b| a[0].total_cmp(&b[0]));
        assert_eq!(words.as_flattened(), points);
    }

    /// Without a direction codes are the nearest codewords, found here one by one in f64.
    #[test]
    fn codes_without_a_direction_are_nearest() {
        let (width, count) = (8, 400);
        let all = residuals(count, width);
        let books = train::<Serial>(&all, width);
        let mut encoder = Encoder::new(&books);
        let mut codes = [0; 4];
        for residual in all.chunks_exact(width) {
            encoder.encode(residual, &vec![0.0; width], &mut codes);
            for (sub, code) in codes.iter().enumerate() {
                let distance = |word: usize| -> f64 {
                    (0..DSUB).map(|j| f64::from(residual[DSUB * sub + j] - books[sub].0[j][word]).powi(2)).sum()
                };
                let best = (0..KSUB).map(distance).fold(f64::INFINITY, f64::min);
                assert!(distance(usize::from(*code)) <= best * (1.0 + 1e-5), "{sub}");
            }
        }
    }

    /// With a direction the weighted error is never more than that of the nearest codewords.
    #[test]
    fn a_direction_lowers_the_weighted_error() {
        let (width, count) = (8, 400);
        let all = residuals(count, width);
        let books = train::<Serial>(&all, width);
        let mut encoder = Encoder::new(&books);
        let mut codes = [0; 4];
        let direction: Vec<f32> = (0..width).map(|at| if at % 2 == 0 { 0.5 } else { 0.0 }).collect();
        let cost = |error: &[f32]| -> f64 {
            let squared: f64 = error.iter().map(|x| f64::from(*x).powi(2)).sum();
            let along: f64 = error.iter().zip(&direction).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            squared + f64::from(PARALLEL_WEIGHT - 1.0) * along * along
        };
        let (mut with, mut without) = (0.0, 0.0);
        for residual in all.chunks_exact(width) {
            encoder.encode(residual, &vec![0.0; width], &mut codes);
            let nearest = cost(encoder.error());
            encoder.encode(residual, &direction, &mut codes);
            let weighted = cost(encoder.error());
            assert!(weighted <= nearest * (1.0 + 1e-5));
            (with, without) = (with + weighted, without + nearest);
        }
        assert!(with < without, "{with} of {without}");
    }
}
