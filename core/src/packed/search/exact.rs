//! Finding the nearest of all rows for sure.
//!
//! Every row is scored by its 7-bit codes, in a byte for each number instead of four. A bound on the error of those scores
//! ([`BoundedQuery`]) says which rows can be among the nearest, and only they are compared in full:
//!
//! ```text
//! limit ← from the first few rows, in an order that is spread over all
//! candidates ← rows whose scores reach the limit, which rises as candidates are compared
//! nearest ← the n best candidates by code, compared in full; then all others that still reach the limit
//! ```
//!
//! Where the bound leaves too many, which shows early, vectors are scanned in full ([`scan_in_full`](PackedScratch::scan_in_full)). The
//! answer is the same.

use alloc::vec::Vec;
use core::ops::Range;

use super::PackedScratch;
use super::allowed::{ById, RowFilter};
use super::codes::Codes;
use super::full_scan::RoughQuery;
use super::scattered::groups;
use crate::Neighbour;
use crate::filter::{All, RowSet};
use crate::packed::file::local::GROUP;
use crate::packed::file::view::View;
use crate::packed::quantise::full::{FullQuery, reported};
use crate::simd::prefetch;
use crate::top_k::{TopK, key, split_key};

/// Of so many of them that the filter allows, all are scored at once.
const FEW_OF_GROUP: u32 = 2;
/// Rows of a set that are compared in full, without a look at their codes, are at most so many times as many as are wanted.
const FEW_ROWS: usize = 4;
/// Of sets with one of so many rows or fewer, each row is looked at for itself.
const SPARSE: usize = 24;
/// Of fewer rows, vectors are compared at once.
const FEWEST_ROWS: usize = 512;
/// Where one of so many rows has to be compared in full, one by one, a scan of all vectors is less work.
const MOST_IN_FULL: usize = 6;
/// What is left of one of so many rows is little work, whether codes tell much of it or not.
const FEW_LEFT: usize = 16;
/// There is room for one of so many rows as candidates; half of it may be full once those are dropped that no longer do.
const ROOM: usize = 4;
/// So many times as many candidates as are wanted are kept before it is looked which of them are still good enough, and no fewer than
/// a few.
const CROWD: usize = 6;
const FEW: usize = 64;
/// How many candidates ahead memory is asked for.
const AHEAD: usize = 8;

/// The most candidates that are kept of so many rows.
const fn most_candidates(rows: usize) -> usize {
    rows / ROOM + FEW + GROUP
}

impl PackedScratch {
    /// Finds the `n` nearest of all that the filter allows.
    pub(super) fn search_exactly<F: RowFilter>(&mut self, view: &View<'_>, n: usize, filter: &F) {
        self.ids.clear();
        self.reserve_exact(view);
        if let Some(set) = filter.row_set().filter(|set| set.len() <= FEW_ROWS * n) {
            self.compare_in_full(view, n, set);
        } else if !self.sweep(view, n, filter) {
            self.scan_in_full(view, n, filter);
        }
        self.report(view);
    }

    /// Allocates all that an exact search may need.
    pub(super) fn reserve_exact(&mut self, view: &View<'_>) {
        self.keys.clear();
        self.keys.reserve(most_candidates(view.shape.rows));
        self.bounded.planes.reserve(view.shape.dimensions);
        if view.local.is_some() {
            self.local.reserve(view.shape.dimensions);
        }
    }

    /// Compares all rows of a set.
    fn compare_in_full(&mut self, view: &View<'_>, n: usize, set: &RowSet) {
        self.nearest.reset(n);
        let query = FullQuery::new(view.backend, view.shape.metric, &self.given);
        let mut ahead = set.iter().skip(AHEAD);
        set.iter().take(AHEAD).for_each(|row| prefetch(view.vector(row)));
        for row in set.iter() {
            if let Some(next) = ahead.next() {
                prefetch(view.vector(next));
            }
            self.nearest.push(query.order(view.vector(row)), view.id(row));
        }
    }

    /// The `n` nearest of all to a row, itself among them.
    pub(crate) fn nearest_to_row(&mut self, view: &View<'_>, row: u32, n: usize) -> &[Neighbour] {
        self.set_row(view, row);
        self.search_exactly(view, n, &ById(&All));
        &self.found
    }

    fn report(&mut self, view: &View<'_>) {
        self.found.clear();
        self.found.extend(self.nearest.finish().map(|found| reported(view.shape.metric, found)));
    }

    /// Finds them by codes; false where codes do not tell enough.
    fn sweep<F: RowFilter>(&mut self, view: &View<'_>, n: usize, filter: &F) -> bool {
        let rows = view.shape.rows;
        let room = rows / ROOM;
        if rows < FEWEST_ROWS || n.saturating_mul(4) > room || n == 0 {
            return false;
        }
        let Self { given, query, bounded, local, keys, nearest, .. } = self;
        let codes = match &view.local {
            Some(rows) if local.set(view.shape.metric, rows.space, query) => Codes::Local(local, rows),
            None if bounded.set(view, query) => Codes::Grid(bounded),
            _ => return false,
        };
        let query = RoughQuery::new(view.backend, view.shape.metric, given);
        let mut sweep = Sweep { view, query, codes, keys, nearest, n, limit: f32::NEG_INFINITY, room };
        match filter.row_set().filter(|set| set.len() <= rows / SPARSE) {
            Some(set) => sweep.look_at_set(set) && sweep.finish(),
            None => sweep.look_at_all(filter) && sweep.finish(),
        }
    }
}

