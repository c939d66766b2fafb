//! Comparing a query with candidates: by their 7-bit codes, and in full.

use alloc::vec::Vec;

use super::PackedScratch;
use super::allowed::ById;
use super::params::AdaptivePlan;
use super::probe::ProbeRule;
use crate::Neighbour;
use crate::filter::All;
use crate::packed::file::view::View;
use crate::packed::quantise::full::{FullQuery, reported};
use crate::packed::quantise::sq7::row_bias;
use crate::simd::prefetch;
use crate::top_k::{TopK, key, split_key};

/// How many candidates ahead memory is asked for.
const AHEAD: usize = 12;
/// Rows that are compared at once.
const FOUR: usize = 4;

impl PackedScratch {
    /// Compares the query with the 7-bit codes of the candidates.
    fn score_by_codes(&mut self, view: &View<'_>) {
        let Self { quantised, keys, rows, .. } = self;
        let d = view.shape.dimensions;
        keys.clear();
        for row in rows.iter().take(AHEAD) {
            prefetch(view.coded_row(*row));
        }
        for (at, group) in rows.chunks(FOUR).enumerate() {
            for row in rows.iter().skip(FOUR * at + AHEAD).take(FOUR) {
                prefetch(view.coded_row(*row));
            }
            let mut four = [&[][..]; FOUR];
            for (to, row) in four.iter_mut().zip(group) {
                *to = view.coded_row(*row);
            }
            for at in group.len()..FOUR {
                four[at] = four[0];
            }
            let sums = view.backend.dot_u7_many(&quantised.codes[..d], four.map(|row| row.get(..d).unwrap_or(&[])));
            for ((row, sum), coded) in group.iter().zip(sums).zip(four) {
                keys.push(key(-(quantised.step * sum as f32 + row_bias(coded)), *row));
            }
        }
    }

    /// The `n`-th best score of all rows by 7-bit codes, for the query that was set.
    pub(crate) fn nth_by_codes(&mut self, view: &View<'_>, n: usize) -> f32 {
        self.rows.clear();
        self.rows.extend(0..view.shape.rows as u32);
        self.score_by_codes(view);
        let nth = n.clamp(1, self.keys.len().max(1)) - 1;
        let has_any = !self.keys.is_empty();
        if has_any { -split_key(*self.keys.select_nth_unstable(nth).1).0 } else { f32::NEG_INFINITY }
    }

    /// The rows that are the `n` nearest of all, and the `n`-th best score of all by 7-bit codes.
    pub(crate) fn nearest_and_nth_by_codes(&mut self, view: &View<'_>, n: usize) -> (Vec<u32>, f32) {
        let best = self.nth_by_codes(view, n);
        self.search_exactly(view, n, &ById(&All));
        (self.found.iter().filter_map(|found| view.row_of(found.id)).collect(), best)
    }

    /// The scores of some rows by their 7-bit codes.
    pub(crate) fn scores_of(&mut self, view: &View<'_>, rows: &[u32]) -> Vec<f32> {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.score_by_codes(view);
        self.keys.iter().map(|key| -split_key(*key).0).collect()
    }

    /// Compares the query with the 7-bit codes of the candidates, and leaves the `n` best.
    pub(super) fn keep_best_by_codes(&mut self, view: &View<'_>, n: usize) {
        self.score_by_codes(view);
        let Self { keys, rows, .. } = self;
        if keys.len() > n {
            keys.select_nth_unstable(n);
            keys.truncate(n);
        }
        rows.clear();
        rows.extend(keys.iter().map(|key| *key as u32));
    }

    /// Compares the query with the 7-bit codes of the candidates, and leaves those that lie less than the plan's margin behind
    /// the `n`-th best. Returns about what is the n-th best score of all rows: of those that are best only the recall was found.
    pub(super) fn keep_near_by_codes(
        &mut self,
        view: &View<'_>,
        n: usize,
        rule: &ProbeRule,
        plan: &AdaptivePlan,
    ) -> f32 {
        self.score_by_codes(view);
        let Self { keys, rows, .. } = self;
        rows.clear();
        if keys.len() <= n.max(1) {
            rows.extend(keys.iter().map(|key| *key as u32));
            return f32::NEG_INFINITY;
        }
        let score = |key: u64| -split_key(key).0;
        let (better, nth, _) = keys.select_nth_unstable(n.max(1) - 1);
        let best = score(*nth);
        let found = ((n as f32 * plan.recall) as usize).clamp(1, better.len().max(1)) - 1;
        let likely = if better.is_empty() { best } else { score(*better.select_nth_unstable(found).1) };
        let limit = key(plan.code_margin * rule.scale(best) - best, u32::MAX);
        rows.extend(keys.iter().filter(|key| **key <= limit).map(|key| *key as u32));
        likely
    }

    /// Compares the query with the vectors of the candidates that are left.
    pub(super) fn rerank_in_full(&mut self, view: &View<'_>, n: usize) {
        let Self { given, rows, nearest, found, .. } = self;
        for row in rows.iter() {
            prefetch(view.vector(*row));
        }
        nearest.reset(n);
        let query = FullQuery::new(view.backend, view.shape.metric, given);
        for row in rows.iter() {
            nearest.push(query.order(view.vector(*row)), view.id(*row));
        }
        found.clear();
        found.extend(nearest.finish().map(|found| reported(view.shape.metric, found)));
    }
}

/// No row, and no id.
pub(crate) const NONE: u32 = u32::MAX;

/// Writes the nearest of some rows to one, by their vectors; returns what orders the last of them, or infinity where they are
/// too few.
pub(crate) fn finish_row(
    view: &View<'_>,
    own: u32,
    rows: impl Iterator<Item = u32> + Clone,
    best: &mut TopK,
    to: &mut [Neighbour],
) -> f32 {
    for row in rows.clone() {
        prefetch(view.vector(row));
    }
    let query = FullQuery::new(view.backend, view.shape.metric, view.vector(own));
    for row in rows {
        best.push(query.order(view.vector(row)), view.id(row));
    }
    let (mut last, mut written) = (f32::INFINITY, 0);
    for (to, found) in to.iter_mut().zip(best.finish()) {
        *to = reported(view.shape.metric, found);
        last = found.distance;
        written += 1;
    }
    if written < to.len() { f32::INFINITY } else { last }
}
