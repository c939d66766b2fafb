//! Finding the nearest of all rows for sure.
//!
//! Every row is scored by its 7-bit codes, in a byte for each number instead of four. A bound on the error of those scores
//! ([`BoundedQuery`]) says which rows can be among the nearest, and only they are compared in full:
//!
//! ```text
//! limit ← from the n best of a few rows, compared in full
//! candidates ← rows whose scores reach the limit, which rises as candidates are compared
//! nearest ← the n best candidates by code, compared in full; then all others that still reach the limit
//! ```
//!
//! Where the bound leaves too many, which shows early, vectors are scanned in full ([`scan_in_full`](Scratch::scan_in_full)). The
//! answer is the same.

use alloc::vec::Vec;

use super::Scratch;
use super::code_bound::BoundedQuery;
use crate::Metric;
use crate::filter::Filter;
use crate::packed::file::sections::row_bytes;
use crate::packed::file::view::View;
use crate::packed::quantise::full::{FullQuery, reported};
use crate::packed::quantise::sq7::row_bias;
use crate::simd::prefetch;
use crate::top_k::{TopK, key, split_key};

/// Rows that are scored at once.
pub(super) const GROUP: usize = 16;
/// Of fewer rows, vectors are compared at once.
const FEWEST_ROWS: usize = 512;
/// Where one of so many rows has to be compared in full, one by one, a scan of all vectors is less work.
const MOST_IN_FULL: usize = 6;
/// The most rows that are looked at first, and the share of all rows that they may be.
const SAMPLE: usize = 512;
const SAMPLE_OF: usize = 64;
/// Candidates that are kept before it is looked which of them are still good enough.
const FEW: usize = 64;
/// How many candidates ahead memory is asked for.
const AHEAD: usize = 8;

impl Scratch {
    /// Finds the `n` nearest of all that the filter allows.
    pub(super) fn search_exactly<F: Filter>(&mut self, view: &View<'_>, n: usize, filter: &F) {
        self.ids.clear();
        if !self.sweep(view, n, filter) {
            self.scan_in_full(view, n, filter);
        }
        self.found.clear();
        self.found.extend(self.nearest.finish().map(|found| reported(view.shape.metric, found)));
    }

    /// Finds them by codes; false where codes do not tell enough.
    fn sweep<F: Filter>(&mut self, view: &View<'_>, n: usize, filter: &F) -> bool {
        let rows = view.shape.rows;
        let room = rows / MOST_IN_FULL;
        if rows < FEWEST_ROWS || n.saturating_mul(2) > room || n == 0 || !self.bounded.set(view, &self.query) {
            return false;
        }
        let Self { given, bounded, keys, nearest, .. } = self;
        keys.clear();
        keys.reserve(room + FEW + GROUP);
        let full = FullQuery::new(view.backend, view.shape.metric, given);
        let width = bounded.codes.len().min(row_bytes(view.shape.dimensions));
        let mut sweep = Sweep { view, full, bounded, keys, nearest, n, limit: f32::NEG_INFINITY, width, room };
        sweep.look_at_some(filter) && sweep.look_at_all(filter) && sweep.finish()
    }
}

/// A search by codes on its way.
struct Sweep<'a> {
    view: &'a View<'a>,
    full: FullQuery<'a>,
    bounded: &'a BoundedQuery,
    /// Candidates that are not yet compared in full, by minus their scores.
    keys: &'a mut Vec<u64>,
    nearest: &'a mut TopK,
    n: usize,
    /// Rows with scores that do not exceed it are not among the nearest.
    limit: f32,
    /// Bytes of a row that are looked at.
    width: usize,
    room: usize,
}

