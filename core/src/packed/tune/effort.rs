//! From recall to effort: what a search has to do to find so many of the nearest.
//!
//! A sample of the rows is searched for, each without itself. A true neighbour is found if its leaf is scanned, if its 4-bit codes
//! are within the margin of the n-th best, and if its 7-bit codes are among the best. The first two are known for every effort
//! from one scan of all leaves (`trace`), the last from the search for the neighbours. So recall is counted, not tried, for all
//! efforts at once, and the cheapest that reaches each recall is kept in the file. This is done for lists of several lengths.

use alloc::vec::Vec;

use super::trace::{Reach, Stop, Trace, Tried};
use crate::packed::file::sections::{CalibrationHeader, Effort, POINTS};
use crate::packed::file::view::View;
use crate::packed::search::PackedScratch;
use crate::packed::search::cost::Costs;
use crate::packed::search::params::HIGHEST;
use crate::packed::search::probe::FEW;
use crate::packed::truth::CalibrationQuery;
use crate::parallel::{self, Join};
use crate::progress::{Cancel, Cancelled};

/// The recalls of a calibration, ascending.
fn targets() -> impl Iterator<Item = f32> {
    // .50 to .96 in steps of .02, then closer.
    (25..49).map(|at| at as f32 / 50.0).chain([0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.998, HIGHEST])
}

/// The share of what may be missing that may be missing because 7-bit codes put it behind the margin. Small, as those few are counted
/// as lost besides all others, though a search mostly finds them: its n-th best is no better than the true one.
const LOST_BY_CODES: f64 = 0.02;

/// 4-bit codes tell the neighbours of rows better than those of sums or differences of rows, which need margins wider by a fifth to a
/// third. Margins are wider than rows need them by up to this share: a few more candidates, where more leaves would cost much.
const WIDER: f64 = 0.18;

/// A sample may be luckier than what is searched for later, the more so the fewer neighbours it has: at most this much, and this share
/// of what may be missing, for lists of one, and of more.
const LUCK: [(f64, f64); 2] = [(0.012, 0.25), (0.006, 0.1)];
/// That is of so many neighbours; of fewer it is more, by the root of how many times fewer, but no more than a part of what may be missing.
const LUCK_OF: f64 = 2000.0;
const MOST_LUCK: f64 = 0.75;

/// The share of the queries that may be surprised: they look again, which costs as much as looking once.
const SURPRISED: f64 = 0.02;

/// Slacks and margins that are tried, besides the greatest.
const SLACKS: i32 = 80;
const MARGINS: i32 = 24;
/// One of so many queries tells which are worth trying.
const PILOT: usize = 8;

/// The points of recall and effort for one list length, that of the queries' neighbours.
pub(super) fn calibrate<J: Join>(
    view: &View<'_>,
    header: &CalibrationHeader,
    queries: &[CalibrationQuery],
    cancel: Cancel<'_>,
) -> Result<[Effort; POINTS], Cancelled> {
    let trace_of = |queries: &[&CalibrationQuery], tried: &Tried| {
        let traces = parallel::map::<J, _>(0..queries.len(), &|at| {
            if cancel.is_set() {
                Trace::default()
            } else {
                PackedScratch::new().trace(view, header, queries[at], tried)
            }
        });
        cancel.check()?;
        Ok(traces)
    };
    let all: Vec<&CalibrationQuery> = queries.iter().collect();
    let pilot: Vec<&CalibrationQuery> = queries.iter().step_by(PILOT).collect();
    let heights = heights::<J>(view, header, &all);
    let tried = Tried { heights, ..Tried::default() };
    let tried = worth_trying(&trace_of(&pilot, &tried)?, heights);
    let tried = with_least(&trace_of(&pilot, &tried)?, tried);
    let traces = trace_of(&all, &tried)?;
    Ok(Counted::new(view, &traces, &tried).points())
}

/// How high above the key of the best leaf the n-th best score is for the middle one of some queries, and for all but a twentieth.
fn heights<J: Join>(view: &View<'_>, header: &CalibrationHeader, queries: &[&CalibrationQuery]) -> [f32; 2] {
    let mut heights = parallel::map::<J, _>(0..queries.len(), &|at| {
        let mut scratch = PackedScratch::new();
        scratch.set_query(view, queries[at].vector(view));
        scratch.height_of(view, header, queries[at].nth_by_codes)
    });
    heights.retain(|height| height.is_finite());
    heights.sort_unstable_by(f32::total_cmp);
    [heights.len() / 2, heights.len() / 20].map(|at| heights.get(at).copied().unwrap_or(0.0))
}

