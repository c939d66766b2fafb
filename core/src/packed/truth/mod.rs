//! Ground truth: the nearest neighbours for sure, of some rows.
//!
//! Every row is compared by its 7-bit codes, and a bound on the error of those scores ([`ErrorBound`]) says which have to be
//! compared in full:
//!
//! ```text
//! kept ← the `keep` best by 7-bit codes
//! nearest ← the n best of those by their vectors
//! sure, if score of the worst that is kept + bound < score of the n-th nearest; else keep four times as many, and again
//! ```
//!
//! What is left when too many would have to be kept is searched for alone.

pub(crate) mod batch;
pub(crate) mod error_bound;

use alloc::vec;
use alloc::vec::Vec;

use self::batch::{QueryBatch, RowTiles};
use self::error_bound::{AnalysedRow, ErrorBound};
use super::file::sections::CodeErrors;
use super::file::view::View;
use super::search::PackedScratch;
use super::search::code_bound::least_score;
use super::search::rerank::{NONE, finish_row};
use super::train::sample::calibration_sample;
use crate::Neighbour;
use crate::parallel::{self, Join};
use crate::progress::{Cancel, Cancelled};
use crate::simd::in_f64::dot;
use crate::top_k::TopK;

/// Rows kept at first where rows are asked for one by one, besides eight times as many as are wanted.
const FEWEST: usize = 64;
/// So many candidates are kept of each row at the most.
pub(crate) const MOST_KEPT: usize = 1024;

/// So many are kept of a row that calibrates: where one of 32 rows does not do, 7-bit codes tell nothing, unless rows are few.
fn most_to_calibrate(rows: usize, n: usize) -> usize {
    (rows / 32).clamp(MOST_KEPT, 16 * MOST_KEPT).max(n.saturating_mul(32))
}

/// What is searched for to calibrate an index, and what is to be found.
pub(crate) struct CalibrationQuery {
    /// Where it is a row, which is then not among its neighbours.
    pub(crate) row: Option<u32>,
    /// Where it is none.
    given: Vec<f32>,
    pub(crate) nearest: Vec<TrueNeighbour>,
    /// The score that is, by 7-bit codes, the last of as many.
    pub(crate) nth_by_codes: f32,
}

impl CalibrationQuery {
    /// A vector, and the `n` nearest of all rows.
    pub(crate) fn of_vector(scratch: &mut PackedScratch, view: &View<'_>, vector: &[f32], n: usize) -> Self {
        scratch.set_query(view, vector);
        let (rows, nth_by_codes) = scratch.nearest_and_nth_by_codes(view, n);
        let scores = scratch.scores_of(view, &rows);
        let neighbour = |(row, score)| TrueNeighbour { row, score_by_codes: score };
        let nearest = rows.into_iter().zip(scores).map(neighbour).collect();
        Self { row: None, given: vector.to_vec(), nearest, nth_by_codes }
    }

    /// The vector that is searched for.
    pub(crate) fn vector<'a>(&'a self, view: &View<'a>) -> &'a [f32] {
        self.row.map_or(&self.given, |row| view.vector(row))
    }
}

/// What finds the neighbours of some rows for sure.
pub(crate) struct Truths<'a> {
    pub(crate) view: &'a View<'a>,
    tiles: RowTiles,
    bound: ErrorBound<'a>,
}

impl<'a> Truths<'a> {
    pub(crate) fn new<J: Join>(view: &'a View<'a>) -> Self {
        Self { view, tiles: RowTiles::new::<J>(view), bound: ErrorBound::new::<J>(view) }
    }

