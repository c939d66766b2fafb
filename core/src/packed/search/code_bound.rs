//! The query as codes whose scores are off by no more than is known.
//!
//! A file says how far its rows lie from what their codes stand for, and how far their codes lie from their mean. With what the
//! query's own codes lose, that bounds the error of its scores of all rows; the formula and why it holds stand at
//! [`error_bound`](crate::packed::truth::error_bound).

use core::ops::Range;

use super::local_bound::GROUP;
use super::query_planes::QueryPlanes;
use crate::Metric;
use crate::packed::file::sections::{LINE, row_bytes};
use crate::packed::file::view::View;
use crate::packed::quantise::sq7::{MOST_CODE, row_bias};
use crate::simd::in_f64::dot;

/// A query as codes, and how much its scores can be off.
#[derive(Debug, Default)]
pub(crate) struct BoundedQuery {
    pub(super) planes: QueryPlanes,
    /// Whether the second plane is used.
    pub(super) is_fine: bool,
    /// The square of its length in the index space.
    squared: f64,
    /// What all scores lack.
    base: f64,
    bound: f64,
}

/// What a plane of codes leaves of a query.
#[derive(Clone, Copy, Default)]
struct Loss {
    /// The square of its length, and its product with the mean code.
    squared: f64,
    known: f64,
}

impl Loss {
    fn add(&mut self, of_query: f64, mean: f64) {
        self.squared += of_query * of_query;
        self.known += of_query * mean;
    }
}

impl BoundedQuery {
    /// Encodes a query of the index space; false where nothing is known about the scores.
    pub(super) fn set(&mut self, view: &View<'_>, query: &[f32]) -> bool {
        let Some((mean, worst)) = view.code_errors else { return false };
        self.planes.encode(query, view.quantiser.step);
        let (mut coarse, mut fine, mut products, mut base) = (Loss::default(), Loss::default(), 0.0, 0.0);
        let planes = self.planes.each(query, view.quantiser.step);
        for (([coded, left, fine_left], x), (offset, mean)) in
            planes.zip(query).zip(view.quantiser.offset.iter().zip(mean))
        {
            coarse.add(left, f64::from(*mean));
            fine.add(fine_left, f64::from(*mean));
            products += f64::from(MOST_CODE) * coded.abs();
            base += f64::from(*x) * f64::from(*offset);
        }
        self.squared = dot(query, query);
        let unknown_of_rows = libm::sqrt(self.squared) * f64::from(worst.residual);
        let unknown = |loss: Loss| libm::sqrt(loss.squared) * f64::from(worst.codes);
        // Twice the work, which pays where it halves what is unknown.
        self.is_fine = unknown(coarse) > unknown_of_rows + 2.0 * unknown(fine);
        let loss = if self.is_fine { fine } else { coarse };
        self.base = base + loss.known;
        // Scores and limits are rounded a few times on the way; the second plane adds less than a hundredth to the products.
        let added = self.base.abs() + f64::from(worst.bias);
        let rounding = 8.0 * f64::from(f32::EPSILON) * (1.01 * products + added) + f64::from(f32::MIN_POSITIVE);
        self.bound = unknown(loss) + unknown_of_rows + rounding;
        // Half the range of f32: scores do not overflow either.
        self.bound.is_finite() && products + added < 1e38
    }

    /// The scores of rows that follow each other; of rows that are not there, anything.
    #[inline]
    pub(super) fn scores(&self, view: &View<'_>, rows: Range<u32>) -> [f32; GROUP] {
        let QueryPlanes { codes, fine_codes, step, fine_step } = &self.planes;
        let (lines, width) = (view.coded_lines(rows), row_bytes(view.shape.dimensions) / LINE);
        let mut sums = [0; GROUP];
        view.backend.dot_u7_lines(codes, lines, width, &mut sums);
        let mut scores = sums.map(|sum| step * sum as f32);
        if self.is_fine {
            view.backend.dot_u7_lines(fine_codes, lines, width, &mut sums);
            scores.iter_mut().zip(sums).for_each(|(score, sum)| *score += fine_step * sum as f32);
        }
        // Of the other metrics it is 0, at the end of the row, where it may be alone in its line.
        if view.shape.metric == Metric::Euclidean {
            let rows = lines.chunks_exact(width);
            scores.iter_mut().zip(rows).for_each(|(score, row)| *score += row_bias(row.as_flattened()));
        }
        scores
    }

    /// What scores exceed, of rows that are ordered by this or before it.
    pub(super) fn limit(&self, metric: Metric, order: f32) -> f32 {
        let limit = least_score(metric, self.squared, order) - self.base - self.bound;
        // Of what is no number, nothing is sure.
        if limit.is_nan() { f32::NEG_INFINITY } else { (limit as f32).next_down() }
    }

    /// What scores of the best rows exceed, where this is the worst score of as many.
    pub(super) fn limit_by_codes(&self, metric: Metric, nth: f32) -> f32 {
        let order = |score: f64| match metric {
            Metric::Dot => -score,
            Metric::Euclidean => self.squared - 2.0 * score,
            _ => 2.0 - 2.0 * score,
        };
        let score = f64::from(nth) + self.base - self.bound;
        let farthest = order(score - slack(order(score), self.squared));
        self.limit(metric, (farthest as f32).next_up())
    }

    /// How much a score can be off.
    pub(super) fn bound(&self) -> f32 {
        self.bound as f32
    }
}

/// What orders was rounded to f32, and so were directions and differences from the origin.
fn slack(order: f64, squared: f64) -> f64 {
    1e-6 * (order.abs() + squared) + f64::from(f32::MIN_POSITIVE)
}

/// The score of a row that is ordered by this, or a little less, of a query with this square of its length in the index space.
pub(crate) fn least_score(metric: Metric, squared: f64, order: f32) -> f64 {
    let order = f64::from(order);
    let score = match metric {
        Metric::Dot => -order,
        Metric::Euclidean => 0.5 * (squared - order),
        _ => 1.0 - 0.5 * order,
    };
    score - slack(order, squared)
}
