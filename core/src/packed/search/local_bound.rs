//! The query as codes whose scores by local codes ([`lvq`](crate::packed::quantise::lvq)) are no less than the true ones.
//!
//! Each row says how far it lies from what its codes stand for, so a score is an upper bound of its own. Rounding is paid for by
//! shares of the terms that are rounded: of (along − α)²/2 by 2⁻⁹ of it, as rows that are near lie near along the direction too; of the
//! others by 2⁻²⁰, where f32 rounds by 2⁻²⁴.

use alloc::vec::Vec;
use core::ops::Range;

use super::code_bound::{greatest_order, least_score};
use super::query_planes::QueryPlanes;
use crate::packed::file::local::{GROUP, LocalRows};
use crate::packed::quantise::lvq::{LEAST, LocalRow, LocalSpace, MOST_AWAY, zero_point};
use crate::simd::in_f64::dot;
use crate::{Backend, Metric};

const ROUNDED: f32 = 1.0 / (1 << 20) as f32;
const ALONG_ROUNDED: f32 = 1.0 / (1 << 9) as f32;

/// A query as codes, and what bounds its scores.
#[derive(Debug, Default)]
pub(crate) struct LocalQuery {
    planes: QueryPlanes,
    /// What the direction leaves of it.
    across: Vec<f32>,
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
    /// What all scores lack, with what rounding numbers along the direction can lose.
    base: f64,
    lost_along: f64,
    is_euclidean: bool,
}

impl LocalQuery {
    /// Encodes a query of the index space; false where nothing is known about the scores.
    pub(super) fn set(&mut self, metric: Metric, space: LocalSpace<'_>, query: &[f32]) -> bool {
        let (along, share) = (dot(query, space.direction), space.along(query));
        self.across.clear();
        self.across
            .extend(query.iter().zip(space.direction).map(|(q, p)| (f64::from(*q) - share * f64::from(*p)) as f32));
        self.planes.encode(&self.across, space.weights);
        let (mut coarse, mut fine, mut products) = (0.0, 0.0, 0.0);
        for [coded, left, fine_left] in self.planes.each(&self.across, space.weights) {
            coarse += left * left;
            fine += fine_left * fine_left;
            products += coded.abs() + left.abs();
        }
        // By Cauchy and Schwarz; codes are no farther from zero than the most.
        let most = f64::from(MOST_AWAY) * libm::sqrt(query.len() as f64);
        let [coarse, fine] = [coarse, fine].map(|squared| libm::sqrt(squared) * most);
        let squared = dot(query, query);
        let across = libm::sqrt(dot(&self.across, &self.across) + 1e-12 * squared);
        // About the error of a row with a scale of 1: steps are off by half at the most, on average by 1/√12.
        let usual_error = 0.29 * libm::sqrt(dot(space.weights, space.weights));
        // Twice the work, which pays where most of what is unknown is the query's.
        self.is_fine = coarse > 4.0 * across * usual_error + 2.0 * fine;
        let lost = if self.is_fine { fine } else { coarse };
        self.zeros = [&self.planes.codes, &self.planes.fine_codes].map(|codes| zero_point(codes.as_flattened()));
        self.along = along as f32;
        // Sums in f64 are off, too, by less than a row's error times this.
        self.of_error = above((across + along.abs() / f64::from(1 << 20)) * 1.000_01);
        self.of_scale = above(lost + f64::from(ROUNDED) * f64::from(MOST_AWAY) * 1.01 * products);
        self.squared = squared;
        self.is_euclidean = metric == Metric::Euclidean;
        self.lost_along = along * along / (1_u64 << 32) as f64
            + 1e-12 * squared
            + 4.0 * LEAST * along.abs()
            + f64::from(f32::MIN_POSITIVE);
        self.base = self.lost_along + if self.is_euclidean { 0.5 * along * along } else { 0.0 };
        // Half the range of f32: what scores are made of does not overflow either.
        // So small a query is not rounded in proportion.
        self.of_error.is_finite() && self.of_scale.is_finite() && (squared == 0.0 || (1e-60..1e38).contains(&squared))
    }

