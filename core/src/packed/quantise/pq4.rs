//! 4-bit product quantisation: a few numbers of a row's residual become one of sixteen codewords (Jégou, Douze, Schmid, "Product
//! Quantization for Nearest Neighbor Search", 2011).
//!
//! What is coded is the residual, a row less its leaf's centroid. A search adds up, for each row, entries of a look-up table that its codes
//! choose, so what matters is the error of the product with a query, not that of the row; and the queries that matter are
//! those near the row. An error in the row's own direction spoils their products much more than one across it, so it weighs more (Guo,
//! Sun, Lindgren, Geng, Simcha, Chern, Kumar, "Accelerating Large-Scale Inference with Anisotropic Vector Quantization",
//! 2020). The weighted error is not a sum over subquantisers any more; the codes are found by coordinate descent.

use alloc::vec;
use alloc::vec::Vec;

use wide::f32x4;

use super::subquantisation::{Codebooks, Dsub, KSUB, Subquantisation, with_dsub};
use crate::parallel::{self, Join};

/// How often codewords move to the means of what they stand for.
const CODEBOOK_PASSES: usize = 12;

/// Codewords for residuals, which lie one after the other, as wide as the pieces together.
pub(crate) fn train<J: Join>(residuals: &[f32], pieces: Subquantisation) -> Vec<[f32; KSUB]> {
    let dsub = pieces.dsub;
    let books = parallel::map::<J, _>(0..pieces.count, &|sub| {
        let mut points = Vec::with_capacity(residuals.len() / pieces.count);
        for residual in residuals.chunks_exact(pieces.width()) {
            points.extend_from_slice(&residual[dsub * sub..dsub * (sub + 1)]);
        }
        with_dsub!(dsub, |dsub| train_codebook(dsub, &points))
    });
    books.concat()
}

fn train_codebook<D: Dsub>(dsub: D, points: &[f32]) -> Vec<[f32; KSUB]> {
    let dsub = dsub.get();
    let mut words = vec![[0.0; KSUB]; dsub];
    let step = (points.len() / dsub / KSUB).max(1);
    for (word, point) in points.chunks_exact(dsub).step_by(step).take(KSUB).enumerate() {
        words.iter_mut().zip(point).for_each(|(words, x)| words[word] = *x);
    }
    let mut sums = vec![[0.0_f64; KSUB]; dsub];
    for _ in 0..CODEBOOK_PASSES {
        sums.fill([0.0; KSUB]);
        let mut counts = [0.0_f64; KSUB];
        for point in points.chunks_exact(dsub) {
            let word = nearest(&words[..dsub], point);
            sums[..dsub].iter_mut().zip(point).for_each(|(sums, x)| sums[word] += f64::from(*x));
            counts[word] += 1.0;
        }
        for word in (0..KSUB).filter(|word| counts[*word] > 0.0) {
            words.iter_mut().zip(&sums).for_each(|(words, sums)| words[word] = (sums[word] / counts[word]) as f32);
        }
    }
    words
}

