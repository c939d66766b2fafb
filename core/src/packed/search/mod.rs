//! A search: leaves, 4-bit codes, 7-bit codes, vectors, each for the few that the one before has left.
//!
//! ```text
//! query ← to the index space, as 8-bit codes                              (quantise)
//! leaves ← those with the best products with their centroids              (coarse)
//! lut ← products of the query with all codewords                          (quantise::lut)
//! leaf by leaf, until the next is too far                                 (probe)
//!     reservoir ← rows whose centroid's product and sum of lut entries reach the running limit   (scan, reservoir)
//! reranked ← those of them whose 7-bit codes are near those of the n-th   (rerank)
//! answer ← best `n` of those by their vectors, in f64                     (rerank)
//! ```
//!
//! How far "too far" and "near" are follows from the recall that is asked for (`params`). Where that would cost more than comparing
//! all rows for sure, all are compared (`exact`).

pub(crate) mod allowed;
mod calls;
pub(crate) mod coarse;
pub(crate) mod code_bound;
mod codes;
pub(crate) mod cost;
mod exact;
mod filtered;
mod full_scan;
mod local_bound;
pub(crate) mod params;
pub(crate) mod probe;
mod query_planes;
pub(crate) mod rerank;
pub(crate) mod reservoir;
mod scan;
mod scattered;

use alloc::vec::Vec;

use self::allowed::RowFilter;
use self::coarse::{bias_scale, score_leaves};
use self::code_bound::BoundedQuery;
use self::cost::Costs;
use self::filtered::{SURE, filtered, for_rows};
use self::local_bound::LocalQuery;
use self::params::{AdaptivePlan, FixedPlan, Plan, by_hand, cost, for_recall};
use self::probe::QueryScale;
use self::reservoir::Reservoir;
use super::damage::{Damage, Rule};
use super::file::view::View;
use super::options::Mode;
use super::quantise::lut::LookupTable;
use super::quantise::sq7::QuantisedQuery;
use crate::simd::in_f64::dot;
use crate::simd::{SCAN_ROWS, TILE_ROWS};
use crate::top_k::TopK;
use crate::{Metric, Neighbour};

/// The memory that a search works in: kept, the next search of the same index for as many answers allocates nothing. It
/// serves any index.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, PackedScratch, Search};
/// use ohyeah_core::{Metric, Packed};
///
/// let vectors: Vec<f32> = (0..200).map(|x| (x as f32).sin()).collect();
/// let index = Packed::build(Metric::Euclidean, &vectors, 2, &BuildOptions::new())?;
/// let mut scratch = PackedScratch::new();
/// for query in vectors.chunks(2) {
///     let nearest = index.search_in(&mut scratch, query, &Search::top(1).exact())?;
///     assert!(nearest[0].distance < 1e-3);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct PackedScratch {
    /// The query as it was given, and in the index space.
    given: Vec<f32>,
    query: Vec<f32>,
    /// What biases of leaves are multiplied with. Of euclidean also the square of the query's length, as far as scores do not
    /// lack it.
    scale: QueryScale,
    quantised: QuantisedQuery,
    bounded: BoundedQuery,
    local: LocalQuery,
    lut: LookupTable,
    /// The score of each leaf.
    scores: Vec<[f32; TILE_ROWS]>,
    keys: Vec<u64>,
    /// Leaves to be scanned, best first.
    pub(crate) probes: Vec<Probe>,
    sums: Vec<[u16; SCAN_ROWS]>,
    /// Which rows of a leaf may be among the best, a bit each.
    masks: Vec<u32>,
    pub(crate) reservoir: Reservoir,
    rows: Vec<u32>,
    nearest: TopK,
    found: Vec<Neighbour>,
    /// The ids of an answer, to see that each is there once.
    ids: Vec<u32>,
}

/// A search that is surprised looks again, farther, unless comparing all costs less than so many searches.
const LOOK_AGAIN: f32 = 4.0;

/// Nor are candidates looked at that cost so much more than is usual, as a share of what comparing all costs.
const SURPLUS: f32 = 0.2;

