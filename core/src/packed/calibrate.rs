//! From recall to effort: what a search has to do to find so many of the nearest.
//!
//! A sample of the rows is searched for, each without itself. A true neighbour is found if its leaf is among those that are
//! scanned and its codes are among the best candidates there. Both are known for every number of leaves from one scan: the
//! rank of its leaf, and how many rows of the leaves before beat it. So recall is counted, not tried, for all efforts at
//! once, and the cheapest that reaches each recall is kept in the file.

use alloc::vec::Vec;

use super::format::{CALIBRATED, Point, View};
use super::rows::Rows;
use super::sample::Sample;
use super::search::{Effort, Exact, Scratch};
use super::sweep::{Batch, Tiles};
use crate::Backend;
use crate::parallel::{self, Join};
use crate::top_k::TopK;

/// Rows that are searched for, at the most.
const SAMPLE: usize = 1000;
/// Queries that are compared with every row at once.
const BATCH: usize = 48;
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

/// A true neighbour: the rank of its leaf, and for each number of leaves on the grid how many rows beat it.
struct Neighbour {
    rank: u32,
    beaten_by: Vec<u32>,
}

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

/// The rows that are searched for: a tenth at the most. They have no part in the centroids: a row is nearer to a mean that it is
/// a part of, and its neighbours would seem easier to find than those of a query.
pub(crate) fn sample(rows: usize) -> Sample {
    Sample::new(rows, SAMPLE.min(rows.div_ceil(10)))
}

pub(crate) fn calibrate<J: Join>(view: &View<'_>, rows: Rows<'_>, backend: Backend) -> [Point; CALIBRATED] {
    let sample = sample(rows.len());
    let count = sample.len();
    let grid = grid(view.shape.leaves.max(1));
    let tiles = Tiles::new::<J>(view);
    let batches = parallel::map::<J, _>(0..count.div_ceil(BATCH), &|batch| {
        let ids = (batch * BATCH..count.min((batch + 1) * BATCH)).map(|at| sample.id(at));
        neighbours(view, rows, &tiles, backend, &grid, ids)
    });
    let neighbours: Vec<Neighbour> = batches.into_iter().flatten().collect();
    // For each number of leaves: how many candidates each neighbour that is in them needs, ascending.
    let needed: Vec<Vec<u32>> = (0..grid.len())
        .map(|at| {
            let within = neighbours.iter().filter(|neighbour| neighbour.rank < grid[at]);
            let mut needed: Vec<u32> = within.map(|neighbour| neighbour.beaten_by[at] + 1).collect();
            needed.sort_unstable();
            needed
        })
        .collect();
    let rows_a_leaf = view.shape.rows as f64 / view.shape.leaves.max(1) as f64;
    let mut points =
        [Point { recall: 1.0, leaves: view.shape.leaves as u32, candidates: view.shape.rows as u32 }; CALIBRATED];
    for (point, recall) in points.iter_mut().zip(targets()) {
        let wanted = libm::ceil(f64::from(recall) * neighbours.len() as f64) as usize;
        let efforts = grid.iter().zip(&needed).filter_map(|(leaves, needed)| {
            let candidates = if wanted == 0 { NEAREST as u32 } else { *needed.get(wanted - 1)? };
            let candidates = candidates.max(2 * NEAREST as u32);
            let cost = f64::from(*leaves) * (LEAF + CODES * rows_a_leaf) + f64::from(candidates) * BYTES;
            Some((cost, *leaves, candidates))
        });
        if let Some((_, leaves, candidates)) = efforts.min_by(|a, b| a.0.total_cmp(&b.0)) {
            *point = Point { recall, leaves, candidates };
        }
        point.recall = recall;
    }
    points
}

/// The true neighbours of some rows.
fn neighbours(
    view: &View<'_>,
    rows: Rows<'_>,
    tiles: &Tiles,
    backend: Backend,
    grid: &[u32],
    ids: impl Iterator<Item = u32> + Clone,
) -> Vec<Neighbour> {
    let mut batch = Batch::default();
    let mut query = alloc::vec![0.0; rows.dimensions];
    for id in ids.clone() {
        rows.read(id, &mut query);
        batch.push(view, &query);
    }
    // Of approximate scores a few more are the nearest for sure.
    batch.begin(3 * NEAREST + 20);
    for leaf in 0..view.shape.leaves as u32 {
        batch.scan(view, tiles, leaf, backend);
    }
    let mut scratch = Scratch::new();
    let mut found = Vec::new();
    for (id, near) in ids.zip(&mut batch.best) {
        let mut nearest = TopK::default();
        nearest.reset(NEAREST);
        rows.read(id, &mut query);
        scratch.set_query(view, &query);
        let exact = Exact::new(rows.metric, &query);
        for row in near.finish().map(|near| near.id) {
            let (Some(vector), Some(other)) = (view.vector(row), view.ids.get(row as usize)) else { continue };
            if *other != id {
                nearest.push(exact.order(vector), row);
            }
        }
        let truth: Vec<u32> = nearest.finish().map(|nearest| nearest.id).collect();
        let own = view.rows.get(id as usize).copied().unwrap_or(u32::MAX);
        let ranks = scratch.ranks(view, backend, &truth, own, grid);
        found.extend(ranks.into_iter().map(|(rank, beaten_by)| Neighbour { rank, beaten_by }));
    }
    found
}

/// The effort that finds this share of the `n` nearest.
pub(crate) fn effort(points: &[Point], recall: f32, n: usize) -> Effort {
    let above = points.iter().position(|point| point.recall >= recall).unwrap_or(points.len().saturating_sub(1));
    let Some(high) = points.get(above) else { return Effort { leaves: usize::MAX, candidates: usize::MAX } };
    let low = above.checked_sub(1).and_then(|below| points.get(below)).unwrap_or(high);
    let share = if high.recall > low.recall { (recall - low.recall) / (high.recall - low.recall) } else { 1.0 };
    // Files may say anything; NaN becomes 0.
    let between =
        |low: u32, high: u32| libm::ceilf(low as f32 + (high as f32 - low as f32) * share.clamp(0.0, 1.0)) as usize;
    let candidates = between(low.candidates, high.candidates);
    let scaled = candidates.saturating_mul(n.max(NEAREST)) / NEAREST;
    Effort { leaves: between(low.leaves, high.leaves), candidates: scaled }
}