impl Sweep<'_> {
    /// The scores of some rows.
    #[inline]
    fn scores(&self, rows: [&[u8]; GROUP]) -> [f32; GROUP] {
        let BoundedQuery { codes, fine_codes, step, fine_step, is_fine, .. } = self.bounded;
        let cut = rows.map(|row| row.get(..self.width).unwrap_or(&[]));
        let mut scores = self.view.backend.dot_u7_many(codes, cut).map(|sum| step * sum as f32);
        if *is_fine {
            let fine = self.view.backend.dot_u7_many(fine_codes, cut);
            scores.iter_mut().zip(fine).for_each(|(score, sum)| *score += fine_step * sum as f32);
        }
        // Of the other metrics it is 0, at the end of the row, where it may be alone in its line.
        if self.view.shape.metric == Metric::Euclidean {
            scores.iter_mut().zip(rows).for_each(|(score, row)| *score += row_bias(row));
        }
        scores
    }

    /// Scores some rows that lie anywhere, and keeps the candidates.
    fn score_rows(&mut self, rows: &[u32]) {
        let mut group = [&[][..]; GROUP];
        for (to, row) in group.iter_mut().zip(rows.iter().chain(core::iter::repeat(&rows[0]))) {
            *to = self.view.coded_row(*row);
        }
        for (score, row) in self.scores(group).into_iter().zip(rows) {
            self.keep(score, *row);
        }
    }

    #[inline]
    fn keep(&mut self, score: f32, row: u32) {
        if score > self.limit {
            self.keys.push(key(-score, row));
        }
    }

    /// Looks at a few rows, for a limit to begin with; false where codes tell too little to be worth more.
    fn look_at_some<F: Filter>(&mut self, filter: &F) -> bool {
        let rows = self.view.shape.rows;
        let sample = (rows / SAMPLE_OF).min(SAMPLE);
        if sample < 2 * self.n {
            self.nearest.reset(self.n);
            return true;
        }
        for first in (0..sample).step_by(GROUP) {
            let (mut group, mut count) = ([0; GROUP], 0);
            for at in first..sample.min(first + GROUP) {
                let row = (at * (rows / sample)) as u32;
                if filter.allows(self.view.id(row)) {
                    group[count] = row;
                    count += 1;
                }
            }
            if count > 0 {
                self.score_rows(&group[..count]);
            }
        }
        let is_worth_it = self.keys.len() < 2 * self.n || {
            // About the n-th best of all, and how many will have to be compared in full.
            let rank = (self.n * sample / rows).min(self.keys.len() - 1);
            let (_, likely, _) = self.keys.select_nth_unstable(rank);
            let limit = split_key(*likely).0 + self.bounded.bound();
            let reaching = self.keys.iter().filter(|key| !(split_key(**key).0 > limit)).count();
            reaching - rank < self.keys.len().div_ceil(MOST_IN_FULL)
        };
        self.nearest.reset(self.n);
        if is_worth_it && self.keys.len() >= 2 * self.n {
            self.compare_best();
        }
        // They come again.
        self.keys.clear();
        self.nearest.reset(self.n);
        is_worth_it
    }

    /// Looks at all rows; false where too many of them are candidates.
    fn look_at_all<F: Filter>(&mut self, filter: &F) -> bool {
        let (view, stride) = (self.view, row_bytes(self.view.shape.dimensions));
        let mut crowd = FEW.max(2 * self.n);
        // Rows that the filter allows, where it forbids others beside them.
        let (mut rows, mut count) = ([0; 2 * GROUP], 0);
        for (first, ids) in (0..).step_by(GROUP).zip(view.ids.chunks(GROUP)) {
            if ids.len() == GROUP && ids.iter().all(|id| filter.allows(*id)) {
                let mut group = [&[][..]; GROUP];
                for (to, row) in group.iter_mut().zip(view.coded_rows(first, GROUP).chunks_exact(stride)) {
                    *to = row;
                }
                let scores = self.scores(group);
                if scores.iter().any(|score| *score > self.limit) {
                    (first..).zip(scores).for_each(|(row, score)| self.keep(score, row));
                }
            } else {
                for (row, _) in (first..).zip(ids).filter(|(_, id)| filter.allows(**id)) {
                    rows[count] = row;
                    count += 1;
                }
                if count >= GROUP {
                    self.score_rows(&rows[..GROUP]);
                    rows.copy_within(GROUP.., 0);
                    count -= GROUP;
                }
            }
            if self.keys.len() >= crowd {
                self.drop_some();
                crowd = crowd.max(2 * self.keys.len());
                if self.keys.len() > self.room {
                    return false;
                }
            }
        }
        if count > 0 {
            self.score_rows(&rows[..count]);
        }
        true
    }

    /// Raises the limit, and drops what no longer reaches it.
    fn drop_some(&mut self) {
        let before = self.keys.len();
        if before >= self.n {
            let (_, nth, _) = self.keys.select_nth_unstable(self.n - 1);
            let nth = -split_key(*nth).0;
            self.raise(self.bounded.limit_by_codes(nth));
        }
        // The errors of two scores are in that. Where it leaves many, the true distance of the n-th has the error of one.
        if 2 * self.keys.len() > before {
            self.compare_best();
        }
    }

    fn raise(&mut self, limit: f32) {
        self.limit = self.limit.max(limit);
        let limit = self.limit;
        self.keys.retain(|key| -split_key(*key).0 > limit);
    }

    /// Compares the best `n` candidates in full, and drops what then no longer reaches the limit.
    fn compare_best(&mut self) {
        let count = self.n.min(self.keys.len());
        if count > 0 && count < self.keys.len() {
            self.keys.select_nth_unstable(count - 1);
        }
        self.compare(count);
        let left = self.keys.len() - count;
        self.keys.copy_within(count.., 0);
        self.keys.truncate(left);
        let order = self.nearest.limit();
        self.raise(self.bounded.limit(order));
    }

    /// Compares the first candidates in full.
    fn compare(&mut self, count: usize) {
        let row = |key: &u64| *key as u32;
        for key in self.keys.iter().take(count.min(AHEAD)) {
            prefetch(self.view.vector(row(key)));
        }
        for (at, key) in self.keys[..count].iter().enumerate() {
            if let Some(next) = self.keys.get(at + AHEAD) {
                prefetch(self.view.vector(row(next)));
            }
            self.nearest.push(self.full.order(self.view.vector(row(key))), self.view.id(row(key)));
        }
    }

    /// Compares what candidates are left; false where they are too many.
    fn finish(&mut self) -> bool {
        self.compare_best();
        if self.keys.len() > self.room {
            return false;
        }
        self.compare(self.keys.len());
        true
    }
}
