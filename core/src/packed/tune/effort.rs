//! From recall to effort: what a search has to do to find so many of the nearest.
//!
//! A sample of the rows is searched for, each without itself. A true neighbour is found if its leaf is among those that are
//! scanned and its codes are among the best candidates there. Both are known for every number of leaves from one scan: the
//! rank of its leaf, and how many rows of the leaves before beat it. So recall is counted, not tried, for all efforts at
//! once, and the cheapest that reaches each recall is kept in the file.

use alloc::vec::Vec;

use crate::Backend;
use crate::packed::file::layout::{CALIBRATED, Point};
use crate::packed::file::view::View;
use crate::packed::options::Cancel;
use crate::packed::search::{Effort, Scratch};
use crate::packed::train::sample::Sample;
use crate::packed::truth::batch::Tiles;
use crate::packed::truth::error_bound::Measure;
use crate::packed::truth::{Exhaustive, True};
use crate::parallel::{self, Join};

/// Rows that are searched for, at the most.
const SAMPLE: usize = 1000;
/// Nearest neighbours that are to be found.
pub(crate) const NEAREST: usize = 10;

/// The recalls of a calibration, ascending.
fn targets() -> impl Iterator<Item = f32> {
    // .50 to .96 in steps of .02, then closer.
    (25..49).map(|at| at as f32 / 50.0).chain([0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 0.998, 0.9999])
}

/// What scanning a leaf, scanning a row's codes and comparing a row's bytes cost, in nanoseconds of a machine of 2024. Only
/// their proportions matter, and they are the same everywhere so that files are.
const LEAF: f64 = 25.0;
const CODES: f64 = 0.8;
const BYTES: f64 = 20.0;

/// A true neighbour: the rank of its leaf, and for each number of leaves on the grid how many candidates
/// there have to be so that it is one of them.
struct Neighbour {
    rank: u32,
    needs: Vec<u32>,
}

/// The share of what may be missing that may be missing because bytes put it behind too many others.
const LOST_BY_BYTES: f32 = 0.1;

/// Numbers of leaves that are tried.
fn grid(leaves: usize) -> Vec<u32> {
    let mut grid = Vec::new();
    let mut next = 1;
    while next < leaves {
        grid.push(next as u32);
        next = (next + 1).max(next * 9 / 8);
    }
    grid.push(leaves as u32);
    grid
}

/// The rows that are searched for: a tenth at the most. They have no part in the means: a row is nearer to a mean that it is
/// a part of, and its neighbours would seem easier to find than those of a query.
pub(crate) fn sample(rows: usize) -> Sample {
    Sample::new(rows, SAMPLE.min(rows.div_ceil(10)))
}

/// A row that is searched for, and what is to be found.
pub(crate) struct Trial {
    pub(crate) row: u32,
    pub(crate) nearest: Vec<True>,
}

impl Trial {
    /// Those of an index; of no use once it is called off.
    pub(crate) fn sample<J: Join>(view: &View<'_>, backend: Backend, cancel: Cancel<'_>) -> Vec<Self> {
        let sample = sample(view.shape.rows);
        let ids = (0..sample.len()).map(|at| sample.id(at) as usize);
        let rows: Vec<u32> = ids.filter_map(|id| view.rows.get(id).copied()).collect();
        let (tiles, measure) = (Tiles::new::<J>(view), Measure::new::<J>(view));
        let search = Exhaustive { view, tiles: &tiles, measure: &measure, backend, n: NEAREST, cancel };
        let nearest = search.nearest_of::<J>(&rows);
        rows.into_iter().zip(nearest).map(|(row, nearest)| Self { row, nearest }).collect()
    }
}

/// The efforts of an index; of no use once it is called off.
pub(crate) fn calibrate<J: Join>(
    view: &View<'_>,
    backend: Backend,
    trials: &[Trial],
    cancel: Cancel<'_>,
) -> [Point; CALIBRATED] {
    let grid = grid(view.shape.leaves.max(1));
    let neighbours = parallel::map::<J, _>(0..trials.len(), &|at| {
        let Trial { row, nearest } = &trials[at];
        if cancel.is_set() {
            return Vec::new();
        }
        let mut scratch = Scratch::new();
        scratch.set_row(view, *row);
        let nearest: Vec<u32> = nearest.iter().map(|nearest| nearest.row).collect();
        let ranks = scratch.ranks(view, backend, &nearest, *row, &grid);
        ranks.into_iter().map(|(rank, needs)| Neighbour { rank, needs }).collect::<Vec<_>>()
    });
    let neighbours = neighbours.into_iter().flatten().collect::<Vec<_>>();
    let behind = trials.iter().flat_map(|trial| &trial.nearest).map(|nearest| nearest.behind);
    points(view, &grid, &neighbours, behind.collect())
}

