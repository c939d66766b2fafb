//! From the recall that a caller asks for to how hard a search looks, by the points that calibration has left in the file.

use super::cost::Costs;
use crate::packed::file::sections::{CalibrationHeader, Effort, FIXED_FOR, FixedEffort, LIST_LENGTHS, Shape};
use crate::packed::file::view::{Calibration, View};

/// How to answer a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Plan {
    /// Every vector that is allowed is compared.
    All,
    /// So many leaves are scanned, and so many candidates compared by their 7-bit codes.
    Fixed(FixedPlan),
    /// Leaves are scanned by the [`ProbeRule`](super::probe::ProbeRule).
    Adaptive(AdaptivePlan),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FixedPlan {
    /// Leaves whose codes are scanned.
    pub(super) leaves: usize,
    /// Candidates whose 7-bit codes are compared.
    pub(super) candidates: usize,
    /// Those of them that are compared in full.
    pub(super) rerank_depth: usize,
}

/// How far to look, and what that takes on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AdaptivePlan {
    pub(super) header: CalibrationHeader,
    pub(super) recall: f32,
    pub(super) slack: f32,
    pub(super) least: f32,
    pub(super) height: f32,
    /// Below this the n-th best score is unusually low, and the reach is that of the list for which it is usual.
    pub(super) low: f32,
    pub(super) ladder: [Rung; LIST_LENGTHS.len()],
    pub(super) margin: f32,
    pub(super) code_margin: f32,
    pub(super) gap: f32,
    pub(super) widest_gap: f32,
    /// Leaves and rows that are scanned, and candidates, on average.
    pub(super) leaves: f32,
    pub(super) rows: f32,
    pub(super) candidates: f32,
    /// The recall that all but a tenth of the queries reach.
    pub(super) tenth: f32,
}

/// What a list of some length takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rung {
    height: f32,
    slack: f32,
    margin: f32,
}

impl Rung {
    fn reaching_farther(self, weight: f32, more: f32) -> Self {
        Self { slack: self.slack + weight * more, margin: self.margin + more, ..self }
    }
}

impl AdaptivePlan {
    /// The plan where the n-th best score is so much less than it seems, in the scale of the query.
    pub(super) fn reaching_farther(&self, more: f32) -> Self {
        let ladder = self.ladder.map(|rung| rung.reaching_farther(self.header.weight, more));
        let Rung { slack, margin, .. } = self.rung().reaching_farther(self.header.weight, more);
        Self { slack, ladder, margin, ..*self }
    }

    /// Whether the n-th best score lies lower than those of nearly all queries that were measured.
    pub(super) fn is_unusually_low(&self, height: f32) -> bool {
        height < self.low - FAR_BELOW * (self.height - self.low)
    }

    const fn rung(&self) -> Rung {
        Rung { height: self.height, slack: self.slack, margin: self.margin }
    }

    /// The slack and the margin where the n-th best score lies so high above the key of the best leaf.
    ///
    /// Where it is lower than it should be, as under a filter that forbids what is near, the query is like one for a longer list:
    /// that one whose scores are as low. Lower than all that was calibrated, the slack grows with what is missing.
    pub(super) fn reach(&self, height: f32) -> (f32, f32) {
        if height >= self.low {
            return (self.slack, self.margin);
        }
        let mut above = Rung { height: self.low, slack: self.slack, margin: self.margin };
        for rung in self.ladder.iter().filter(|rung| rung.height < self.low) {
            if height >= rung.height {
                let share = (above.height - height) / (above.height - rung.height);
                let (slack, margin) =
                    (between(above.slack, rung.slack, share), between(above.margin, rung.margin, share));
                return (slack.max(self.slack), margin.max(self.margin));
            }
            above = *rung;
        }
        let missing = above.height - height;
        (above.slack.max(self.slack) + missing, above.margin.max(self.margin) + missing)
    }
}

/// All but a twentieth of the queries lie no lower than `low`; so many times as far again below the middle one lie hardly any.
const FAR_BELOW: f32 = 2.0;

/// The plan that finds this share of the `n` nearest, unless it costs more than another way.
pub(super) fn for_recall(view: &View<'_>, recall: f32, n: usize, other_way: f32) -> Plan {
    match view.calibration {
        Calibration::Fixed(points) => fixed_for_recall(points, recall, n),
        Calibration::Adaptive(header, lists) => {
            let found = adaptive_for_recall(header, lists, recall, n);
            found.filter(|plan| cost(&view.shape, plan, n) < other_way).map_or(Plan::All, Plan::Adaptive)
        }
    }
}

/// An effort that was chosen by hand, with the rerank depth that the highest recall takes.
pub(super) fn by_hand(view: &View<'_>, leaves: usize, candidates: usize, n: usize) -> Plan {
    let rerank_depth = match view.calibration {
        Calibration::Fixed(points) => points.last().map_or(usize::MAX, |point| rerank_depth(point, n)),
        Calibration::Adaptive(..) => n.saturating_mul(2).saturating_add(FEW_IN_FULL),
    };
    Plan::Fixed(FixedPlan { leaves, candidates, rerank_depth })
}

