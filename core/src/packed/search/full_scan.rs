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
use crate::simd::prefetch_lines;
use crate::top_k::TopK;
use crate::{Backend, Metric};

/// Vectors that are compared at once.
pub(super) const AT_ONCE: usize = 8;

/// How many times as many vectors ahead memory is asked for.
const AHEAD: usize = 3;
const NUMBERS_OF_LINE: usize = 16;

impl Scratch {
    /// Compares the query with all vectors that the filter allows.
    pub(super) fn scan_in_full<F: Filter>(&mut self, view: &View<'_>, n: usize, filter: &F) {
        let Self { given, nearest, .. } = self;
        nearest.reset(n);
        let mut query = RoughQuery::new(view.backend, view.shape.metric, given);
        let block = AT_ONCE * view.shape.dimensions;
        // Vectors that the filter allows, where it forbids others beside them.
        let (mut vectors, mut ids, mut count): ([&[f32]; AT_ONCE], _, _) = ([&[][..]; AT_ONCE], [0; AT_ONCE], 0);
        for (at, (some_ids, some)) in view.ids.chunks(AT_ONCE).zip(view.vectors.chunks(block)).enumerate() {
            // Processors foresee by themselves only what lies in the same page.
            prefetch_lines(view.vectors.get((at + AHEAD) * block..).unwrap_or(&[]), block.div_ceil(NUMBERS_OF_LINE));
            let some = some.chunks_exact(view.shape.dimensions);
            if some_ids.len() == AT_ONCE && some_ids.iter().all(|id| filter.allows(*id)) {
                let mut all = [&[][..]; AT_ONCE];
                all.iter_mut().zip(some).for_each(|(to, vector)| *to = vector);
                query.compare(all, some_ids, nearest);
                continue;
            }
            for (id, vector) in some_ids.iter().zip(some).filter(|(id, _)| filter.allows(**id)) {
                (vectors[count], ids[count]) = (vector, *id);
                count += 1;
                if count == AT_ONCE {
                    query.compare(vectors, &ids, nearest);
                    count = 0;
                }
            }
        }
        query.compare(vectors, &ids[..count], nearest);
    }
}

/// A query that tells by sums in f32 which vectors may lie nearer than the farthest that is kept.
pub(super) struct RoughQuery<'q> {
    backend: Backend,
    metric: Metric,
    query: &'q [f32],
    full: FullQuery<'q>,
    squared: f64,
    /// What a sum can be off, of the sum of its terms without their signs; and what terms may lose below the normal numbers.
    relative: f64,
    lost: f64,
    /// What orders the farthest that is of interest.
    farthest: f32,
    /// What a vector must reach for that, in the terms of `are_far`; of what is no number, nothing is sure.
    limit: f64,
    /// What a square must not exceed.
    square_limit: f32,
}

impl<'q> RoughQuery<'q> {
    pub(super) fn new(backend: Backend, metric: Metric, query: &'q [f32]) -> Self {
        let d = query.len() as f64;
        Self {
            backend,
            metric,
            query,
            full: FullQuery::new(backend, metric, query),
            squared: backend.dot_f64(query, query),
            // The terms of a lane, the lanes that are folded, the roundings of a term: twice as many to be safe.
            relative: (d / 32.0 + 12.0) * f64::from(f32::EPSILON),
            lost: (d + 1.0) * f64::from(f32::MIN_POSITIVE),
            farthest: f32::INFINITY,
            limit: f64::NAN,
            square_limit: f32::NAN,
        }
    }

    /// Compares as many vectors as there are ids, and keeps the nearest.
    #[inline]
    pub(super) fn compare(&mut self, mut vectors: [&[f32]; AT_ONCE], ids: &[u32], nearest: &mut TopK) {
        // Kernels cut vectors to the shortest.
        let first = vectors[0];
        vectors.iter_mut().skip(ids.len()).for_each(|to| *to = first);
        let are_far = self.are_far(vectors);
        if are_far.iter().fold(0, |count, is_far| count + usize::from(*is_far)) < AT_ONCE {
            for ((vector, id), _) in vectors.iter().zip(ids).zip(are_far).filter(|(_, is_far)| !is_far) {
                nearest.push(self.full.order(vector), *id);
            }
            self.set_farthest(nearest.farthest());
        }
    }

    /// Only vectors that are ordered by this, or before it, are of interest from now on.
    pub(super) fn set_farthest(&mut self, order: f32) {
        if order < self.farthest {
            self.farthest = order;
            // It was rounded to f32.
            let order = f64::from(order) + 1e-6 * f64::from(order.abs()) + f64::from(f32::MIN_POSITIVE);
            match self.metric {
                Metric::Euclidean => {
                    let square = (order + self.lost) * (1.0 + 2.0 * self.relative);
                    // Squares that overflow may be anything that is so great.
                    self.square_limit = if square < 1e38 { (square as f32).next_up() } else { f32::NAN };
                }
                Metric::Dot => self.limit = -order - self.lost,
                _ => {
                    let cosine = 1.0 - 0.5 * order - 6.0 * self.relative;
                    // The square, with its sign, which spares a root for each vector.
                    self.limit = cosine * cosine.abs() * self.squared;
                }
            }
        }
    }

    /// Everything is of interest again.
    pub(super) fn forget_farthest(&mut self) {
        (self.farthest, self.limit, self.square_limit) = (f32::INFINITY, f64::NAN, f32::NAN);
    }

    /// Which vectors are of no interest for sure: none of which a sum is no number.
    #[inline]
    fn are_far(&self, vectors: [&[f32]; AT_ONCE]) -> [bool; AT_ONCE] {
        if self.metric == Metric::Euclidean {
            // Terms have one sign, so that the bound is one of the sum itself.
            let squares = self.backend.squared_l2_many(self.query, vectors);
            return squares.map(|square| square > self.square_limit);
        }
        let (products, squares) = self.backend.dot_and_square_many(self.query, vectors);
        let mut are_far = [false; AT_ONCE];
        for ((to, product), square) in are_far.iter_mut().zip(products).zip(squares) {
            let (product, square) = (f64::from(product), f64::from(square));
            *to = if self.metric == Metric::Dot {
                let missing = self.limit - product;
                let error = self.relative * self.relative * self.squared;
                missing > 0.0 && missing * missing > error * (square * (1.0 + 4.0 * self.relative) + self.lost)
            } else {
                // What a product or a square loses below the normal numbers does not count beside these.
                let is_normal = self.relative * square.min(self.squared) > self.lost;
                is_normal && product * product.abs() < self.limit * square
            };
        }
        are_far
    }
}