/// A search by codes on its way.
struct Sweep<'a> {
    view: &'a View<'a>,
    query: RoughQuery<'a>,
    codes: Codes<'a>,
    /// Candidates that are not yet compared in full, by minus their scores.
    keys: &'a mut Vec<u64>,
    nearest: &'a mut TopK,
    n: usize,
    /// Rows with scores that do not exceed it are not among the nearest.
    limit: f32,
    room: usize,
}

impl Sweep<'_> {
    /// Scores rows that follow each other, and keeps those of them whose bits are set and that are candidates.
    #[inline]
    fn score_group(&mut self, rows: Range<u32>, allowed: u16) {
        let scores = self.codes.scores(self.view, rows.clone());
        if scores.iter().any(|score| may_exceed(*score, self.limit)) {
            self.keep_some(rows, &scores, allowed);
        }
    }

    /// Keeps those of some rows that are candidates.
    #[cold]
    #[inline(never)]
    fn keep_some(&mut self, rows: Range<u32>, scores: &[f32; GROUP], allowed: u16) {
        let limit = self.limit;
        let mut left =
            (0..).zip(scores).fold(0_u16, |mask, (at, score)| mask | u16::from(may_exceed(*score, limit)) << at)
                & allowed;
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            // Of rows that are not there, scores are anything.
            let row = rows.start + at;
            if row < rows.end {
                self.keys.push(key(-scores[at as usize], row));
            }
        }
    }

    /// Scores a row, and keeps it if it is a candidate.
    #[inline]
    fn score_row(&mut self, row: u32) {
        self.keep(self.codes.score(self.view, row), row);
    }

    #[inline]
    fn keep(&mut self, score: f32, row: u32) {
        if may_exceed(score, self.limit) {
            self.keys.push(key(-score, row));
        }
    }

    /// Looks at all rows; false where too many of them are candidates.
    fn look_at_all<F: RowFilter>(&mut self, filter: &F) -> bool {
        let view = self.view;
        self.nearest.reset(self.n);
        let mut crowd = self.crowd();
        for group in groups(view.shape.rows) {
            let ids = view.ids.get(group.start as usize..group.end as usize).unwrap_or(&[]);
            let allowed = filter.allowed_of(group.start, ids);
            if allowed.count_ones() >= FEW_OF_GROUP {
                self.score_group(group.clone(), allowed);
            } else {
                let each = group.clone().zip(0..GROUP).filter(|(_, at)| allowed >> at & 1 == 1);
                each.for_each(|(row, _)| self.score_row(row));
            }
            if self.keys.len() >= crowd {
                if !self.drop_some() {
                    return false;
                }
                crowd = crowd.max(2 * self.keys.len()).min(self.room);
            }
        }
        true
    }

    /// So many candidates are looked through for the first time.
    fn crowd(&self) -> usize {
        FEW.max((CROWD * self.n).min(self.room / 2)).max(2 * self.n)
    }

    /// Looks at the rows of a set; false where too many of them are candidates.
    fn look_at_set(&mut self, set: &RowSet) -> bool {
        self.nearest.reset(self.n);
        let mut crowd = self.crowd();
        let mut ahead = set.iter().skip(AHEAD);
        for row in set.iter() {
            if let Some(next) = ahead.next() {
                self.codes.prefetch(self.view, next);
            }
            self.score_row(row);
            if self.keys.len() >= crowd {
                if !self.drop_some() {
                    return false;
                }
                crowd = crowd.max(2 * self.keys.len()).min(self.room);
            }
        }
        true
    }

    /// Raises the limit, and drops what no longer reaches it; false where that is too little.
    fn drop_some(&mut self) -> bool {
        let before = self.keys.len().saturating_sub(self.n);
        if before > 0 {
            self.keys.select_nth_unstable(self.n - 1);
            self.raise(self.codes.limit_by_codes(self.view, &self.keys[..self.n]));
        }
        // The errors of two scores are in that. Where it leaves many, the true distance of the n-th has the error of one.
        if 2 * self.keys.len().saturating_sub(self.n) > before {
            self.compare_best();
            let left = self.keys.len();
            let is_enough = 4 * left <= 3 * before || left <= self.view.shape.rows / FEW_LEFT;
            return is_enough && left <= self.room / 2;
        }
        self.keys.len() < self.room
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
        self.query.set_farthest(order);
        self.raise(self.codes.limit(self.view.shape.metric, order));
    }

    /// Compares the first candidates in full.
    fn compare(&mut self, count: usize) {
        let vector = |key: &u64| self.view.vector(*key as u32);
        for key in self.keys.iter().take(count.min(AHEAD)) {
            prefetch(vector(key));
        }
        for (at, key) in self.keys[..count].iter().enumerate() {
            if let Some(next) = self.keys.get(at + AHEAD) {
                prefetch(vector(next));
            }
            self.query.compare_one(vector(key), self.view.id(*key as u32), self.nearest);
        }
    }

    /// Compares what candidates are left; false where they are too many.
    fn finish(&mut self) -> bool {
        self.compare_best();
        if self.keys.len() > self.view.shape.rows / MOST_IN_FULL {
            return false;
        }
        self.compare(self.keys.len());
        true
    }
}

/// Whether a score exceeds a limit; one that is no number may be anything.
#[inline]
fn may_exceed(score: f32, limit: f32) -> bool {
    score > limit || score.is_nan()
}
