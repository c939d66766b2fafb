//! Locally-adaptive quantisation: 7-bit codes with a scale for each row (Aguerrebere, Bhati, Hildebrand, Tepper, Willke,
//! "Similarity search in the blink of an eye with compressed indices", 2023), of what a direction that all rows share leaves of them.
//!
//! A row of the index space is
//!
//! ```text
//! x = along · p + across,   across ≈ scale · w∘(u − 64) but for an error v and what the codes have along p
//! ```
//!
//! with the shared direction p and weights w, and codes u from 1 to 127. One column that is much larger than the others, or vectors
//! that all point nearly the same way, are in `along`, which is an f32; rows that are much longer than others do not widen the
//! steps of those. The grid of [`sq7`](super::sq7), which is the same for all rows, suffers from both.
//!
//! With α = q·p, and q' for what the direction leaves of a query,
//!
//! ```text
//! q·x = α · along + scale · Σ (q'w)·(u − 64) + q'·v,   |q'·v| ≤ ‖q'‖ · ‖v‖
//! ```
//!
//! Euclidean scores, q·x − ‖x‖²/2, are α²/2 − (along − α)²/2 + bias + scale · Σ (q'w)·(u − 64) + q'·v, with the bias
//! (along² − ‖x‖²)/2: large numbers along p cancel before they are squared. (What rounding `along` leaves of it, ρ, adds αρ; the part
//! along · ρ of that is in the bias too.)

use alloc::vec::Vec;

use crate::Metric;

/// The code of zero.
const MIDDLE: i32 = 64;
/// How far codes are from it at the most.
pub(crate) const MOST_AWAY: i32 = 63;

/// What rounding may leave of `along`: so much of it, and no more than the least number where it is tiny.
const ALONG_ROUNDED: f64 = 1.0 / (1 << 23) as f64;
pub(crate) const LEAST: f64 = 1.401_298_464_324_817e-45;
/// What a bias may be too much: so much of it, and so much of the square of the row's length.
const BIAS_ROUNDED: f64 = 1.0 / (1 << 22) as f64;
const BIAS_NOISE: f64 = 1.0 / (1_u64 << 46) as f64;

/// What the local codes of all rows share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalSpace<'a> {
    /// At length one, or zero.
    pub(crate) direction: &'a [f32],
    /// The steps of each dimension for a scale of 1.
    pub(crate) weights: &'a [f32],
}

/// What is kept of a row besides its codes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LocalRow {
    pub(crate) along: f32,
    pub(crate) scale: f32,
    /// What euclidean scores have besides products, rounded up; else 0.
    pub(crate) bias: f32,
    /// No less than the length of the error.
    pub(crate) error: f32,
}

/// What a row's codes and its `along` miss.
struct CodeError {
    /// The length of the error.
    across: f64,
    /// What has to be added to `along`.
    along: f64,
}

impl LocalSpace<'_> {
    /// Writes the codes of a row of the index space.
    pub(crate) fn encode(self, metric: Metric, row: &[f32], codes: &mut [u8], steps: &mut Vec<f64>) -> LocalRow {
        let along = self.along(row);
        steps.clear();
        let each = row.iter().zip(self.direction).zip(self.weights);
        steps.extend(each.map(|((x, p), w)| {
            let steps = (f64::from(*x) - along * f64::from(*p)) / f64::from(*w);
            if steps.is_finite() { steps } else { 0.0 }
        }));
        let most = steps.iter().fold(0.0_f64, |most, steps| most.max(steps.abs()));
        // Of a row that is longer than f32 can tell in weights, all is error.
        let scale = Some((most / f64::from(MOST_AWAY)) as f32).filter(|scale| *scale < f32::MAX).unwrap_or(0.0);
        for (code, steps) in codes.iter_mut().zip(steps) {
            let away = if scale > 0.0 { libm::round(*steps / f64::from(scale)) } else { 0.0 };
            *code = (MIDDLE + (away as i32).clamp(-MOST_AWAY, MOST_AWAY)) as u8;
        }
        let mut local = LocalRow { along: along as f32, scale, ..LocalRow::default() };
        let error = self.error(row, codes, local);
        // With what computing it in f64 can be off.
        local.error = up(error.across * (1.0 + 1e-9) + libm::sqrt(product(row, row)) / f64::from(1 << 28));
        local.bias = up(least_bias(metric, row, local, &error));
        local
    }

    /// A vector's product with the direction, for a direction of length one; 0 where there is none.
    pub(crate) fn along(self, vector: &[f32]) -> f64 {
        let squared = product(self.direction, self.direction);
        if squared > 0.0 { product(vector, self.direction) / squared } else { 0.0 }
    }

    fn error(self, row: &[f32], codes: &[u8], local: LocalRow) -> CodeError {
        let scale = f64::from(local.scale);
        let left = |((x, code), w): ((&f32, &u8), &f32)| {
            f64::from(*x) - scale * f64::from(*w) * f64::from(i32::from(*code) - MIDDLE)
        };
        let left = || row.iter().zip(codes).zip(self.weights).map(left).zip(self.direction);
        let squared = product(self.direction, self.direction);
        let along = left().map(|(left, p)| left * f64::from(*p)).sum::<f64>();
        let along = if squared > 0.0 { along / squared } else { 0.0 };
        let across = left().map(|(left, p)| left - along * f64::from(*p)).map(|x| x * x).sum();
        CodeError { across: libm::sqrt(across), along: self.along(row) - f64::from(local.along) }
    }

    /// Whether codes and numbers keep what scores rely on.
    pub(crate) fn is_kept(self, metric: Metric, row: &[f32], codes: &[u8], local: LocalRow) -> bool {
        let error = self.error(row, codes, local);
        let (along, of_error) = (f64::from(local.along).abs(), f64::from(local.error));
        let least = least_bias(metric, row, local, &error);
        let most = least + BIAS_ROUNDED * least.abs() + BIAS_NOISE * product(row, row) + f64::from(f32::MIN_POSITIVE);
        let is_bias = (least..=most).contains(&f64::from(local.bias));
        local.scale >= 0.0
            && codes.iter().all(|code| (1..=127).contains(code))
            && error.across <= of_error
            && error.along.abs() <= ALONG_ROUNDED * along + LEAST
            && is_bias
            && [local.along, local.scale, local.bias, local.error].iter().all(|x| x.is_finite())
    }
}

