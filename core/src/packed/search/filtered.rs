//! How far to look where a filter allows some of the rows alone: nothing was measured with it, and what it allows may lie anywhere.

use alloc::vec;
use alloc::vec::Vec;

use super::cost::Costs;
use super::params::{AdaptivePlan, IN_FULL, Plan, adaptive_for_recall, for_recall};
use crate::filter::RowSet;
use crate::packed::file::view::{Calibration, View};

/// What a filter leaves, and where, is not known before it is searched, and what was measured need not hold for it. Comparing all,
/// which always does, may cost so many times what a scan would.
pub(super) const SURE: f32 = 10.0;

/// The same goes for the recall itself: this part of what may be missing is.
const MISSING: f32 = 0.6;

/// The recall by which a search with a filter is planned.
pub(super) fn filtered(recall: f32) -> f32 {
    1.0 - MISSING * (1.0 - recall)
}

/// The plan that finds this share of the `n` nearest of a set of rows.
pub(super) fn for_rows(view: &View<'_>, recall: f32, n: usize, allowed: usize) -> Plan {
    let costs = Costs::of(&view.shape);
    let Calibration::Adaptive(header, lists) = view.calibration else {
        return for_recall(view, recall, n, costs.all(n as f32));
    };
    let Some(plan) = adaptive_for_recall(header, lists, recall, n) else { return Plan::All };
    let share = allowed as f32 / view.shape.rows.max(1) as f32;
    let each_row = costs.candidates(allowed as f32, IN_FULL * n as f32);
    // About as far as for a longer list of all rows, of which these are a share.
    let longer = adaptive_for_recall(header, lists, recall, (n as f32 / share) as usize);
    let scan = longer.map_or(f32::INFINITY, |longer| costs.scan(longer.leaves, longer.rows));
    let scan = scan + costs.candidates(plan.candidates, IN_FULL * n as f32);
    if SURE * scan < each_row.min(costs.all(n as f32)) { Plan::Adaptive(plan) } else { Plan::All }
}

/// A filter may forbid what is nearest, as one of what was seen before does: then the `n` nearest that are left are the last of a list
/// that is longer, by how much is not known. Searches with such a filter reach at least as far as for a list so many times as long.
const LONGER: f32 = 4.0;

/// How far the nearest that a filter allows lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Farther {
    /// They are about those of a list of all rows that is so many times as long.
    pub(super) times: f32,
    /// Whether they are not nearer for sure.
    pub(super) is_known: bool,
}

impl Farther {
    /// What a set leaves that has one of so many rows near the query.
    pub(super) fn of_one_in(rows: f32, is_everywhere: bool) -> Self {
        if is_everywhere || rows > LONGER { Self { times: rows, is_known: true } } else { Self::UNKNOWN }
    }

    /// What a filter allows of which nothing is known. It may make no difference.
    pub(super) const UNKNOWN: Self = Self { times: LONGER, is_known: false };
}

/// The plan for a search with a filter; none where nothing is calibrated that reaches so far.
pub(super) fn under_filter(view: &View<'_>, plan: &AdaptivePlan, n: usize, how: Farther) -> Option<AdaptivePlan> {
    let farther = for_recall(view, plan.recall, (n as f32 * how.times) as usize, f32::INFINITY);
    let Plan::Adaptive(farther) = farther else { return None };
    let slack = if how.is_known { farther.slack } else { farther.slack.max(plan.slack) };
    Some(AdaptivePlan {
        slack,
        margin: plan.margin.max(farther.margin),
        code_margin: plan.code_margin.max(farther.code_margin),
        candidates: plan.candidates,
        ..farther
    })
}

/// Rows of a set, and of all, that are looked at to see how they lie in their leaves.
const SCATTER_SAMPLE: usize = 256;
/// How much farther from the centroids of their leaves the rows of a set may lie, squared, than others. Of samples so large it is a
/// tenth by chance.
const MOST_SCATTER: f64 = 1.3;

/// Whether the rows of a set lie farther from the centroids of their leaves than rows do in general: then others are nearer to a query
/// than any of them, whatever the share of its rows that a leaf has.
pub(super) fn scatters_more(view: &View<'_>, set: &RowSet) -> bool {
    let every = |count: usize| count.div_ceil(SCATTER_SAMPLE).max(1);
    let all = middle_distance(view, (0..view.shape.rows as u32).step_by(every(view.shape.rows)));
    middle_distance(view, set.iter().step_by(every(set.len()))) > MOST_SCATTER * all
}

/// The median of the squared distances of some rows from the centroids of their leaves.
fn middle_distance(view: &View<'_>, rows: impl Iterator<Item = u32>) -> f64 {
    let (mut row, mut centroid) = (vec![0.0; view.shape.dimensions], vec![0.0; view.shape.dimensions]);
    let distance = |at: u32| {
        view.read(at, &mut row);
        view.read_centroid(view.leaf_of(at), &mut centroid);
        view.backend.squared_l2_f64(&row, &centroid)
    };
    let mut distances: Vec<f64> = rows.map(distance).collect();
    let middle = distances.len() / 2;
    if distances.is_empty() { 0.0 } else { *distances.select_nth_unstable_by(middle, f64::total_cmp).1 }
}