/// The nearest codeword; of equals the first.
#[inline]
fn nearest(words: &[[f32; KSUB]], point: &[f32]) -> usize {
    let mut costs = [0.0; KSUB];
    for (words, x) in words.iter().zip(point) {
        for (cost, word) in costs.iter_mut().zip(words) {
            *cost += (x - word) * (x - word);
        }
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
    codebooks: Codebooks<'a>,
    /// The quantisation error: what the codes so far miss of the residual.
    error: Vec<f32>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(codebooks: Codebooks<'a>) -> Self {
        Self { codebooks, error: vec![0.0; codebooks.pieces.width()] }
    }

    /// Writes the codes of a residual, one for each subquantiser. `direction` is that of the row, of length one, or zero where
    /// errors weigh the same in all directions. Both are as wide as the pieces together.
    pub(crate) fn encode(&mut self, residual: &[f32], direction: &[f32], codes: &mut [u8]) {
        with_dsub!(self.codebooks.pieces.dsub, |dsub| self.encode_pieces(dsub, residual, direction, codes));
    }

    fn encode_pieces<D: Dsub>(&mut self, dsub: D, residual: &[f32], direction: &[f32], codes: &mut [u8]) {
        let mut parallel = self.take_nearest(dsub, residual, direction, codes);
        if direction.iter().all(|x| *x == 0.0) {
            return;
        }
        let pieces = || residual.chunks_exact(dsub.get()).zip(direction.chunks_exact(dsub.get()));
        for _ in 0..ROUNDS {
            if !self.improve(dsub, pieces(), codes, &mut parallel) {
                break;
            }
        }
    }

    /// The nearest codewords to begin with; returns the product of the error with the direction.
    fn take_nearest<D: Dsub>(&mut self, dsub: D, residual: &[f32], direction: &[f32], codes: &mut [u8]) -> f32 {
        let dsub = dsub.get();
        let mut parallel = 0.0_f32;
        let pieces =
            residual.chunks_exact(dsub).zip(direction.chunks_exact(dsub)).zip(self.error.chunks_exact_mut(dsub));
        let books = self.codebooks.numbers.chunks_exact(dsub);
        for ((words, code), ((residual, direction), error)) in books.zip(codes).zip(pieces) {
            let word = nearest(words, residual);
            *code = word as u8;
            let mut of_piece = 0.0;
            for (((error, x), words), y) in error.iter_mut().zip(residual).zip(words).zip(direction) {
                *error = x - words[word];
                of_piece += *error * y;
            }
            parallel += of_piece;
        }
        parallel
    }

    /// One round of coordinate descent: for each subquantiser, with its piece of residual and direction, the best codeword, given
    /// the others. Whether a code has changed.
    fn improve<'p, D: Dsub>(
        &mut self,
        dsub: D,
        pieces: impl Iterator<Item = (&'p [f32], &'p [f32])>,
        codes: &mut [u8],
        parallel: &mut f32,
    ) -> bool {
        let dsub = dsub.get();
        let mut changed = false;
        let books = self.codebooks.numbers.chunks_exact(dsub).zip(self.error.chunks_exact_mut(dsub));
        for (((words, error), code), (residual, direction)) in books.zip(codes).zip(pieces) {
            let others = error.iter().zip(direction).fold(*parallel, |rest, (error, y)| rest - error * y);
            let (mut costs, mut along) = ([0.0; KSUB], [others; KSUB]);
            for ((words, x), y) in words.iter().zip(residual).zip(direction) {
                for ((cost, along), word) in costs.iter_mut().zip(&mut along).zip(words) {
                    *cost += (x - word) * (x - word);
                    *along += (x - word) * y;
                }
            }
            for (cost, along) in costs.iter_mut().zip(&along) {
                *cost += (PARALLEL_WEIGHT - 1.0) * along * along;
            }
            let word = least(&costs);
            if word != usize::from(*code) {
                changed = true;
                *code = word as u8;
                *parallel = others;
                for (((error, x), words), y) in error.iter_mut().zip(residual).zip(words).zip(direction) {
                    *error = x - words[word];
                    *parallel += *error * y;
                }
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

    /// Pieces of each kind: those whose size the compiler knows, and others.
    const PIECES: [Subquantisation; 4] = [
        Subquantisation { count: 4, dsub: 2 },
        Subquantisation { count: 4, dsub: 3 },
        Subquantisation { count: 2, dsub: 4 },
        Subquantisation { count: 2, dsub: 7 },
    ];

    fn residuals(count: usize, width: usize) -> Vec<f32> {
        (0..count * width).map(|at| ((at as f32 * 0.61).sin() * 7.3).fract()).collect()
    }

    /// Sixteen points are their own codewords.
    #[test]
    fn codewords_of_sixteen_points_are_the_points() {
        let points: Vec<f32> = (0..16).flat_map(|at| [at as f32, (at * at) as f32]).collect();
        let numbers = train::<Serial>(&points, Subquantisation { count: 1, dsub: 2 });
        let mut words: Vec<[f32; 2]> = (0..KSUB).map(|word| [numbers[0][word], numbers[1][word]]).collect();
        words.sort_by(|a, b| a[0].total_cmp(&b[0]));
        assert_eq!(words.as_flattened(), points);
    }

    /// Without a direction codes are the nearest codewords, found here one by one in f64.
    #[test]
    fn codes_without_a_direction_are_nearest() {
        for pieces in PIECES {
            let all = residuals(400, pieces.width());
            let numbers = train::<Serial>(&all, pieces);
            let mut encoder = Encoder::new(Codebooks { pieces, numbers: &numbers });
            let mut codes = vec![0; pieces.count];
            for residual in all.chunks_exact(pieces.width()) {
                encoder.encode(residual, &vec![0.0; pieces.width()], &mut codes);
                for (sub, code) in codes.iter().enumerate() {
                    let first = pieces.dsub * sub;
                    let distance = |word: usize| -> f64 {
                        (first..first + pieces.dsub).map(|j| f64::from(residual[j] - numbers[j][word]).powi(2)).sum()
                    };
                    let best = (0..KSUB).map(distance).fold(f64::INFINITY, f64::min);
                    assert!(distance(usize::from(*code)) <= best * (1.0 + 1e-5), "{pieces:?} {sub}");
                }
            }
        }
    }

    /// With a direction the weighted error is never more than that of the nearest codewords.
    #[test]
    fn a_direction_lowers_the_weighted_error() {
        for pieces in PIECES {
            let width = pieces.width();
            let all = residuals(400, width);
            let numbers = train::<Serial>(&all, pieces);
            let mut encoder = Encoder::new(Codebooks { pieces, numbers: &numbers });
            let mut codes = vec![0; pieces.count];
            let length = (width.div_ceil(2) as f32).sqrt();
            let direction: Vec<f32> = (0..width).map(|at| if at % 2 == 0 { 1.0 / length } else { 0.0 }).collect();
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
                assert!(weighted <= nearest * (1.0 + 1e-5), "{pieces:?}");
                (with, without) = (with + weighted, without + nearest);
            }
            assert!(with < without, "{pieces:?}: {with} of {without}");
        }
    }
}
