//! Comparing a query with all vectors, one after the other.
//!
//! Sums in f32 are several times as fast as those in f64 that order answers, and they are off by no more than is known (Higham,
//! "Accuracy and Stability of Numerical Algorithms", §3.1): n terms in any order by n · u · Σ|term|, here in 32 lanes. So most
//! vectors are dismissed by their sums in f32, and those that may be among the nearest are compared in f64: the answer depends on
//! neither the kernel nor the order of its terms.

use super::Scratch;
use crate::filter::Filter;
use crate::packed::file::view::View;
use crate::packed::quantise::full::FullQuery;
use crate::{Backend, Metric};

/// Vectors that are compared at once.
const GROUP: usize = 4;

impl Scratch {
    /// Compares the query with all vectors that the filter allows.
    pub(super) fn scan_in_full<F: Filter>(&mut self, view: &View<'_>, n: usize, filter: &F) {
        let Self { given, nearest, .. } = self;
        nearest.reset(n);
        let full = FullQuery::new(view.backend, view.shape.metric, given);
        let mut rough = RoughQuery::new(view.backend, view.shape.metric, given);
        let (mut vectors, mut ids, mut count) = ([&[][..]; GROUP], [0; GROUP], 0);
        for (id, vector) in view.ids.iter().zip(view.vectors.chunks_exact(view.shape.dimensions)) {
            if !filter.allows(*id) {
                continue;
            }
            (vectors[count], ids[count]) = (vector, *id);
            count += 1;
            if count == GROUP {
                count = 0;
                for (at, may_be_near) in rough.may_be_near(vectors).into_iter().enumerate() {
                    if may_be_near {
                        nearest.push(full.order(vectors[at]), ids[at]);
                        rough.set_farthest(nearest.farthest());
                    }
                }
            }
        }
        for (vector, id) in vectors.iter().zip(ids).take(count) {
            nearest.push(full.order(vector), id);
        }
    }
}

/// A query that tells by sums in f32 which vectors may lie nearer than the farthest that is kept.
struct RoughQuery<'q> {
    backend: Backend,
    metric: Metric,
    query: &'q [f32],
    squared: f64,
    /// What a sum can be off, of the sum of its terms without their signs; and what terms may lose below the normal numbers.
    relative: f64,
    lost: f64,
    /// What a vector must reach, in the terms of `may_be_near`; the square with its sign for the angular metric.
    limit: f64,
}

impl<'q> RoughQuery<'q> {
    fn new(backend: Backend, metric: Metric, query: &'q [f32]) -> Self {
        let d = query.len() as f64;
        Self {
            backend,
            metric,
            query,
            squared: backend.dot_f64(query, query),
            // The terms of a lane, and folding lanes, and roundings of a term: twice as many to be safe.
            relative: (d / 32.0 + 12.0) * f64::from(f32::EPSILON),
            lost: (d + 1.0) * f64::from(f32::MIN_POSITIVE),
            limit: f64::NAN,
        }
    }

    /// Only vectors that are ordered by this, or before it, are of interest from now on.
    fn set_farthest(&mut self, order: f32) {
        // It was rounded to f32.
        let order = f64::from(order) + 1e-6 * f64::from(order.abs()) + f64::from(f32::MIN_POSITIVE);
        self.limit = match self.metric {
            Metric::Euclidean => (order + self.lost) * (1.0 + 2.0 * self.relative),
            Metric::Dot => -order - self.lost,
            _ => {
                let cosine = 1.0 - 0.5 * order - 1e-6 - 6.0 * self.relative;
                cosine * cosine.abs() * self.squared
            }
        };
        // Not yet as many as are wanted.
        if order.is_infinite() {
            self.limit = f64::NAN;
        }
    }

    /// Which vectors may be of interest. Of what is no number, nothing is sure.
    #[inline]
    fn may_be_near(&self, vectors: [&[f32]; GROUP]) -> [bool; GROUP] {
        if self.metric == Metric::Euclidean {
            // Terms have one sign, so that the bound is one of the sum itself. What overflows may be anywhere.
            let squares = self.backend.squared_l2_many(self.query, vectors);
            return squares.map(|square| !(f64::from(square) > self.limit && square < f32::INFINITY));
        }
        let (products, squares) = self.backend.dot_and_square_many(self.query, vectors);
        let mut may_be_near = [true; GROUP];
        for ((to, product), square) in may_be_near.iter_mut().zip(products).zip(squares) {
            let (product, square) = (f64::from(product), f64::from(square));
            *to = if self.metric == Metric::Dot {
                let missing = self.limit - product;
                let error = self.relative * self.relative * self.squared;
                !(missing > 0.0 && missing * missing > error * (square * (1.0 + 4.0 * self.relative) + self.lost))
            } else {
                // What a product or a square loses below the normal numbers does not count beside these.
                let is_normal = self.relative * square.min(self.squared) > self.lost;
                !(is_normal && product * product.abs() < self.limit * square)
            };
        }
        may_be_near
    }
}