/// The slacks and margins that find various shares of the neighbours of a few queries.
fn worth_trying(traces: &[Trace], heights: [f32; 2]) -> Tried {
    let (mut slacks, mut margins) = (Vec::new(), Vec::new());
    for trace in traces {
        slacks.extend(trace.neighbours.iter().map(|neighbour| neighbour.slack));
        margins.extend(trace.stops.iter().flat_map(|stop| trace.neighbours.iter().map(|x| stop.margin_for(x))));
    }
    let mut slacks = quantiles(slacks, 0.7, 0.93, SLACKS);
    slacks.push(f32::MAX);
    let mut margins = quantiles(margins, 0.5, 0.77, MARGINS);
    if let Some(last) = margins.last().copied() {
        margins.push(last + 0.25 * last.abs());
    }
    Tried { reaches: slacks.into_iter().map(|slack| Reach { slack, least: 0 }).collect(), margins, heights }
}

/// Adds how many leaves are scanned in any case: a share of those that are scanned on average.
fn with_least(traces: &[Trace], mut tried: Tried) -> Tried {
    for (at, reach) in tried.reaches.iter_mut().enumerate() {
        reach.least = (FEW * mean(traces, at, |stop| stop.leaves)) as u32;
    }
    tried
}

/// The mean of a number of the stops with a reach.
fn mean(traces: &[Trace], at: usize, of: impl Fn(&Stop) -> u32) -> f32 {
    let sum: f64 = traces.iter().filter_map(|trace| trace.stops.get(at)).map(|stop| f64::from(of(stop))).sum();
    (sum / traces.len().max(1) as f64) as f32
}

/// Finite numbers that all but a share of the given ones do not exceed; the share shrinks by a factor from one to the next.
fn quantiles(mut numbers: Vec<f32>, first: f64, factor: f64, count: i32) -> Vec<f32> {
    numbers.retain(|x| x.is_finite());
    numbers.sort_unstable_by(f32::total_cmp);
    let at = |number| ((1.0 - first * libm::pow(factor, f64::from(number))) * numbers.len() as f64) as usize;
    let mut found: Vec<f32> = (0..count).filter_map(|number| numbers.get(at(number)).copied()).collect();
    found.dedup();
    found
}

/// What the traces of queries count together.
struct Counted<'a> {
    costs: Costs,
    traces: &'a [Trace],
    tried: &'a Tried,
    /// The margins that neighbours need for their 7-bit codes, ascending.
    code_margins: Vec<f32>,
    n: usize,
    /// For each slack: the margins that the neighbours need whose leaves are scanned, ascending.
    margins: Vec<Vec<f32>>,
    /// For each slack: leaves, rows, and candidates within each margin, on average.
    means: Vec<(f32, f32, Vec<f32>)>,
}

impl<'a> Counted<'a> {
    fn new(view: &View<'_>, traces: &'a [Trace], tried: &'a Tried) -> Self {
        let neighbours = traces.iter().flat_map(|trace| &trace.neighbours);
        let mut code_margins: Vec<f32> = neighbours.map(|neighbour| neighbour.code_margin).collect();
        code_margins.sort_unstable_by(f32::total_cmp);
        let n = traces.iter().map(|trace| trace.neighbours.len()).max().unwrap_or(0);
        let each = |at: usize| {
            let mut needed: Vec<f32> = traces.iter().flat_map(|trace| margins_needed(trace, tried, at)).collect();
            needed.sort_unstable_by(f32::total_cmp);
            needed
        };
        let means = |at: usize| {
            let candidates = (0..tried.margins.len()).map(|number| mean(traces, at, |stop| stop.candidates[number]));
            (mean(traces, at, |stop| stop.leaves), mean(traces, at, |stop| stop.rows), candidates.collect())
        };
        let reaches = 0..tried.reaches.len();
        Self {
            costs: Costs::of(&view.shape),
            traces,
            tried,
            code_margins,
            n,
            margins: reaches.clone().map(each).collect(),
            means: reaches.map(means).collect(),
        }
    }

    fn points(&self) -> [Effort; POINTS] {
        let mut points = [NO_EFFORT; POINTS];
        for (point, recall) in points.iter_mut().zip(targets()) {
            *point = Effort { recall, ..self.cheapest(f64::from(recall)).unwrap_or(NO_EFFORT) };
        }
        points
    }