    /// One of `every` rows of the calibration sample, and the `n` nearest of each.
    pub(crate) fn sample<J: Join>(
        &self,
        n: usize,
        every: usize,
        cancel: Cancel<'_>,
    ) -> Result<Vec<CalibrationQuery>, Cancelled> {
        let sample = calibration_sample(self.view.shape.rows);
        let rows = (0..sample.len()).step_by(every).filter_map(|at| self.view.row_of(sample.id(at)));
        let rows: Vec<u32> = rows.collect();
        // Of a row that is searched for alone, scores by 7-bit codes are not known, and calibration is about those.
        let most_kept = most_to_calibrate(self.view.shape.rows, n);
        let truth = GroundTruth { view: self.view, tiles: &self.tiles, bound: &self.bound, n, most_kept, cancel };
        let found = truth.find::<J>(&rows, &|row| self.bound.bound_as_query(row))?;
        let query = |(row, (nearest, compared)): (u32, (Vec<TrueNeighbour>, Compared))| {
            let nth_by_codes = compared.scores.get(nearest.len().saturating_sub(1)).copied();
            CalibrationQuery {
                row: Some(row),
                given: Vec::new(),
                nearest,
                nth_by_codes: nth_by_codes.unwrap_or(f32::NEG_INFINITY),
            }
        };
        Ok(rows.into_iter().zip(found).map(query).collect())
    }

    /// What bounds the errors of scores, to be kept in the file.
    pub(crate) fn code_errors(&self) -> (Vec<f32>, CodeErrors) {
        self.bound.for_file().clone()
    }
}

/// A neighbour that was found for sure.
pub(crate) struct TrueNeighbour {
    pub(crate) row: u32,
    /// Its score by 7-bit codes; minus infinity where it was not compared by them.
    pub(crate) score_by_codes: f32,
}

/// Finds the `n` nearest for sure.
pub(crate) struct GroundTruth<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) tiles: &'a RowTiles,
    pub(crate) bound: &'a ErrorBound<'a>,
    pub(crate) n: usize,
    /// So many candidates are kept of a row at the most; where that is not enough, it is searched for alone.
    pub(crate) most_kept: usize,
    pub(crate) cancel: Cancel<'a>,
}

/// A row whose neighbours are looked for, and how much its scores can be off.
struct BoundedQuery<'a> {
    row: u32,
    analysed: &'a AnalysedRow,
    bound: f64,
}

/// What was compared to find the neighbours of a row.
#[derive(Clone, Default)]
pub(crate) struct Compared {
    /// The rows that were compared in full, in the order of their 7-bit codes.
    rows: Vec<u32>,
    scores: Vec<f32>,
    /// How many of them there had to be.
    pub(crate) needed: usize,
    /// Whether that was too many, and the row was searched for alone.
    pub(crate) is_alone: bool,
}

