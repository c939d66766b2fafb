//! Comparing a query with all vectors, one after the other.
//!
//! Sums in f32 are several times as fast as those in f64 that order answers, and they are off by no more than is known (Higham,
//! "Accuracy and Stability of Numerical Algorithms", §3.1): n terms in any order by n · u · Σ|term|, here in 32 lanes. So most
//! vectors are dismissed by their sums in f32, and those that may be among the nearest are compared in f64: the answer depends on
//! neither the kernel nor the order of its terms.

use super::PackedScratch;
use super::allowed::RowFilter;
use super::scattered::groups;
use crate::packed::file::local::GROUP;
use crate::packed::file::view::View;
use crate::packed::quantise::full::FullQuery;
use crate::top_k::TopK;
use crate::{Backend, Metric};

/// Of so many of them that the filter allows, all are.
const FEW_OF_GROUP: u32 = 6;

impl PackedScratch {
    /// Compares the query with all vectors that the filter allows.
    pub(super) fn scan_in_full<F: RowFilter>(&mut self, view: &View<'_>, n: usize, filter: &F) {
        let Self { given, nearest, .. } = self;
        nearest.reset(n);
        let mut query = RoughQuery::new(view.backend, view.shape.metric, given);
        let d = view.shape.dimensions;
        for group in groups(view.shape.rows) {
            let rows = group.start as usize..group.end as usize;
            let ids = view.ids.get(rows.clone()).unwrap_or(&[]);
            let vectors = view.vectors.get(rows.start * d..rows.end * d).unwrap_or(&[]);
            let allowed = filter.allowed_of(group.start, ids);
            if allowed.count_ones() >= FEW_OF_GROUP {
                query.compare(vectors, ids, allowed, nearest);
                continue;
            }
            for (at, (id, vector)) in ids.iter().zip(vectors.chunks_exact(d)).enumerate() {
                if allowed >> at & 1 == 1 {
                    query.compare_one(vector, *id, nearest);
                }
            }
        }
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
    /// What a vector must reach for that, in the terms of `far_ones`; of what is no number, nothing is sure.
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

    /// Compares vectors that lie one after the other, and keeps the nearest of those whose bits are set.
    #[inline]
    fn compare(&mut self, vectors: &[f32], ids: &[u32], allowed: u16, nearest: &mut TopK) {
        let mut near = allowed & !self.far_ones(vectors);
        while near != 0 {
            let at = near.trailing_zeros() as usize;
            near &= near - 1;
            if let (Some(vector), Some(id)) = (vectors.chunks_exact(self.query.len()).nth(at), ids.get(at)) {
                nearest.push(self.full.order(vector), *id);
                self.set_farthest(nearest.farthest());
            }
        }
    }

    /// Compares a vector.
    #[inline]
    pub(super) fn compare_one(&mut self, vector: &[f32], id: u32, nearest: &mut TopK) {
        if self.farthest < f32::INFINITY {
            return self.compare(vector, &[id], 1, nearest);
        }
        nearest.push(self.full.order(vector), id);
        self.set_farthest(nearest.farthest());
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

    /// Which vectors are of no interest for sure, a bit each: none of which a sum is no number.
    #[inline]
    fn far_ones(&self, vectors: &[f32]) -> u16 {
        let (mut products, mut squares) = ([0.0; GROUP], [0.0; GROUP]);
        let mask = |far: [bool; GROUP]| (0..).zip(far).fold(0, |mask, (at, far)| mask | u16::from(far) << at);
        if self.metric == Metric::Euclidean {
            // Terms have one sign, so that the bound is one of the sum itself.
            self.backend.squared_l2_rows(self.query, vectors, &mut squares);
            return mask(squares.map(|square| square > self.square_limit));
        }
        self.backend.dot_and_square_rows(self.query, vectors, &mut products, &mut squares);
        let mut far = [false; GROUP];
        if self.metric == Metric::Dot {
            let error = self.relative * self.relative * self.squared;
            for ((far, product), square) in far.iter_mut().zip(products).zip(squares) {
                let missing = self.limit - f64::from(product);
                let square = f64::from(square) * (1.0 + 4.0 * self.relative) + self.lost;
                *far = missing > 0.0 && missing * missing > error * square;
            }
        } else {
            for ((far, product), square) in far.iter_mut().zip(products).zip(squares) {
                let (product, square) = (f64::from(product), f64::from(square));
                // What a product or a square loses below the normal numbers does not count beside these.
                let is_normal = self.relative * square.min(self.squared) > self.lost;
                *far = is_normal && product * product.abs() < self.limit * square;
            }
        }
        mask(far)
    }
}