/// Candidates that are compared in full, besides twice as many as are asked for, where nothing else is said.
const FEW_IN_FULL: usize = 10;

/// The highest recall that is calibrated.
pub(crate) const HIGHEST: f32 = 0.9999;

/// About how many candidates are compared in full for each answer.
pub(super) const IN_FULL: f32 = 2.0;

/// What a plan costs on average.
pub(super) fn cost(shape: &Shape, plan: &AdaptivePlan, n: usize) -> f32 {
    let costs = Costs::of(shape);
    costs.scan(plan.leaves, plan.rows) + costs.candidates(plan.candidates, IN_FULL * n as f32)
}

/// Points around a recall, and how far between them it lies.
fn around<T>(points: &[T], recall: f32, recall_of: impl Fn(&T) -> f32) -> Option<(&T, &T, f32)> {
    let above = points.iter().position(|point| recall_of(point) >= recall)?;
    let high = &points[above];
    let low = above.checked_sub(1).and_then(|below| points.get(below)).unwrap_or(high);
    let (least, most) = (recall_of(low), recall_of(high));
    // Files may say anything; NaN becomes 0.
    let share = if most > least { ((recall - least) / (most - least)).clamp(0.0, 1.0) } else { 1.0 };
    Some((low, high, share))
}

fn between(low: f32, high: f32, share: f32) -> f32 {
    low + (high - low) * share
}

/// A number between two on a smooth curve that also passes through their neighbours, all at equal distances (Catmull and Rom, 1974).
/// It is no more than what lies on the straight line, and no less than the smaller. Without a neighbour the line goes on.
fn on_curve(before: Option<f32>, low: f32, high: f32, after: Option<f32>, share: f32) -> f32 {
    let (before, after) = (before.unwrap_or(2.0 * low - high), after.unwrap_or(2.0 * high - low));
    let square = 2.0 * before - 5.0 * low + 4.0 * high - after;
    let cube = 3.0 * (low - high) + after - before;
    let curve = low + 0.5 * share * (high - before + share * (square + share * cube));
    curve.min(between(low, high, share)).max(low.min(high))
}

/// The plan for a list of a length that is calibrated.
fn at_length<const P: usize>(header: CalibrationHeader, points: &[Effort; P], recall: f32) -> Option<AdaptivePlan> {
    let (low, high, share) = around(points, recall, |point| point.recall)?;
    let mixed = |of: fn(&Effort) -> f32| between(of(low), of(high), share);
    let plan = AdaptivePlan {
        header,
        recall,
        slack: mixed(|point| point.slack),
        least: mixed(|point| point.least),
        height: mixed(|point| point.height),
        low: mixed(|point| point.low),
        ladder: [Rung { height: f32::INFINITY, slack: 0.0, margin: 0.0 }; LIST_LENGTHS.len()],
        margin: mixed(|point| point.margin),
        code_margin: mixed(|point| point.code_margin),
        gap: mixed(|point| point.gap),
        widest_gap: mixed(|point| point.widest_gap),
        leaves: mixed(|point| point.leaves),
        rows: mixed(|point| point.rows),
        candidates: mixed(|point| point.candidates),
        tenth: mixed(|point| point.tenth),
    };
    // Where no slack is enough, or a file says what is none.
    [plan.slack, plan.height, plan.low, plan.margin, plan.code_margin].iter().all(|x| x.is_finite()).then_some(plan)
}

/// The plan between those of the list lengths that are calibrated.
pub(super) fn adaptive_for_recall<const P: usize>(
    header: CalibrationHeader,
    lists: &[[Effort; P]],
    recall: f32,
    n: usize,
) -> Option<AdaptivePlan> {
    let n = n.max(1);
    let above = LIST_LENGTHS.iter().position(|length| *length >= n).unwrap_or(LIST_LENGTHS.len() - 1);
    let below = if LIST_LENGTHS[above] == n { above } else { above.saturating_sub(1) };
    let plans: [_; LIST_LENGTHS.len()] = core::array::from_fn(|at| at_length(header, lists.get(at)?, recall));
    let (low, high) = (plans[below]?, plans[above]?);
    let log = |x: usize| libm::log(x as f64);
    let [least, most] = [below, above].map(|at| log(LIST_LENGTHS[at]));
    let share = if most > least { ((log(n) - least) / (most - least)).min(1.0) as f32 } else { 1.0 };
    // Longer lists than the longest take more of each in proportion.
    let longer = (n as f32 / LIST_LENGTHS[above] as f32).max(1.0);
    let mixed = |of: fn(&AdaptivePlan) -> f32| between(of(&low), of(&high), share);
    let outside = |at: Option<usize>| at.and_then(|at| *plans.get(at)?);
    let (before, after) = (outside(below.checked_sub(1)), outside(Some(above + 1)));
    let on_curve = |of: fn(&AdaptivePlan) -> f32| {
        on_curve(before.as_ref().map(of), of(&low), of(&high), after.as_ref().map(of), share)
    };
    Some(AdaptivePlan {
        header,
        recall,
        slack: on_curve(|plan| plan.slack),
        least: mixed(|plan| plan.least) * longer,
        height: mixed(|plan| plan.height),
        low: mixed(|plan| plan.low),
        ladder: plans.map(|plan| plan.map_or(low.ladder[0], |plan| plan.rung())),
        margin: on_curve(|plan| plan.margin),
        code_margin: mixed(|plan| plan.code_margin),
        gap: mixed(|plan| plan.gap),
        widest_gap: mixed(|plan| plan.widest_gap),
        leaves: mixed(|plan| plan.leaves) * longer,
        rows: mixed(|plan| plan.rows) * longer,
        candidates: mixed(|plan| plan.candidates) * longer,
        tenth: mixed(|plan| plan.tenth),
    })
}