/// The cheapest effort for each recall. `behind` says how many rows have better bytes than each neighbour.
fn points(view: &View<'_>, grid: &[u32], neighbours: &[Neighbour], mut behind: Vec<u32>) -> [Point; CALIBRATED] {
    behind.sort_unstable();
    // For each number of leaves: how many candidates each neighbour that is in them needs, ascending.
    let needed: Vec<Vec<u32>> = (0..grid.len())
        .map(|at| {
            let within = neighbours.iter().filter(|neighbour| neighbour.rank < grid[at]);
            let mut needed: Vec<u32> = within.map(|neighbour| neighbour.needs[at]).collect();
            needed.sort_unstable();
            needed
        })
        .collect();
    let (leaves, rows) = (view.shape.leaves as u32, view.shape.rows as u32);
    let rows_a_leaf = f64::from(rows) / f64::from(leaves.max(1));
    let mut points = [Point { recall: 1.0, leaves, candidates: rows, finalists: rows }; CALIBRATED];
    for (point, recall) in points.iter_mut().zip(targets()) {
        point.recall = recall;
        let lost = ((1.0 - recall) * LOST_BY_BYTES * behind.len() as f32) as usize;
        let Some(most) = behind.len().checked_sub(lost + 1).map(|at| behind[at]) else { continue };
        point.finalists = most.saturating_add(1).max(NEAREST as u32);
        let lost = behind.iter().filter(|behind| **behind > most).count();
        let wanted = libm::ceil(f64::from(recall) * neighbours.len() as f64) as usize + lost;
        let efforts = grid.iter().zip(&needed).filter_map(|(leaves, needed)| {
            let candidates = *needed.get(wanted.checked_sub(1)?)?;
            let candidates = candidates.max(2 * NEAREST as u32);
            let cost = f64::from(*leaves) * (LEAF + CODES * rows_a_leaf) + f64::from(candidates) * BYTES;
            Some((cost, *leaves, candidates))
        });
        if let Some((_, leaves, candidates)) = efforts.min_by(|a, b| a.0.total_cmp(&b.0)) {
            (point.leaves, point.candidates) = (leaves, candidates);
        }
    }
    points
}

/// The effort that finds this share of the `n` nearest.
pub(crate) fn effort(points: &[Point], recall: f32, n: usize) -> Effort {
    let above = points.iter().position(|point| point.recall >= recall).unwrap_or(points.len().saturating_sub(1));
    let Some(high) = points.get(above) else { return Effort::ALL };
    let low = above.checked_sub(1).and_then(|below| points.get(below)).unwrap_or(high);
    let share = if high.recall > low.recall { (recall - low.recall) / (high.recall - low.recall) } else { 1.0 };
    // Files may say anything; NaN becomes 0.
    let between =
        |low: u32, high: u32| libm::ceilf(low as f32 + (high as f32 - low as f32) * share.clamp(0.0, 1.0)) as usize;
    Effort {
        leaves: between(low.leaves, high.leaves),
        candidates: between(low.candidates, high.candidates).saturating_mul(n.max(NEAREST)) / NEAREST,
        finalists: finalists(high, n),
    }
}

/// How many of the best by their bytes there have to be so that the `n` nearest are among them.
fn finalists(point: &Point, n: usize) -> usize {
    let more = (point.finalists as usize).saturating_sub(NEAREST);
    n.saturating_add(more.saturating_mul(n.max(NEAREST)) / NEAREST)
}

/// An effort that was chosen by hand; there are as many finalists as the highest recall takes.
pub(crate) fn by_hand(points: &[Point], leaves: usize, candidates: usize, n: usize) -> Effort {
    Effort { leaves, candidates, finalists: points.last().map_or(usize::MAX, |point| finalists(point, n)) }
}