/// A leaf to be scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    /// What ranks it: the product with its bias.
    pub(crate) key: f32,
    /// The query's product with its centroid.
    pub(crate) product: f32,
    pub(crate) leaf: u32,
}

impl PackedScratch {
    /// Memory that grows with the first search.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a query as it was given.
    pub(crate) fn set_query(&mut self, view: &View<'_>, query: &[f32]) {
        self.given.clear();
        self.given.extend_from_slice(query);
        self.query.clear();
        self.query.extend_from_slice(query);
        view.space.to_index_space(&mut self.query);
        self.scale.scale = bias_scale(view.shape.metric, &self.query);
        self.quantised.set(&self.query, view.quantiser);
        if view.shape.metric == Metric::Euclidean {
            // Scores are products less the one with the offset, and less half the square of the row's length.
            self.scale.squared = (dot(&self.query, &self.query) - 2.0 * dot(&self.query, view.quantiser.offset)) as f32;
        }
    }

    /// Takes a row as the query.
    pub(crate) fn set_row(&mut self, view: &View<'_>, row: u32) {
        self.set_query(view, view.vector(row));
    }

    /// Allocates all that a search may need, so that the next like it allocates nothing.
    pub(crate) fn reserve(&mut self, view: &View<'_>, n: usize, candidates: usize, leaves: usize) {
        let groups = view.centroid_biases.len() / TILE_ROWS;
        if self.scores.capacity() < groups {
            self.scores.reserve(groups);
            // The largest leaf: looked for once for an index, or for one that is larger.
            let blocks = view.leaves.windows(2).map(|pair| (pair[1].block - pair[0].block) as usize).max();
            self.grow_sums(blocks.unwrap_or(0));
        }
        // For as many as there are, `reserve` does nothing.
        self.scores.clear();
        // Where too many come near, all are compared.
        self.reserve_exact(view);
        self.keys.reserve((groups * TILE_ROWS).max(candidates));
        self.probes.clear();
        self.probes.reserve(leaves);
        self.rows.clear();
        self.rows.reserve(candidates + 1);
        self.found.clear();
        self.found.reserve(n);
        self.ids.clear();
        self.ids.reserve(n);
        self.reservoir.keys.clear();
        self.reservoir.keys.reserve(candidates);
    }

    fn grow_sums(&mut self, blocks: usize) {
        if self.sums.len() < blocks {
            self.sums.resize(blocks, [0; SCAN_ROWS]);
            self.masks.resize(blocks, 0);
        }
    }

    /// Finds the `n` nearest that the filter allows, for the query that was set.
    fn search<F: RowFilter>(&mut self, view: &View<'_>, n: usize, mode: Mode, filter: &F) {
        let plan = match mode {
            Mode::Exact => Plan::All,
            Mode::Params { leaves, candidates } => by_hand(view, leaves, candidates, n),
            Mode::Recall(recall) => {
                let all = Costs::of(&view.shape).all(n as f32);
                match filter.row_set() {
                    Some(rows) => for_rows(view, filtered(recall), n, rows.len()),
                    None if filter.allows_all() => for_recall(view, recall, n, all),
                    // What a filter allows is not known, as it is with sets of rows.
                    None => for_recall(view, filtered(recall), n, all / SURE),
                }
            }
        };
        let is_found = match plan {
            Plan::All => false,
            Plan::Fixed(plan) => self.find_candidates(view, n, &plan, filter),
            Plan::Adaptive(plan) => self.find_near_candidates(view, n, &plan, filter),
        };
        if is_found {
            self.rerank_in_full(view, n);
        } else {
            self.search_exactly(view, n, filter);
        }
    }

    /// Scans a fixed number of leaves.
    fn find_candidates<F: RowFilter>(&mut self, view: &View<'_>, n: usize, plan: &FixedPlan, filter: &F) -> bool {
        let rows = view.shape.rows;
        let candidates = plan.candidates.max(n).min(rows);
        let mut leaves = plan.leaves.clamp(1, view.shape.leaves.max(1));
        self.reserve(view, n, candidates.saturating_mul(8).saturating_add(1024).min(rows), leaves);
        loop {
            self.choose_leaves(view, leaves);
            self.scan_fixed(view, candidates, filter);
            if leaves >= view.shape.leaves || self.reservoir.keys.len() >= candidates {
                break;
            }
            // The filter leaves too few: look further.
            leaves = leaves.saturating_mul(4);
        }
        self.take_candidates();
        if plan.rerank_depth < self.rows.len() {
            self.keep_best_by_codes(view, plan.rerank_depth.max(n));
        }
        true
    }

