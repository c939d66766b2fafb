//! The query as codes whose scores by local codes ([`lvq`](crate::packed::quantise::lvq)) are no less than the true ones.
//!
//! Each row says how far it lies from what its codes stand for, so a score is an upper bound of its own. Rounding is paid for by
//! shares of the terms that are rounded: of (along − α)²/2 by 2⁻⁹ of it, as rows that are near lie near along the direction too; of the
//! others by 2⁻²⁰, where f32 rounds by 2⁻²⁴.

use core::ops::Range;

use super::code_bound::least_score;
use super::query_planes::QueryPlanes;
use crate::packed::file::local::LocalRows;
use crate::packed::quantise::lvq::{ERROR_ALONG, LocalSpace, MOST_AWAY, zero_point};
use crate::simd::in_f64::dot;
use crate::{Backend, Metric};

/// Rows that are scored at once.
pub(super) const GROUP: usize = 16;

const ROUNDED: f32 = 1.0 / (1 << 20) as f32;
const ALONG_ROUNDED: f32 = 1.0 / (1 << 9) as f32;

/// A query as codes, and what bounds its scores.
#[derive(Debug, Default)]
pub(crate) struct LocalQuery {
    pub(super) planes: QueryPlanes,
    /// Whether the second plane is used.
    is_fine: bool,
    /// What sums of each plane have too much.
    zeros: [i32; 2],
    /// The query's product with the direction.
    along: f32,
    /// What a row's error is multiplied with, and what its scale is, besides its products.
    of_error: f32,
    of_scale: f32,
    /// The square of its length in the index space.
    squared: f64,
    /// What all scores lack.
    base: f64,
    is_euclidean: bool,
}

impl LocalQuery {
    /// Encodes a query of the index space; false where nothing is known about the scores.
    pub(super) fn set(&mut self, metric: Metric, space: LocalSpace<'_>, query: &[f32]) -> bool {
        self.planes.encode(query, space.weights);
        let (mut coarse, mut fine, mut products) = (0.0, 0.0, 0.0);
        for [coded, left, fine_left] in self.planes.each(query, space.weights) {
            coarse += left * left;
            fine += fine_left * fine_left;
            products += coded.abs();
        }
        // By Cauchy and Schwarz; codes are no farther from zero than the most.
        let most = f64::from(MOST_AWAY) * libm::sqrt(query.len() as f64);
        let [coarse, fine] = [coarse, fine].map(|squared| libm::sqrt(squared) * most);
        let (squared, direction) = (dot(query, query), dot(space.direction, space.direction));
        let along = dot(query, space.direction);
        let share = if direction > 0.0 { along / direction } else { 0.0 };
        let across = libm::sqrt((squared - along * share).max(0.0) + 1e-12 * squared);
        // About the error of a row with a scale of 1: steps are off by half at the most, on average by 1/√12.
        let usual_error = 0.29 * libm::sqrt(dot(space.weights, space.weights));
        self.is_fine = coarse > across * usual_error + 2.0 * fine;
        let lost = if self.is_fine { fine } else { coarse };
        let rounding = f64::from(ROUNDED) * f64::from(MOST_AWAY) * 1.01 * products;
        self.zeros = [&self.planes.codes, &self.planes.fine_codes].map(|codes| zero_point(codes.as_flattened()));
        self.along = along as f32;
        self.of_error = above((across + ERROR_ALONG * share.abs()) * 1.000_01);
        self.of_scale = above(lost + rounding);
        self.squared = squared;
        self.is_euclidean = metric == Metric::Euclidean;
        let lost_along = along * along / (1_u64 << 32) as f64 + 1e-12 * squared + f64::from(f32::MIN_POSITIVE);
        self.base = lost_along + if self.is_euclidean { 0.5 * along * along } else { 0.0 };
        // Half the range of f32: what scores are made of does not overflow either.
        self.of_error.is_finite() && self.of_scale.is_finite() && squared < 1e38
    }

    /// What scores exceed, of rows that are ordered by this or before it.
    pub(super) fn limit(&self, metric: Metric, order: f32) -> f32 {
        let limit = least_score(metric, self.squared, order) - self.base;
        // Of what is no number, nothing is sure.
        if limit.is_nan() { f32::NEG_INFINITY } else { (limit as f32).next_down() }
    }

    /// Upper bounds of the scores of rows that follow each other; of rows that are not there, anything.
    #[inline]
    pub(super) fn scores(&self, backend: Backend, local: &LocalRows<'_>, rows: Range<u32>) -> [f32; GROUP] {
        let (lines, width) = local.lines(rows.clone());
        let QueryPlanes { codes, fine_codes, step, fine_step } = &self.planes;
        let mut sums = [0; GROUP];
        backend.dot_u7_lines(codes, lines, width, &mut sums);
        let mut products = sums.map(|sum| step * sum.wrapping_sub(self.zeros[0]) as f32);
        if self.is_fine {
            backend.dot_u7_lines(fine_codes, lines, width, &mut sums);
            products
                .iter_mut()
                .zip(sums)
                .for_each(|(to, sum)| *to += fine_step * sum.wrapping_sub(self.zeros[1]) as f32);
        }
        let mut scores = [0.0; GROUP];
        let [along, scale, bias, error] = local.numbers(rows);
        let each = scores.iter_mut().zip(products).zip(along).zip(scale).zip(error);
        if self.is_euclidean {
            for (((((score, product), along), scale), error), bias) in each.zip(bias) {
                let far = along - self.along;
                let across = bias + ROUNDED * bias.abs() + scale * (product + self.of_scale) + error * self.of_error;
                *score = across - (0.5 - ALONG_ROUNDED) * far * far;
            }
        } else {
            let rounded = ROUNDED * self.along.abs();
            for ((((score, product), along), scale), error) in each {
                let across = scale * (product + self.of_scale) + error * self.of_error;
                *score = across + (along * self.along + along.abs() * rounded);
            }
        }
        scores
    }
}

/// An f32 that is no less.
fn above(x: f64) -> f32 {
    (x as f32).next_up()
}