    /// The cheapest effort that reaches a recall.
    fn cheapest(&self, recall: f64) -> Option<Effort> {
        let (most, share) = LUCK[usize::from(self.n > 1)];
        let neighbours = self.code_margins.len();
        let fewer = libm::sqrt((LUCK_OF / neighbours as f64).max(1.0));
        let luck = (fewer * most).min((fewer * share).min(MOST_LUCK) * (1.0 - recall));
        let missing = 1.0 - recall - luck;
        let lost = (missing * LOST_BY_CODES * neighbours as f64) as usize;
        let code_margin = self.code_margins.get(neighbours.checked_sub(lost + 1)?)?.max(0.0);
        let lost = self.code_margins.iter().filter(|margin| **margin > code_margin).count();
        let in_full = self.code_margins.iter().filter(|margin| **margin <= code_margin).count();
        let in_full = 2.0 * in_full as f32 / self.traces.len() as f32;
        let wanted = libm::ceil((1.0 - missing) * neighbours as f64) as usize + lost;
        // Where much may be missing anyway, a surplus for rows is of no use.
        let wider = (1.0 + WIDER * libm::pow(2.0 * recall - 1.0, 2.0)) as f32;
        let efforts = self.margins.iter().zip(&self.means).zip(&self.tried.reaches);
        let efforts = efforts.filter_map(|((needed, (leaves, rows, candidates)), reach)| {
            let margin = wider * needed.get(wanted.checked_sub(1)?)?.max(0.0);
            let at = self.tried.margins.partition_point(|tried| *tried < margin);
            let candidates = candidates.get(at).or(candidates.last())?.max(self.n as f32);
            let cost = self.costs.scan(*leaves, *rows) + self.costs.candidates(candidates, in_full);
            let (slack, least, [height, low]) = (reach.slack, reach.least as f32, self.tried.heights);
            let (leaves, rows) = (*leaves, *rows);
            let effort =
                Effort { slack, least, height, low, margin, code_margin, leaves, rows, candidates, ..NO_EFFORT };
            Some((cost, effort))
        });
        let (_, effort) = efforts.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let (gap, widest_gap) = self.gaps(&effort);
        Some(Effort { tenth: self.tenth(&effort), gap, widest_gap, ..effort })
    }

    /// By how much the n-th best score by 4-bit codes exceeds that by 7-bit ones: for the middle query, and for all but a few.
    fn gaps(&self, effort: &Effort) -> (f32, f32) {
        let at = self.tried.reaches.iter().position(|reach| reach.slack >= effort.slack);
        let each = self.traces.iter().filter_map(|trace| Some(trace.stops.get(at?)?.gap(trace.nth)));
        let mut all: Vec<f32> = each.filter(|gap| gap.is_finite()).collect();
        all.sort_unstable_by(f32::total_cmp);
        let share = |share: f64| all.get((all.len() as f64 * share) as usize).copied();
        (share(0.5).unwrap_or(0.0), share(1.0 - SURPRISED).unwrap_or(f32::MAX))
    }

    /// The recall that all but a tenth of the queries reach.
    fn tenth(&self, effort: &Effort) -> f32 {
        let Some(at) = self.tried.reaches.iter().position(|reach| reach.slack >= effort.slack) else { return 0.0 };
        let recall_of = |trace: &Trace| {
            let found = margins_needed(trace, self.tried, at).filter(|margin| *margin <= effort.margin).count();
            found as f32 / trace.neighbours.len().max(1) as f32
        };
        let mut recalls: Vec<f32> = self.traces.iter().map(recall_of).collect();
        recalls.sort_unstable_by(f32::total_cmp);
        recalls.get(recalls.len() / 10).copied().unwrap_or(0.0)
    }
}

/// The margins that neighbours of a query need whose leaves are scanned with a slack, as far as they are tried.
fn margins_needed<'t>(trace: &'t Trace, tried: &'t Tried, at: usize) -> impl Iterator<Item = f32> + 't {
    let reach = tried.reaches[at];
    let widest = tried.margins.last().copied().unwrap_or(f32::NEG_INFINITY);
    let near = trace.neighbours.iter().filter(move |neighbour| reach.includes(neighbour));
    let stop = trace.stops.get(at);
    near.filter_map(move |neighbour| Some(stop?.margin_for(neighbour))).filter(move |margin| *margin <= widest)
}

/// What a recall takes that is not to be reached but by comparing everything.
pub(super) const NO_EFFORT: Effort = Effort {
    recall: 0.0,
    slack: f32::INFINITY,
    least: 0.0,
    height: 0.0,
    low: 0.0,
    margin: f32::INFINITY,
    code_margin: f32::INFINITY,
    gap: 0.0,
    widest_gap: f32::MAX,
    leaves: 0.0,
    rows: 0.0,
    candidates: 0.0,
    tenth: 1.0,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_has_all_its_targets() {
        let targets: Vec<f32> = targets().collect();
        assert_eq!(targets.len(), POINTS);
        assert!(targets.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn quantiles_ascend() {
        let numbers: Vec<f32> = (0..1000).rev().map(|x| x as f32).chain([f32::NAN, f32::INFINITY]).collect();
        let found = quantiles(numbers, 0.5, 0.5, 8);
        assert_eq!(found, [500.0, 750.0, 875.0, 937.0, 968.0, 984.0, 992.0, 996.0]);
        assert!(quantiles(Vec::new(), 0.5, 0.5, 8).is_empty());
    }
}