    /// Makes room for a query.
    pub(super) fn reserve(&mut self, dimensions: usize) {
        self.planes.reserve(dimensions);
        self.across.clear();
        self.across.reserve(dimensions);
    }

    /// What scores exceed, of rows that are ordered by this or before it.
    pub(super) fn limit(&self, metric: Metric, order: f32) -> f32 {
        let limit = least_score(metric, self.squared, order) - self.base;
        // Of what is no number, nothing is sure.
        if limit.is_nan() { f32::NEG_INFINITY } else { (limit as f32).next_down() }
    }

    /// What the score of a row is no less than, of which this is the upper bound.
    pub(super) fn lower_bound(&self, upper: f32, row: LocalRow) -> f32 {
        let LocalRow { along, scale, bias, error } = row;
        let far = along - self.along;
        let rounded = if self.is_euclidean {
            ROUNDED * bias.abs() + ALONG_ROUNDED * far * far
        } else {
            ROUNDED * (along * self.along).abs()
        };
        // Twice what was added to the score, and a little for this sum.
        let lower = upper - 2.001 * (scale * self.of_scale + error * self.of_error + rounded);
        // Of what overflows, nothing is known.
        if lower.is_finite() { lower } else { f32::NEG_INFINITY }
    }

    /// What scores of the best rows exceed, where so many rows have at least this score.
    pub(super) fn limit_by_score(&self, metric: Metric, score: f32) -> f32 {
        let score = f64::from(score) + self.base - 2.0 * self.lost_along;
        self.limit(metric, (greatest_order(metric, self.squared, score) as f32).next_up())
    }

    /// Upper bounds of the scores of rows that follow each other; of rows that are not there, anything.
    #[inline]
    pub(super) fn scores(&self, backend: Backend, local: &LocalRows<'_>, rows: Range<u32>) -> [f32; GROUP] {
        let products = self.planes.scores(backend, local.lines(rows.clone()), self.zeros, self.is_fine);
        match local.numbers(rows.start) {
            Some(numbers) => self.upper_bounds(&products, numbers),
            None => self.upper_bounds(&products, local.last_numbers(rows.start).each_ref()),
        }
    }

    /// An upper bound of the score of a row.
    #[inline]
    pub(super) fn score(&self, backend: Backend, local: &LocalRows<'_>, row: u32) -> f32 {
        let codes = local.lines(row..row + 1).0.as_flattened();
        let LocalRow { along, scale, bias, error } = local.row(row);
        let product = self.planes.score(backend, codes, self.zeros, self.is_fine);
        self.upper_bound(product, [along, scale, bias, error])
    }

    /// What products by codes are as scores, with the numbers of the rows.
    #[inline]
    fn upper_bounds(&self, products: &[f32; GROUP], numbers: [&[f32; GROUP]; 4]) -> [f32; GROUP] {
        let [along, scale, bias, error] = numbers;
        let number = |at: usize| [along[at], scale[at], bias[at], error[at]];
        // Each loop has one kind of term.
        if self.is_euclidean {
            core::array::from_fn(|at| self.euclidean_bound(products[at], number(at)))
        } else {
            core::array::from_fn(|at| self.product_bound(products[at], number(at)))
        }
    }

    #[inline]
    fn upper_bound(&self, product: f32, numbers: [f32; 4]) -> f32 {
        if self.is_euclidean { self.euclidean_bound(product, numbers) } else { self.product_bound(product, numbers) }
    }

    #[inline]
    fn euclidean_bound(&self, product: f32, [along, scale, bias, error]: [f32; 4]) -> f32 {
        let far = along - self.along;
        let across = scale * (product + self.of_scale) + error * self.of_error;
        across + (bias + ROUNDED * bias.abs()) - (0.5 - ALONG_ROUNDED) * far * far
    }

    #[inline]
    fn product_bound(&self, product: f32, [along, scale, _, error]: [f32; 4]) -> f32 {
        let across = scale * (product + self.of_scale) + error * self.of_error;
        across + (along * self.along + along.abs() * (ROUNDED * self.along.abs()))
    }
}

/// An f32 that is no less.
fn above(x: f64) -> f32 {
    (x as f32).next_up()
}
