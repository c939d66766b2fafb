//! What the search for a query meets on its way, so that recall can be counted for all efforts at once.

use alloc::vec::Vec;

use crate::packed::file::sections::CalibrationHeader;
use crate::packed::file::view::View;
use crate::packed::search::PackedScratch;
use crate::packed::search::allowed::ById;
use crate::packed::search::probe::ProbeRule;
use crate::packed::truth::CalibrationQuery;

/// The least effort that finds a neighbour.
#[derive(Clone, Copy, Debug)]
pub(super) struct NeighbourNeed {
    /// The slack with which its leaf is scanned, and the rank of that.
    pub(super) slack: f32,
    pub(super) rank: u32,
    /// Its score by 4-bit codes, as a product.
    pub(super) score: f32,
    /// The margin within which it lies by its 7-bit codes.
    pub(super) code_margin: f32,
}

/// A search that stops at some slack.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// Leaves and rows that were scanned.
    pub(super) leaves: u32,
    pub(super) rows: u32,
    /// The n-th best score, and the scale of margins.
    best: f32,
    scale: f32,
    /// How many rows lie within each of the margins.
    pub(super) candidates: Vec<u32>,
}

impl Stop {
    /// How much the n-th best score exceeds the true one.
    pub(super) fn gap(&self, nth: f32) -> f32 {
        (self.best - nth) / self.scale
    }

    /// The margin that a neighbour needs.
    pub(super) fn margin_for(&self, neighbour: &NeighbourNeed) -> f32 {
        // Where there are fewer than n, all are kept.
        if self.best.is_finite() { (self.best - neighbour.score) / self.scale } else { f32::NEG_INFINITY }
    }
}

/// The search for a query, through all leaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    pub(super) neighbours: Vec<NeighbourNeed>,
    /// Where it would stop with each of the slacks.
    pub(super) stops: Vec<Stop>,
    /// The n-th best score by 7-bit codes.
    pub(super) nth: f32,
}

/// A slack that is tried, and how many leaves are scanned with it in any case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    pub(super) slack: f32,
    pub(super) least: u32,
}

impl Reach {
    /// Whether the leaf of a neighbour is scanned.
    pub(super) fn includes(self, neighbour: &NeighbourNeed) -> bool {
        neighbour.slack <= self.slack || neighbour.rank < self.least
    }
}

/// What is tried, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Tried {
    pub(super) reaches: Vec<Reach>,
    pub(super) margins: Vec<f32>,
    /// How high above the key of the best leaf the n-th best score usually is, and at least is for most.
    pub(super) heights: [f32; 2],
}

impl PackedScratch {
    /// Searches for the nearest of a query through all leaves, and notes what each effort would have found.
    pub(super) fn trace(
        &mut self,
        view: &View<'_>,
        header: &CalibrationHeader,
        query: &CalibrationQuery,
        tried: &Tried,
    ) -> Trace {
        self.set_query(view, query.vector(view));
        let n = query.nearest.len();
        self.reserve(view, n, (view.shape.rows / 4).max(4 * n), view.shape.leaves);
        self.choose_leaves(view, view.shape.leaves);
        let rule = self.begin_adaptive(view, header, n, tried.heights[0]);
        let probes = core::mem::take(&mut self.probes);
        let nth = query.nth_by_codes;
        let mut trace = Trace { nth, ..Trace::default() };
        let (mut needed, mut rows) = (f32::NEG_INFINITY, 0);
        let own = query.row.map(|row| view.id(row));
        let widest = tried.margins.last().copied().unwrap_or(0.0);
        for (scanned, probe) in (0..).zip(&probes) {
            if let Some(best) = self.nth_best() {
                needed = needed.max(rule.slack_for(probe.key, best));
                let is_beyond = |reach: &Reach| reach.slack < needed && reach.least <= scanned;
                while tried.reaches.get(trace.stops.len()).is_some_and(is_beyond) {
                    trace.stops.push(self.stop(&rule, scanned, rows, tried));
                }
                self.set_margin(widest * rule.scale(best));
            }
            let base = self.scan_leaf(view, probe.product, probe.leaf);
            self.keep_best(view, probe.leaf, base, &ById(&|id| Some(id) != own));
            self.reservoir.settle();
            let of_leaf = view.leaf_rows(probe.leaf);
            rows += of_leaf.end - of_leaf.start;
            for neighbour in query.nearest.iter().filter(|neighbour| of_leaf.contains(&neighbour.row)) {
                let score = self.as_product(self.score_of((neighbour.row - of_leaf.start) as usize, base));
                // Of rows that 7-bit codes do not tell apart, scores are not known.
                let code_margin = (nth - neighbour.score_by_codes) / rule.scale(nth);
                let code_margin = if code_margin.is_finite() { code_margin } else { f32::INFINITY };
                trace.neighbours.push(NeighbourNeed { slack: needed, rank: scanned, score, code_margin });
            }
        }
        while trace.stops.len() < tried.reaches.len().max(1) {
            trace.stops.push(self.stop(&rule, probes.len() as u32, rows, tried));
        }
        self.probes = probes;
        trace
    }

    fn stop(&self, rule: &ProbeRule, leaves: u32, rows: u32, tried: &Tried) -> Stop {
        let best = self.nth_best().unwrap_or(f32::NEG_INFINITY);
        let scale = rule.scale(best);
        let within = |margin: &f32| self.reservoir.reaching(self.as_score(best - margin * scale));
        Stop { leaves, rows, best, scale, candidates: tried.margins.iter().map(within).collect() }
    }
}
