//! Exact graphs: all pairs by 7-bit codes, and the error bound says for which rows that is not enough.

use alloc::vec;
use alloc::vec::Vec;

use super::all_pairs::AllPairs;
use super::candidates::Candidates;
use super::{GraphBuilder, KnnGraph, PARTITIONED, ROWS_TOGETHER, by_id, is_alone, sample_rows};
use crate::Neighbour;
use crate::packed::error::GraphError;
use crate::packed::search::PackedScratch;
use crate::packed::search::rerank::{NONE, finish_row};
use crate::packed::truth::error_bound::AnalysedRow;
use crate::packed::truth::{GroundTruth, MOST_KEPT};
use crate::parallel::Join;
use crate::progress::Steps;
use crate::top_k::{TopK, split_key};

/// Rows that tell how many candidates all rows need, and for how many of a hundred they are to be enough.
const EXACT_SAMPLE: usize = 512;
const ENOUGH_FOR: usize = 98;

impl GraphBuilder<'_> {
    /// The neighbours of all rows, for sure.
    pub(super) fn exact<J: Join>(&self) -> Result<KnnGraph, GraphError> {
        let truth = self.truth();
        let sample = truth.find::<J>(&sample_rows(self.view, EXACT_SAMPLE), &|row| self.bound.bound(row))?;
        if is_alone(sample.iter().map(|(_, compared)| compared)) {
            return self.one_by_one::<J>();
        }
        let mut needed: Vec<usize> = sample.iter().map(|(_, compared)| compared.needed).collect();
        needed.sort_unstable();
        let most = MOST_KEPT.min(Candidates::most(self.view));
        let keep = needed.get(needed.len() * ENOUGH_FOR / 100).map_or(0, |needed| *needed.min(&most));
        let candidates = AllPairs::new::<J>(self).candidates::<J>(keep.max(self.n + 1))?;
        let chooser = Chooser { truth: &truth, candidates: &candidates };
        by_id::<J>(self.view, self.n, |first, to| chooser.choose(first, to))
    }

    /// The neighbours of all rows, each searched for alone: where 7-bit codes tell too little to compare many together.
    pub(super) fn one_by_one<J: Join>(&self) -> Result<KnnGraph, GraphError> {
        let chunks = self.view.shape.rows.div_ceil(ROWS_TOGETHER);
        let (truth, steps) = (self.truth(), Steps::new(self.options.progress, PARTITIONED..0.95, chunks));
        by_id::<J>(self.view, self.n, |first, to| {
            let mut scratch = PackedScratch::new();
            for (row, to) in (first..).zip(to.chunks_mut(self.n)) {
                if truth.cancel.is_set() {
                    return;
                }
                truth.nearest_alone(&mut scratch, row, to);
            }
            steps.step();
        })
    }
}

/// Chooses neighbours from candidates.
struct Chooser<'a> {
    truth: &'a GroundTruth<'a>,
    candidates: &'a Candidates,
}

impl Chooser<'_> {
    /// Writes the nearest of the candidates of each row from one on, and finds those of rows whose candidates are too few.
    fn choose(&self, first: u32, to: &mut [Neighbour]) {
        let GroundTruth { view, bound, n, cancel, .. } = *self.truth;
        let (mut best, mut analysed) = (TopK::default(), AnalysedRow::new(view.shape.dimensions));
        let mut others = Vec::new();
        for (row, to) in (first..).zip(to.chunks_mut(n)) {
            if cancel.is_set() {
                return;
            }
            bound.analyse(row, &mut analysed);
            if !self.choose_row(row, &analysed, &mut best, to) {
                others.push(row);
            }
        }
        let mut found = vec![Neighbour { id: NONE, distance: f32::INFINITY }; others.len() * n];
        self.truth.nearest(&others, &|row| bound.bound_as_query(row), &mut found, |_, _| ());
        for (row, found) in others.iter().zip(found.chunks(n)) {
            to[(row - first) as usize * n..][..n].copy_from_slice(found);
        }
    }

    /// Writes the nearest of the candidates of a row; whether these are the nearest of all, for sure.
    fn choose_row(&self, row: u32, analysed: &AnalysedRow, best: &mut TopK, to: &mut [Neighbour]) -> bool {
        let GroundTruth { view, n, .. } = *self.truth;
        let bound = self.truth.bound.bound(analysed);
        let (found, limit) = self.candidates.of(row);
        let mut keys = found.to_vec();
        keys.sort_unstable();
        best.reset(n);
        let mut least = f64::NEG_INFINITY;
        let mut left = keys.iter().map(|key| split_key(*key)).peekable();
        // A few at first: their vectors tell which others may be nearer.
        for few in [n + n / 4 + 4, usize::MAX] {
            let is_possible = |(minus_score, _): &(f32, u32)| bound - f64::from(*minus_score) >= least;
            let possible = core::iter::from_fn(|| left.next_if(is_possible));
            let rows: Vec<u32> = possible.take(few).map(|(_, other)| other).collect();
            let order = finish_row(view, row, rows.into_iter(), best, to);
            least = self.truth.least_score(&analysed.row, order);
        }
        // Where scores overflow, or are no numbers, nothing is sure.
        let is_sure = limit == f32::NEG_INFINITY || f64::from(limit) + bound < least;
        is_sure && bound.is_finite()
    }
}