impl GroundTruth<'_> {
    /// The neighbours of some rows, and what was compared to be sure of them where scores are off by the bound.
    pub(crate) fn find<J: Join>(
        &self,
        rows: &[u32],
        bound: &(impl Fn(&AnalysedRow) -> f64 + Sync),
    ) -> Result<Vec<(Vec<TrueNeighbour>, Compared)>, Cancelled> {
        const ROWS: usize = 64;
        let chunks = parallel::map::<J, _>(0..rows.len().div_ceil(ROWS), &|chunk| {
            let own = &rows[chunk * ROWS..rows.len().min((chunk + 1) * ROWS)];
            let mut found = vec![Neighbour { id: NONE, distance: f32::INFINITY }; own.len() * self.n];
            let mut compared = vec![Compared::default(); own.len()];
            self.nearest(own, bound, &mut found, |at, by_codes| compared[at] = by_codes);
            let each = found.chunks(self.n.max(1)).zip(compared);
            each.map(|(found, compared)| (self.with_scores(found, &compared), compared)).collect::<Vec<_>>()
        });
        self.cancel.check()?;
        Ok(chunks.into_iter().flatten().collect())
    }

    /// Neighbours with their scores by 7-bit codes.
    fn with_scores(&self, found: &[Neighbour], compared: &Compared) -> Vec<TrueNeighbour> {
        let score = |row| {
            let at = compared.rows.iter().position(|other| *other == row);
            at.and_then(|at| compared.scores.get(at).copied()).unwrap_or(f32::NEG_INFINITY)
        };
        let rows = found.iter().filter_map(|found| self.view.row_of(found.id));
        rows.map(|row| TrueNeighbour { row, score_by_codes: score(row) }).collect()
    }

    /// Writes the `n` nearest of each of some rows, and tells `compared` for each what that took. What it writes is of no use once
    /// the work is cancelled.
    pub(crate) fn nearest(
        &self,
        own: &[u32],
        bound: &impl Fn(&AnalysedRow) -> f64,
        to: &mut [Neighbour],
        mut compared: impl FnMut(usize, Compared),
    ) {
        let mut left: Vec<usize> = (0..own.len()).collect();
        let mut keep = FEWEST + 8 * self.n;
        let (mut batch, mut best) = (QueryBatch::default(), TopK::default());
        let mut analysed = AnalysedRow::new(self.view.shape.dimensions);
        while !left.is_empty() && keep <= self.most_kept.max(FEWEST + 8 * self.n) {
            if !self.scan_all(&mut batch, left.iter().map(|at| own[*at]), keep) {
                return;
            }
            let mut still = Vec::new();
            for (query, at) in left.iter().enumerate() {
                self.bound.analyse(own[*at], &mut analysed);
                let bound = bound(&analysed);
                let kept: Vec<Neighbour> = batch.best[query].finish().collect();
                let to = &mut to[at * self.n..][..self.n];
                let query = BoundedQuery { row: own[*at], analysed: &analysed, bound };
                match self.finish_if_sure(&query, &kept, kept.len() < keep, &mut best, to) {
                    Some(by_codes) => compared(*at, by_codes),
                    None => still.push(*at),
                }
            }
            left = still;
            keep = keep.saturating_mul(4);
        }
        let mut scratch = PackedScratch::new();
        for at in left {
            if self.cancel.is_set() {
                return;
            }
            self.nearest_alone(&mut scratch, own[at], &mut to[at * self.n..][..self.n]);
            compared(at, Compared { needed: MOST_KEPT, is_alone: true, ..Compared::default() });
        }
    }

    /// Writes the `n` nearest of a row, by an exact search for it alone.
    pub(crate) fn nearest_alone(&self, scratch: &mut PackedScratch, row: u32, to: &mut [Neighbour]) {
        let own = self.view.id(row);
        let found = scratch.nearest_to_row(&self.bound.view(), row, to.len() + 1);
        for (to, found) in to.iter_mut().zip(found.iter().filter(|found| found.id != own)) {
            *to = *found;
        }
    }

    /// Finds the `keep` best rows of each of some by their 7-bit codes; whether the work was not called off.
    fn scan_all(&self, batch: &mut QueryBatch, rows: impl Iterator<Item = u32>, keep: usize) -> bool {
        batch.clear();
        let mut query = vec![0.0; self.view.shape.dimensions];
        for row in rows {
            self.view.read(row, &mut query);
            batch.push(self.view, &query);
        }
        batch.begin(keep);
        for leaf in 0..self.view.shape.leaves as u32 {
            if self.cancel.is_set() {
                return false;
            }
            batch.scan(self.view, self.tiles, leaf);
        }
        true
    }

    /// Writes the `n` nearest of the kept rows. None where others may be nearer; `are_all` says that there are no others.
    fn finish_if_sure(
        &self,
        query: &BoundedQuery<'_>,
        kept: &[Neighbour],
        are_all: bool,
        best: &mut TopK,
        to: &mut [Neighbour],
    ) -> Option<Compared> {
        let score = |kept: &Neighbour| query.analysed.base - f64::from(kept.distance);
        let others = kept.iter().filter(|kept| kept.id != query.row);
        let (rows, scores): (Vec<u32>, Vec<f32>) = others.map(|kept| (kept.id, -kept.distance)).unzip();
        best.reset(self.n);
        let order = finish_row(self.view, query.row, rows.iter().copied(), best, to);
        let least = self.least_score(&query.analysed.row, order);
        // The score of the worst that is kept: no other has a better one. Where scores overflow, or are no numbers, nothing is sure.
        let worst = kept.last().filter(|_| !are_all).map(score);
        let is_sure = worst.is_none_or(|worst| worst + query.bound < least);
        let is_possible = |kept: &&Neighbour| score(kept) + query.bound >= least;
        let needed = || kept.iter().take_while(is_possible).count();
        is_sure.then(|| Compared { rows, scores, needed: needed(), is_alone: false })
    }

    /// The score of a row that is ordered by this, or a little less.
    pub(crate) fn least_score(&self, query: &[f32], order: f32) -> f64 {
        least_score(self.view.shape.metric, dot(query, query), order)
    }
}
