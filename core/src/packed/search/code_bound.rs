//! The query as codes whose scores are off by no more than is known.
//!
//! A file says how far its rows lie from what their codes stand for, and how far their codes lie from their mean. With what the
//! query's own codes lose, that bounds the error of its scores of all rows; the formula and why it holds stand at
//! [`error_bound`](crate::packed::truth::error_bound).

use core::ops::Range;

use super::query_planes::QueryPlanes;
use crate::Metric;
use crate::packed::file::local::GROUP;
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
        let (lines, width) = (view.coded_lines(rows), row_bytes(view.shape.dimensions) / LINE);
        let mut scores = self.planes.scores(view.backend, (lines, width), [0; 2], self.is_fine);
        // Of the other metrics it is 0, at the end of the row, where it may be alone in its line.
        if view.shape.metric == Metric::Euclidean {
            let rows = lines.chunks_exact(width);
            scores.iter_mut().zip(rows).for_each(|(score, row)| *score += row_bias(row.as_flattened()));
        }
        scores
    }

    /// The score of a row.
    #[inline]
    pub(super) fn score(&self, view: &View<'_>, row: u32) -> f32 {
        let coded = view.coded_row(row);
        let score = self.planes.score(view.backend, coded, [0; 2], self.is_fine);
        if view.shape.metric == Metric::Euclidean { score + row_bias(coded) } else { score }
    }

    /// What scores exceed, of rows that are ordered by this or before it.
    pub(super) fn limit(&self, metric: Metric, order: f32) -> f32 {
        let limit = least_score(metric, self.squared, order) - self.base - self.bound;
        // Of what is no number, nothing is sure.
        if limit.is_nan() { f32::NEG_INFINITY } else { (limit as f32).next_down() }
    }

    /// What scores of the best rows exceed, where this is the worst score of as many.
    pub(super) fn limit_by_codes(&self, metric: Metric, nth: f32) -> f32 {
        let farthest = greatest_order(metric, self.squared, f64::from(nth) + self.base - self.bound);
        self.limit(metric, (farthest as f32).next_up())
    }
}

/// What rounding a number to f32 changes, of the number, and a little more.
const ROUNDED: f64 = 6.1e-8;

/// What the order of a row was rounded by.
fn order_rounded(order: f64) -> f64 {
    2.0 * ROUNDED * order.abs() + f64::from(f32::MIN_POSITIVE)
}

/// How far, in the index space, a distance can be from the true one: the query and the row, which is no longer than both together,
/// were each rounded when they were moved there.
fn moved(distance: f64, squared: f64) -> f64 {
    ROUNDED * (2.0 * libm::sqrt(squared) + 1.01 * distance)
}

/// What differences of squares in f64 can be off.
const CANCELLED: f64 = 1e-14;

/// The score of a row that is ordered by this, or a little less, of a query with this square of its length in the index space.
pub(crate) fn least_score(metric: Metric, squared: f64, order: f32) -> f64 {
    let order = f64::from(order);
    let order = order + order_rounded(order);
    match metric {
        Metric::Dot => -order,
        Metric::Euclidean => {
            let distance = libm::sqrt(order);
            let distance = distance + moved(distance, squared);
            0.5 * (squared - distance * distance) - CANCELLED * squared
        }
        // Directions were rounded.
        _ => 1.0 - 0.5 * order - 4.0 * ROUNDED,
    }
}

/// What orders a row of this score, or a little more.
pub(super) fn greatest_order(metric: Metric, squared: f64, score: f64) -> f64 {
    let order = match metric {
        Metric::Dot => -score,
        Metric::Euclidean => {
            let distance = libm::sqrt((squared - 2.0 * score).max(0.0) + 2.0 * CANCELLED * squared);
            let distance = distance + moved(distance, squared);
            distance * distance
        }
        _ => 2.0 - 2.0 * score + 8.0 * ROUNDED,
    };
    order + order_rounded(order)
}