fn least_bias(metric: Metric, row: &[f32], local: LocalRow, error: &CodeError) -> f64 {
    if metric != Metric::Euclidean {
        return 0.0;
    }
    let along = f64::from(local.along);
    0.5 * (along * along - product(row, row)) + along * error.along
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The next f32 that is no less.
pub(crate) fn up(x: f64) -> f32 {
    let rounded = x as f32;
    if f64::from(rounded) < x { rounded.next_up() } else { rounded }
}

/// What products of query codes have to be less, as the code of zero is not 0.
pub(crate) fn zero_point(codes: &[i8]) -> i32 {
    MIDDLE * codes.iter().map(|code| i32::from(*code)).sum::<i32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of every size: one large number, all large, tiny, none.
    fn rows(dimensions: usize) -> Vec<Vec<f32>> {
        let number = |at: usize| ((at as f32 * 0.77).sin() * 43.1).fract();
        let mut rows: Vec<Vec<f32>> =
            (0..60).map(|row| (0..dimensions).map(|j| number(row * dimensions + j)).collect()).collect();
        for (at, row) in rows.iter_mut().enumerate() {
            let by = [1.0, 1e-3, 1e6, 1e-20][at % 4];
            for x in row.iter_mut() {
                *x *= by;
            }
            row[2] *= [1.0, 300.0][at / 4 % 2];
        }
        rows.push(alloc::vec![0.0; dimensions]);
        rows
    }

    /// With any direction and weights, products by codes are off by no more than the formula at the top says, in f64.
    #[test]
    fn products_by_codes_are_off_by_no_more_than_the_errors() {
        let dimensions = 9;
        let rows = rows(dimensions);
        let axis: Vec<f32> = (0..dimensions).map(|j| if j == 2 { 1.0 } else { 0.0 }).collect();
        let even = alloc::vec![1.0 / 3.0; dimensions];
        let none = alloc::vec![0.0; dimensions];
        let weights: Vec<f32> = (0..dimensions).map(|j| if j == 4 { 0.0 } else { 0.5 + j as f32 }).collect();
        for direction in [&axis, &even, &none] {
            let space = LocalSpace { direction, weights: &weights };
            for row in &rows {
                let mut codes = alloc::vec![0; dimensions];
                let local = space.encode(Metric::Euclidean, row, &mut codes, &mut Vec::new());
                assert!(space.is_kept(Metric::Euclidean, row, &codes, local), "{row:?} {local:?}");
                for query in &rows {
                    let error = score_error(space, query, row, &codes, local);
                    assert!(error <= 0.0, "{query:?} {row:?} {local:?}: {error}");
                }
            }
        }
    }

    /// By how much a euclidean score exceeds what it can be by the codes.
    fn score_error(space: LocalSpace<'_>, query: &[f32], row: &[f32], codes: &[u8], local: LocalRow) -> f64 {
        let [along, scale, bias, error] = [local.along, local.scale, local.bias, local.error].map(f64::from);
        let (alpha, of_query) = (product(query, space.direction), space.along(query));
        let left: Vec<f64> =
            query.iter().zip(space.direction).map(|(q, p)| f64::from(*q) - of_query * f64::from(*p)).collect();
        let length = libm::sqrt(left.iter().map(|x| x * x).sum());
        let each = left.iter().zip(space.weights).zip(codes);
        let products: f64 = each.map(|((q, w), u)| q * f64::from(*w) * f64::from(i32::from(*u) - MIDDLE)).sum();
        let upper = 0.5 * alpha * alpha - 0.5 * (along - alpha) * (along - alpha)
            + bias
            + scale * products
            + (alpha - along).abs() * ALONG_ROUNDED * along.abs()
            + length * error;
        let score = product(query, row) - 0.5 * product(row, row);
        score - upper - 1e-12 * (product(query, query) + product(row, row))
    }

    #[test]
    fn codes_of_another_row_do_not_keep_the_rule() {
        let rows = rows(9);
        let weights = [1.0; 9];
        let space = LocalSpace { direction: &[0.0; 9], weights: &weights };
        let mut codes = alloc::vec![0; 9];
        let local = space.encode(Metric::Dot, &rows[0], &mut codes, &mut Vec::new());
        assert!(space.is_kept(Metric::Dot, &rows[0], &codes, local));
        assert!(!space.is_kept(Metric::Dot, &rows[2], &codes, local));
        assert!(!space.is_kept(Metric::Dot, &rows[0], &codes, LocalRow { error: 0.0, ..local }));
        assert!(!space.is_kept(Metric::Dot, &rows[0], &codes, LocalRow { scale: -local.scale, ..local }));
        codes[3] = 0;
        assert!(!space.is_kept(Metric::Dot, &rows[0], &codes, local));
    }
}
