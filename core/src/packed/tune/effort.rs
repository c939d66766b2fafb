//! From recall to effort: what a search has to do to find so many of the nearest.
//!
//! A sample of the rows is searched for, each without itself. A true neighbour is found if its leaf is among those that are
//! scanned and its codes are among the best candidates there. Both are known for every number of leaves from one scan
//! (`oracle`): the rank of its leaf, and how many rows of the leaves before beat it. So recall is counted, not tried, for all
//! efforts at once, and the cheapest that reaches each recall is kept in the file.

use alloc::vec::Vec;

use super::oracle::NeighbourCost;
use crate::packed::file::sections::{CALIBRATED, CALIBRATED_FOR, Point};
use crate::packed::file::view::View;
use crate::packed::search::Scratch;
use crate::packed::truth::CalibrationQuery;
use crate::parallel::{self, Join};
use crate::progress::{Cancel, Cancelled};

/// The recalls of a calibration, ascending.
fn targets() -> impl Iterator<Item = f32> {
    // .50 to .96 in steps of .02, then closer.
    (25..49).map(|at| at as f32 / 50.0).chain([0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.998, 0.9999])
}

/// What scanning a leaf, scanning a row's 4-bit codes and comparing a row's 7-bit codes cost, in nanoseconds of a machine of
/// 2024. Only their proportions matter, and they are the same everywhere so that files are.
const LEAF_COST: f64 = 25.0;
const SCAN_COST: f64 = 0.8;
const RERANK_COST: f64 = 20.0;

/// The share of what may be missing that may be missing because 7-bit codes put it behind too many others.
const LOST_BY_CODES: f32 = 0.1;

/// Numbers of leaves that are tried.
fn leaf_counts(leaves: usize) -> Vec<u32> {
    let mut counts = Vec::new();
    let mut next = 1;
    while next < leaves {
        counts.push(next as u32);
        next = (next + 1).max(next * 9 / 8);
    }
    counts.push(leaves as u32);
    counts
}

/// The points of recall and effort of an index.
pub(super) fn calibrate<J: Join>(
    view: &View<'_>,
    queries: &[CalibrationQuery],
    cancel: Cancel<'_>,
) -> Result<[Point; CALIBRATED], Cancelled> {
    let counts = leaf_counts(view.shape.leaves.max(1));
    let costs = parallel::map::<J, _>(0..queries.len(), &|at| {
        if cancel.is_set() {
            return Vec::new();
        }
        let CalibrationQuery { row, nearest } = &queries[at];
        let mut scratch = Scratch::new();
        scratch.set_row(view, *row);
        let nearest: Vec<u32> = nearest.iter().map(|nearest| nearest.row).collect();
        scratch.costs_of(view, &nearest, *row, &counts)
    });
    cancel.check()?;
    let depths = queries.iter().flat_map(|query| &query.nearest).map(|nearest| nearest.behind);
    Ok(points(view, &counts, &costs.concat(), depths.collect()))
}

/// The cheapest effort for each recall. `depths` says how many rows have better 7-bit codes than each neighbour.
fn points(view: &View<'_>, counts: &[u32], neighbours: &[NeighbourCost], mut depths: Vec<u32>) -> [Point; CALIBRATED] {
    depths.sort_unstable();
    // For each number of leaves: how many candidates each neighbour that is in them needs, ascending.
    let needed: Vec<Vec<u32>> = (0..counts.len())
        .map(|at| {
            let within = neighbours.iter().filter(|neighbour| neighbour.leaf_rank < counts[at]);
            let mut needed: Vec<u32> = within.map(|neighbour| neighbour.candidates[at]).collect();
            needed.sort_unstable();
            needed
        })
        .collect();
    let (leaves, rows) = (view.shape.leaves as u32, view.shape.rows as u32);
    let rows_a_leaf = f64::from(rows) / f64::from(leaves.max(1));
    let mut points = [Point { recall: 1.0, leaves, candidates: rows, rerank_depth: rows }; CALIBRATED];
    for (point, recall) in points.iter_mut().zip(targets()) {
        point.recall = recall;
        let lost = ((1.0 - recall) * LOST_BY_CODES * depths.len() as f32) as usize;
        let Some(most) = depths.len().checked_sub(lost + 1).map(|at| depths[at]) else { continue };
        point.rerank_depth = most.saturating_add(1).max(CALIBRATED_FOR as u32);
        let lost = depths.iter().filter(|depth| **depth > most).count();
        let wanted = libm::ceil(f64::from(recall) * neighbours.len() as f64) as usize + lost;
        let efforts = counts.iter().zip(&needed).filter_map(|(leaves, needed)| {
            let candidates = *needed.get(wanted.checked_sub(1)?)?;
            let candidates = candidates.max(2 * CALIBRATED_FOR as u32);
            let scan = f64::from(*leaves) * (LEAF_COST + SCAN_COST * rows_a_leaf);
            Some((scan + f64::from(candidates) * RERANK_COST, *leaves, candidates))
        });
        if let Some((_, leaves, candidates)) = efforts.min_by(|a, b| a.0.total_cmp(&b.0)) {
            (point.leaves, point.candidates) = (leaves, candidates);
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_has_all_its_targets() {
        let targets: Vec<f32> = targets().collect();
        assert_eq!(targets.len(), CALIBRATED);
        assert!(targets.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
