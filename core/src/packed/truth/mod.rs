//! The nearest neighbours for sure, of all rows or some: every row is compared as bytes, and a bound on what bytes lose
//! ([`Measure`]) says which have to be compared in full.
//!
//! Rows are kept by their approximate scores. When the score of the worst that is kept and the bound do not reach the n-th best
//! of the kept, no other can be among the n best. Where they do, more are kept and the row is compared again.

pub(crate) mod batch;
pub(crate) mod error_bound;

use alloc::vec;
use alloc::vec::Vec;

use crate::error::PackedError;
use crate::packed::file::view::View;
use crate::packed::graph::all_pairs;
use crate::packed::graph::knn::Knn;
use crate::packed::graph::symmetric::Candidates;
use crate::packed::graph::{NONE, by_row, finish_row};
use crate::packed::options::{Cancel, KnnOptions};
use crate::packed::train::sample::Sample;
use crate::packed::truth::batch::{Batch, Tiles};
use crate::packed::truth::error_bound::{Measure, Measured};
use crate::parallel::{self, Join};
use crate::simd::in_f64::dot;
use crate::top_k::{TopK, split_key};
use crate::{Backend, Metric, Neighbour};

/// Rows kept at first where rows are asked for one by one, besides eight times as many as are wanted.
const FEWEST: usize = 64;
/// Rows that tell how many candidates all rows need, and for how many of a hundred they are to be enough.
const SAMPLE: usize = 512;
const ENOUGH_FOR: usize = 98;
/// So many candidates are kept of each row at the most.
const MOST: usize = 1024;

/// So many are kept of a row that is asked for alone: where one of 32 rows does not do, comparing all in full is less work, unless
/// they are few.
fn most_alone(rows: usize, n: usize) -> usize {
    (rows / 32).clamp(MOST, 16 * MOST).max(32 * n)
}

/// Looks for the `n` nearest. What it finds is of no use once it is called off.
pub(crate) struct Exhaustive<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) tiles: &'a Tiles,
    pub(crate) measure: &'a Measure<'a>,
    pub(crate) backend: Backend,
    pub(crate) n: usize,
    pub(crate) cancel: Cancel<'a>,
}

/// A neighbour that was found for sure.
pub(crate) struct True {
    pub(crate) row: u32,
    /// How many other rows bytes put before it.
    pub(crate) behind: u32,
}

