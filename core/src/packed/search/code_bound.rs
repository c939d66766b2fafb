//! The query as codes whose scores are off by no more than is known.
//!
//! A file says how far its rows lie from what their codes stand for, and how far their codes lie from their mean. With what the
//! query's own codes lose, that bounds the error of its scores of all rows; the formula and why it holds stand at
//! [`error_bound`](crate::packed::truth::error_bound).
//!
//! Where one product of the query with a step is much greater than the others, those become codes of 0. Then a second plane of
//! codes, for what the first has left, is worth its products.

use alloc::vec::Vec;

use crate::Metric;
use crate::packed::file::sections::LINE;
use crate::packed::file::view::View;
use crate::packed::quantise::sq7::{MOST_CODE, encode_query};
use crate::simd::in_f64::dot;

/// Steps of the second plane in one of the first: its codes, too, go from −127 to 127.
const FINER: f32 = 2.0 * MOST_CODE;

/// A query as codes, and how much its scores can be off.
#[derive(Debug, Default)]
pub(crate) struct BoundedQuery {
    /// The codes in whole lines, 0 beyond the dimensions, and what a step of them stands for; the second plane where it is used.
    pub(super) codes: Vec<[i8; LINE]>,
    pub(super) fine_codes: Vec<[i8; LINE]>,
    pub(super) step: f32,
    pub(super) fine_step: f32,
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
        self.encode(view, query);
        let (mut coarse, mut fine, mut products, mut base) = (Loss::default(), Loss::default(), 0.0, 0.0);
        let steps = view.quantiser.offset.iter().zip(view.quantiser.step);
        let each =
            query.iter().zip(steps).zip(self.codes.as_flattened().iter().zip(self.fine_codes.as_flattened())).zip(mean);
        for (((x, (offset, step)), (code, fine_code)), mean) in each {
            let [x, offset, step, mean] = [*x, *offset, *step, *mean].map(f64::from);
            let [code, fine_code] = [*code, *fine_code].map(f64::from);
            let left = x * step - f64::from(self.step) * code;
            coarse.add(left, mean);
            fine.add(left - f64::from(self.fine_step) * fine_code, mean);
            products += f64::from(MOST_CODE) * (f64::from(self.step) * code).abs();
            base += x * offset;
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

    /// Makes room for a query.
    pub(super) fn reserve(&mut self, dimensions: usize) {
        for codes in [&mut self.codes, &mut self.fine_codes] {
            codes.clear();
            codes.reserve(dimensions.div_ceil(LINE));
        }
    }

    fn encode(&mut self, view: &View<'_>, query: &[f32]) {
        for codes in [&mut self.codes, &mut self.fine_codes] {
            codes.clear();
            codes.resize(query.len().div_ceil(LINE), [0; LINE]);
        }
        let (codes, fine_codes) = (self.codes.as_flattened_mut(), self.fine_codes.as_flattened_mut());
        self.step = encode_query(query, view.quantiser, codes);
        self.fine_step = self.step / FINER;
        for (((fine, code), x), step) in fine_codes.iter_mut().zip(codes).zip(query).zip(view.quantiser.step) {
            let left = f64::from(*x) * f64::from(*step) - f64::from(self.step) * f64::from(*code);
            let steps = left / f64::from(self.fine_step);
            // Truncated away from zero where it is half a step or more; a cast makes 0 of what is no number.
            *fine = (steps + 0.5_f64.copysign(steps)).clamp(-127.0, 127.0) as i8;
        }
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