/// The effort of version 1 that finds this share of the `n` nearest.
fn fixed_for_recall(points: &[FixedEffort], recall: f32, n: usize) -> Plan {
    let last = points.last().map(|last| (last, last, 1.0));
    let Some((low, high, share)) = around(points, recall, |point| point.recall).or(last) else { return Plan::All };
    let between = |low: u32, high: u32| libm::ceilf(between(low as f32, high as f32, share)) as usize;
    Plan::Fixed(FixedPlan {
        leaves: between(low.leaves, high.leaves),
        candidates: for_longer(between(low.candidates, high.candidates), n),
        rerank_depth: rerank_depth(high, n),
    })
}

/// What was measured for ten neighbours, for more.
fn for_longer(measured: usize, n: usize) -> usize {
    measured.saturating_mul(n.max(FIXED_FOR)) / FIXED_FOR
}

/// How many of the best by their 7-bit codes there have to be so that the `n` nearest are among them.
fn rerank_depth(point: &FixedEffort, n: usize) -> usize {
    let more = (point.rerank_depth as usize).saturating_sub(FIXED_FOR);
    n.saturating_add(for_longer(more, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_of_version_1_lies_between_the_points() {
        let point = |recall, leaves, candidates| FixedEffort { recall, leaves, candidates, rerank_depth: 12 };
        let points = [point(0.5, 10, 100), point(0.9, 30, 300), point(1.0, 100, 1000)];
        let params = |recall, n| match fixed_for_recall(&points, recall, n) {
            Plan::Fixed(plan) => (plan.leaves, plan.candidates, plan.rerank_depth),
            other => panic!("{other:?}"),
        };
        assert_eq!(params(0.1, 10), (10, 100, 12));
        assert_eq!(params(0.7, 10), (20, 200, 12));
        assert_eq!(params(0.9, 10), (30, 300, 12));
        assert_eq!(params(2.0, 10), (100, 1000, 12));
        assert_eq!(params(0.9, 100), (30, 3000, 120));
        assert_eq!(fixed_for_recall(&[], 0.9, 10), Plan::All);
    }

    #[test]
    fn effort_lies_between_points_and_lengths() {
        let header = CalibrationHeader { weight: 0.75, floor: 0.0, queries: 0, reserved: 0 };
        let point = |recall, slack: f32| Effort {
            recall,
            slack,
            least: 5.0,
            height: 0.0,
            low: 0.0,
            margin: 2.0 * slack,
            code_margin: 0.5 * slack,
            gap: 0.125 * slack,
            widest_gap: 0.25 * slack,
            leaves: 10.0,
            rows: 1000.0,
            candidates: 50.0,
            tenth: 0.5,
        };
        let list = |slack| [point(0.5, slack), point(0.9, 3.0 * slack)];
        let lists = [list(1.0), list(2.0), list(4.0), list(8.0)];
        let plan = |recall, n| {
            let plan = adaptive_for_recall(header, &lists, recall, n)?;
            Some((plan.slack, plan.margin, plan.code_margin, plan.widest_gap))
        };
        assert_eq!(plan(0.5, 1), Some((1.0, 2.0, 0.5, 0.25)));
        assert_eq!(plan(0.2, 10), Some((2.0, 4.0, 1.0, 0.5)));
        assert_eq!(plan(0.7, 10), Some((4.0, 8.0, 2.0, 1.0)));
        assert_eq!(plan(0.9, 1000), Some((24.0, 48.0, 12.0, 6.0)));
        assert_eq!(plan(0.9, 5000), Some((24.0, 48.0, 12.0, 6.0)));
        let (slack, ..) = plan(0.5, 32).unwrap();
        // On a curve through 1, 2, 4 and 8: 2√2.
        assert!((slack - 2.84).abs() < 0.03, "{slack}");
        assert_eq!(plan(0.95, 10), None);
        assert_eq!(plan(f32::NAN, 10), None);
        let nothing = [list(f32::INFINITY), list(f32::NAN), list(1.0), list(1.0)];
        assert!(adaptive_for_recall(header, &nothing, 0.5, 1).is_none());
        assert!(adaptive_for_recall(header, &nothing, 0.5, 50).is_none());
    }
}