impl Exhaustive<'_> {
    /// The neighbours of all rows.
    pub(crate) fn join<J: Join>(&self, options: &KnnOptions<'_>) -> Result<Knn, PackedError> {
        let Self { view, measure, backend, n, .. } = *self;
        let sample = Sample::new(view.shape.rows, SAMPLE);
        let sample: Vec<u32> = (0..sample.len()).map(|at| sample.id(at)).collect();
        let mut needed: Vec<usize> =
            self.find::<J>(&sample, &|row| measure.bound(row)).map(|(_, needed)| needed).collect();
        needed.sort_unstable();
        let most = MOST.min(Candidates::most(view));
        let keep = needed.get(needed.len() * ENOUGH_FOR / 100).map_or(0, |needed| *needed.min(&most));
        let candidates = all_pairs::candidates::<J>(view, measure, backend, keep.max(n + 1), options)?;
        by_row::<J>(view, n, |first, to| self.choose(&candidates, first, to))
    }

    /// The neighbours of some rows, nearest first; fewer than `n` where there are not as many.
    pub(crate) fn nearest_of<J: Join>(&self, rows: &[u32]) -> Vec<Vec<True>> {
        self.find::<J>(rows, &|row| self.measure.bound_as_query(row)).map(|(found, _)| found).collect()
    }

    /// Writes the `n` nearest of the candidates of each row from one on, and looks for those of rows whose candidates are too few.
    fn choose(&self, candidates: &Candidates, first: u32, to: &mut [Neighbour]) {
        let (mut best, mut keys) = (TopK::default(), Vec::new());
        let mut measured = Measured::new(self.view.shape.dimensions);
        let mut others = Vec::new();
        for (row, to) in (first..).zip(to.chunks_mut(self.n)) {
            if self.cancel.is_set() {
                return;
            }
            self.measure.see(row, &mut measured);
            let bound = self.measure.bound(&measured);
            let (found, limit) = candidates.of(row);
            keys.clear();
            keys.extend_from_slice(found);
            keys.sort_unstable();
            best.reset(self.n);
            let mut least = f64::NEG_INFINITY;
            let mut left = keys.iter().map(|key| split_key(*key)).peekable();
            // A few at first: their vectors tell which others may be nearer.
            for few in [self.n + self.n / 4 + 4, usize::MAX] {
                let possible = |(minus_score, _): &(f32, u32)| bound - f64::from(*minus_score) >= least;
                let rows: Vec<u32> =
                    core::iter::from_fn(|| left.next_if(possible)).take(few).map(|(_, other)| other).collect();
                least = self.least_score(
                    &measured.row,
                    finish_row(self.view, self.backend, row, rows.into_iter(), &mut best, to),
                );
            }
            // Where scores overflow, or are no numbers, nothing is sure.
            let is_sure = limit == f32::NEG_INFINITY || f64::from(limit) + bound < least;
            if !(is_sure && bound.is_finite()) {
                others.push(row);
            }
        }
        let mut found = vec![Neighbour { id: NONE, distance: f32::INFINITY }; others.len() * self.n];
        self.nearest(&others, &|row| self.measure.bound_as_query(row), &mut found, |_, _, _| ());
        for (row, found) in others.iter().zip(found.chunks(self.n)) {
            to[(row - first) as usize * self.n..][..self.n].copy_from_slice(found);
        }
    }

    /// The neighbours of some rows, and how many candidates it takes to be sure of them where scores are off by the bound.
    fn find<J: Join>(
        &self,
        rows: &[u32],
        bound: &(impl Fn(&Measured) -> f64 + Sync),
    ) -> impl Iterator<Item = (Vec<True>, usize)> {
        const ROWS: usize = 64;
        let chunks = parallel::map::<J, _>(0..rows.len().div_ceil(ROWS), &|chunk| {
            let own = &rows[chunk * ROWS..rows.len().min((chunk + 1) * ROWS)];
            let mut found = vec![Neighbour { id: NONE, distance: f32::INFINITY }; own.len() * self.n];
            let mut by_bytes = vec![(Vec::new(), 0); own.len()];
            self.nearest(own, bound, &mut found, |at, rows, needed| by_bytes[at] = (rows.to_vec(), needed));
            let in_bytes = found.chunks(self.n).zip(by_bytes).map(|(found, (by_bytes, needed))| {
                let rows = found.iter().filter_map(|found| self.view.rows.get(found.id as usize));
                let behind = |row| by_bytes.iter().position(|other| *other == row).map_or(u32::MAX, |at| at as u32);
                (rows.map(|row| True { row: *row, behind: behind(*row) }).collect(), needed)
            });
            in_bytes.collect::<Vec<_>>()
        });
        chunks.into_iter().flatten()
    }

    /// Writes the `n` nearest of each of some rows. Tells for each which rows were compared in full, in the order of
    /// bytes, and how many of them there had to be.
    fn nearest(
        &self,
        own: &[u32],
        bound: &impl Fn(&Measured) -> f64,
        to: &mut [Neighbour],
        mut compared: impl FnMut(usize, &[u32], usize),
    ) {
        let mut left: Vec<usize> = (0..own.len()).collect();
        let mut keep = FEWEST + 8 * self.n;
        let (mut batch, mut best) = (Batch::default(), TopK::default());
        let mut measured = Measured::new(self.view.shape.dimensions);
        while !left.is_empty() {
            batch.clear();
            for at in &left {
                self.view.read(own[*at], &mut measured.row);
                batch.push(self.view, &measured.row);
            }
            batch.begin(keep);
            for leaf in 0..self.view.shape.leaves as u32 {
                if self.cancel.is_set() {
                    return;
                }
                batch.scan(self.view, self.tiles, leaf, self.backend);
            }
            let mut still = Vec::new();
            for (query_at, at) in left.iter().enumerate() {
                self.measure.see(own[*at], &mut measured);
                let bound = bound(&measured);
                let kept: Vec<Neighbour> = batch.best[query_at].finish().collect();
                // The score of the worst that is kept: no other has a better one.
                let worst = (kept.len() == keep)
                    .then(|| measured.base - f64::from(kept.last().map_or(0.0, |last| last.distance)));
                let to = &mut to[at * self.n..][..self.n];
                let rows: Vec<u32> = kept.iter().map(|kept| kept.id).filter(|row| *row != own[*at]).collect();
                best.reset(self.n);
                let order = finish_row(self.view, self.backend, own[*at], rows.iter().copied(), &mut best, to);
                let least = self.least_score(&measured.row, order);
                // Where scores overflow, or are no numbers, nothing is sure.
                let is_sure = worst.is_none_or(|worst| worst + bound < least);
                if is_sure {
                    let possible = |kept: &&Neighbour| measured.base - f64::from(kept.distance) + bound >= least;
                    compared(*at, &rows, kept.iter().take_while(possible).count());
                } else {
                    still.push(*at);
                }
            }
            left = still;
            keep = keep.saturating_mul(4);
            if keep > most_alone(self.view.shape.rows, self.n) {
                break;
            }
        }
        // What bytes can hardly tell apart is compared in full.
        for at in left {
            if self.cancel.is_set() {
                return;
            }
            best.reset(self.n);
            let others = (0..self.view.shape.rows as u32).filter(|row| *row != own[at]);
            finish_row(self.view, self.backend, own[at], others, &mut best, &mut to[at * self.n..][..self.n]);
            compared(at, &[], MOST);
        }
    }

    /// The score of a row that is ordered by this, or a little less.
    fn least_score(&self, query: &[f32], order: f32) -> f64 {
        let (order, squared) = (f64::from(order), dot(query, query));
        // What orders was rounded to f32, and so were directions.
        let slack = 1e-6 * (order.abs() + squared) + f64::from(f32::MIN_POSITIVE);
        match self.view.shape.metric {
            Metric::Dot => -order - slack,
            Metric::Euclidean => 0.5 * (squared - order) - slack,
            _ => 1.0 - 0.5 * order - slack,
        }
    }
}