    /// Scans leaves until none is near; false where more rows came near than it pays to look at one by one.
    fn find_near_candidates<F: RowFilter>(
        &mut self,
        view: &View<'_>,
        n: usize,
        plan: &AdaptivePlan,
        filter: &F,
    ) -> bool {
        let rows = view.shape.rows;
        let room = (plan.candidates as usize).saturating_add(n).saturating_mul(8).saturating_add(1024);
        self.reserve(view, n, room.max(rows / 16).min(rows), view.shape.leaves);
        let Some(rule) = self.scan_adaptively(view, n, plan, 0.0, filter) else {
            return false;
        };
        self.take_candidates();
        let costs = Costs::of(&view.shape);
        let all = costs.all(n as f32);
        let surplus = costs.candidates(self.rows.len() as f32 - plan.candidates, 0.0);
        if self.reservoir.is_crowded || surplus > SURPLUS * all {
            return false;
        }
        let best = self.keep_near_by_codes(view, n, &rule, plan);
        let gap = self.nth_best().map_or(0.0, |by_scan| (by_scan - best) / rule.scale(best));
        if gap.is_finite() && gap > plan.widest_gap {
            // Where many lie at about the same distance, 4-bit codes make the best of many look better than they are.
            if all < LOOK_AGAIN * cost(&view.shape, plan, n) {
                return false;
            }
            self.scan_adaptively(view, n, plan, gap - plan.gap, filter);
            self.take_candidates();
            self.keep_near_by_codes(view, n, &rule, plan);
        }
        !self.reservoir.is_crowded
    }

    /// Takes the rows that a scan has kept.
    fn take_candidates(&mut self) {
        self.rows.clear();
        self.rows.extend(self.reservoir.keys.iter().map(|key| *key as u32));
    }

    /// What the last search has found.
    fn found(&self) -> &[Neighbour] {
        &self.found
    }

    /// Chooses the leaves with the best scores, best first.
    pub(crate) fn choose_leaves(&mut self, view: &View<'_>, leaves: usize) {
        self.choose_allowed_leaves(view, leaves, None);
    }

    /// The score of each leaf for the query that was set, and what biases were multiplied with.
    pub(crate) fn leaf_scores(&mut self, view: &View<'_>) -> (&[f32], f32) {
        score_leaves(view, &self.quantised, self.scale.scale, &mut self.scores);
        (self.scores.as_flattened(), self.scale.scale)
    }

    /// How many leaves are better than a leaf for the query that was set.
    pub(crate) fn rank_of(&mut self, view: &View<'_>, leaf: u32) -> usize {
        let (scores, _) = self.leaf_scores(view);
        let own = scores.get(leaf as usize).copied().unwrap_or(f32::NEG_INFINITY);
        scores.iter().filter(|score| **score > own).count()
    }

    /// Whether an answer is one that an undamaged file gives: each id there is at most once, and distances that are numbers.
    /// Only a file that was never verified can give another.
    fn check_found(&mut self, view: &View<'_>) -> Result<(), Damage> {
        let Self { found, ids, .. } = self;
        if let Some(found) = found.iter().find(|found| found.distance.is_nan()) {
            return Err(Damage { rule: Rule::Vectors, at: u64::from(found.id) });
        }
        ids.clear();
        ids.extend(found.iter().map(|found| found.id));
        ids.sort_unstable();
        let twice = ids.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let beyond = ids.last().copied().filter(|id| *id as usize >= view.shape.rows);
        match twice.or(beyond) {
            Some(id) => Err(Damage { rule: Rule::Ids, at: u64::from(id) }),
            None => Ok(()),
        }
    }
}
