//! From the recall that a caller asks for to how hard a search looks, by the points that calibration has left in the file.

use crate::packed::file::sections::{CALIBRATED_FOR, Point};

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SearchParams {
    /// Leaves whose codes are scanned.
    pub(super) leaves: usize,
    /// Candidates whose 7-bit codes are compared.
    pub(super) candidates: usize,
    /// Those of them that are compared in full.
    pub(super) rerank_depth: usize,
}

impl SearchParams {
    pub(super) const ALL: Self = Self { leaves: usize::MAX, candidates: usize::MAX, rerank_depth: usize::MAX };
}

/// The effort that finds this share of the `n` nearest.
pub(super) fn for_recall(points: &[Point], recall: f32, n: usize) -> SearchParams {
    let above = points.iter().position(|point| point.recall >= recall).unwrap_or(points.len().saturating_sub(1));
    let Some(high) = points.get(above) else { return SearchParams::ALL };
    let low = above.checked_sub(1).and_then(|below| points.get(below)).unwrap_or(high);
    let share = if high.recall > low.recall { (recall - low.recall) / (high.recall - low.recall) } else { 1.0 };
    // Files may say anything; NaN becomes 0.
    let between =
        |low: u32, high: u32| libm::ceilf(low as f32 + (high as f32 - low as f32) * share.clamp(0.0, 1.0)) as usize;
    SearchParams {
        leaves: between(low.leaves, high.leaves),
        candidates: for_longer(between(low.candidates, high.candidates), n),
        rerank_depth: rerank_depth(high, n),
    }
}

/// An effort that was chosen by hand, with the rerank depth that the highest recall takes.
pub(super) fn by_hand(points: &[Point], leaves: usize, candidates: usize, n: usize) -> SearchParams {
    let rerank_depth = points.last().map_or(usize::MAX, |point| rerank_depth(point, n));
    SearchParams { leaves, candidates, rerank_depth }
}

/// What was measured for ten neighbours, for more.
fn for_longer(measured: usize, n: usize) -> usize {
    measured.saturating_mul(n.max(CALIBRATED_FOR)) / CALIBRATED_FOR
}

/// How many of the best by their 7-bit codes there have to be so that the `n` nearest are among them.
fn rerank_depth(point: &Point, n: usize) -> usize {
    let more = (point.rerank_depth as usize).saturating_sub(CALIBRATED_FOR);
    n.saturating_add(for_longer(more, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_lies_between_the_points() {
        let point = |recall, leaves, candidates| Point { recall, leaves, candidates, rerank_depth: 12 };
        let points = [point(0.5, 10, 100), point(0.9, 30, 300), point(1.0, 100, 1000)];
        let params = |recall, n| {
            let SearchParams { leaves, candidates, rerank_depth } = for_recall(&points, recall, n);
            (leaves, candidates, rerank_depth)
        };
        assert_eq!(params(0.1, 10), (10, 100, 12));
        assert_eq!(params(0.7, 10), (20, 200, 12));
        assert_eq!(params(0.9, 10), (30, 300, 12));
        assert_eq!(params(2.0, 10), (100, 1000, 12));
        assert_eq!(params(0.9, 100), (30, 3000, 120));
        assert_eq!(for_recall(&[], 0.9, 10), SearchParams::ALL);
        assert_eq!(by_hand(&points, 7, 70, 20), SearchParams { leaves: 7, candidates: 70, rerank_depth: 24 });
    }
}
