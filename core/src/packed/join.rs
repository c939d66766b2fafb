//! The nearest neighbours of every row: a k-nearest-neighbour graph.
//!
//! Asking for each row would read thousands of others for it alone. Here the rows of a leaf ask together. All leaves
//! are ranked for each of them; then each leaf is read once, and multiplied, as tiles of bytes, with the rows of which it is
//! among the best.
//!
//! How many leaves a row needs depends on the vectors. So the neighbours of a sample of rows are found for sure, and the
//! ranks of their leaves tell what share of them any number of leaves has.
//!
//! Neighbours of neighbours are not looked at: after all pairs of near leaves, what is missing is mostly far from what was
//! found. (Measured on 340,000 GloVe vectors: such a refinement took as long as comparing half as many leaves again, and found
//! a quarter as much.)

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use super::exact::{Exact, reported};
use super::exhaustive::{self, True};
use super::grid::tile_width;
use super::knn::Knn;
use super::options::KnnOptions;
use super::sample::Sample;
use super::search::{Scratch, best_leaves};
use super::sweep::{Batch, Tiles};
use super::view::View;
use crate::error::PackedError;
use crate::parallel::{self, Join, for_each_chunk};
use crate::simd::{TILE_ROWS, prefetch};
use crate::top_k::TopK;
use crate::{Backend, Neighbour};

/// Rows whose neighbours are found for sure.
const SAMPLE: usize = 768;
/// So many times as many candidates as are wanted are kept at the most, about.
const MOST_WIDTHS: usize = 8;
/// Queries that are ranked together.
const RANKED: usize = 48;
/// Leaves that ask together: neighbours, which ask about the same leaves.
const GROUP: usize = 6;
/// Rows that are compared together.
pub(super) const TOGETHER: usize = 96;
/// No row.
pub(super) const NONE: u32 = u32::MAX;

/// Candidates of each row, best first.
#[derive(Clone, Debug)]
struct Table {
    rows: Vec<u32>,
    width: usize,
}

impl Table {
    fn new(rows: usize, width: usize) -> Option<Self> {
        let places = rows.checked_mul(width)?;
        let mut rows = Vec::new();
        rows.try_reserve_exact(places).ok()?;
        rows.resize(places, NONE);
        Some(Self { rows, width })
    }

    /// The candidates of a row.
    fn candidates(&self, row: u32) -> &[u32] {
        let candidates = &self.rows[row as usize * self.width..(row as usize + 1) * self.width];
        &candidates[..candidates.iter().position(|row| *row == NONE).unwrap_or(candidates.len())]
    }
}

struct Joiner<'a> {
    view: &'a View<'a>,
    tiles: &'a Tiles,
    backend: Backend,
    n: usize,
    options: &'a KnnOptions<'a>,
}

/// The neighbours of all rows of an index.
pub(crate) fn join<J: Join>(view: &View<'_>, backend: Backend, options: &KnnOptions<'_>) -> Result<Knn, PackedError> {
    let rows = view.shape.rows;
    let n = options.n.min(rows.saturating_sub(1));
    let tiles = Tiles::new::<J>(view);
    let joiner = Joiner { view, tiles: &tiles, backend, n, options };
    match options.recall {
        _ if n == 0 => Ok(Knn { neighbours: Vec::new(), width: 0 }),
        Some(recall) => joiner.approximate::<J>(recall),
        None => exhaustive::join::<J>(view, &tiles, backend, n, options),
    }
}

impl Joiner<'_> {
    fn approximate<J: Join>(&self, recall: f32) -> Result<Knn, PackedError> {
        let rows = self.view.shape.rows;
        let sample = Sample::new(rows, SAMPLE);
        let sample: Vec<u32> = (0..sample.len()).map(|at| sample.id(at)).collect();
        let truth = exhaustive::nearest::<J>(self.view, self.tiles, self.backend, self.n, &sample);
        let leaves = self.leaves_for::<J>(recall, &sample, &truth);
        // What bytes put in a wrong order, floats put right: a few more than are wanted are kept, and more where bytes tell too
        // few of them apart.
        let mut width = self.n + self.n / 4 + 6;
        loop {
            let mut table = Table::new(rows, width).ok_or(PackedError::OutOfMemory)?;
            self.compare_leaves::<J>(&mut table, leaves)?;
            let kept = sample.iter().zip(&truth).map(|(row, truth)| {
                let candidates = table.candidates(*row);
                truth.iter().filter(|neighbour| candidates.contains(&neighbour.row)).count()
            });
            let enough = kept.sum::<usize>() as f32 >= recall.clamp(0.0, 1.0) * (sample.len() * self.n) as f32;
            if enough || width >= MOST_WIDTHS * self.n + 64 {
                return self.finish::<J>(&table);
            }
            width *= 3;
        }
    }

    /// How many leaves a row is to be compared with.
    fn leaves_for<J: Join>(&self, recall: f32, sample: &[u32], truth: &[Vec<True>]) -> usize {
        let starts = self.view.leaves;
        let leaf_of = |row: u32| starts.partition_point(|start| start.row <= row).saturating_sub(1) as u32;
        let ranks = parallel::map::<J, _>(0..sample.len(), &|at| {
            let mut scratch = Scratch::new();
            scratch.set_row(self.view, sample[at]);
            let ranked = scratch.begin_with_all_leaves(self.view, self.backend);
            let rank = |neighbour: &True| {
                let leaf = leaf_of(neighbour.row);
                ranked.iter().position(|(_, ranked)| *ranked == leaf).unwrap_or(usize::MAX)
            };
            truth[at].iter().map(rank).collect::<Vec<_>>()
        });
        let mut ranks = ranks.concat();
        ranks.sort_unstable();
        // A sample may be luckier than all rows are.
        let recall = recall.clamp(0.0, 1.0);
        let wanted = libm::ceilf((recall + 0.1 * (1.0 - recall)) * ranks.len() as f32) as usize;
        ranks.get(wanted.saturating_sub(1)).map_or(1, |rank| rank.saturating_add(1))
    }

    /// Compares each row with those of its best leaves.
    fn compare_leaves<J: Join>(&self, table: &mut Table, leaves: usize) -> Result<(), PackedError> {
        let count = self.view.shape.leaves;
        let width = table.width;
        // Each group of leaves has its own part of the table.
        let mut parts = Vec::new();
        let mut rest = table.rows.as_mut_slice();
        for first in (0..count).step_by(GROUP) {
            let rows = self.rows_of(first as u32..count.min(first + GROUP) as u32);
            let (here, after) = core::mem::take(&mut rest).split_at_mut(rows.len() * width);
            rest = after;
            parts.push(here);
        }
        let done = AtomicUsize::new(0);
        for_each_chunk::<J, _>(&mut parts, 1, &|group, part| {
            if self.options.is_cancelled() {
                return;
            }
            let group = (group * GROUP) as u32..count.min((group + 1) * GROUP) as u32;
            self.compare_group(group, leaves, part[0], width);
            self.options.tell(0.3..0.9, done.fetch_add(1, Relaxed), count.div_ceil(GROUP));
        });
        if self.options.is_cancelled() { Err(PackedError::Cancelled) } else { Ok(()) }
    }

    /// Compares each row of a few leaves with those of its best leaves, and writes the candidates of each.
    fn compare_group(&self, group: Range<u32>, leaves: usize, candidates: &mut [u32], width: usize) {
        let (mut batch, mut query) = (Batch::default(), self.room());
        let rows = self.rows_of(group.clone());
        for row in rows.clone() {
            self.read(row, &mut query);
            batch.push(self.view, &query);
        }
        // One more: the row itself.
        batch.begin(width + 1);
        let askers = self.askers(&batch, leaves);
        // Those that most ask first, as they are the nearest: what is found there is what others have to beat.
        let mut order: Vec<usize> = (0..askers.len()).filter(|leaf| !askers[*leaf].is_empty()).collect();
        order.sort_by_key(|leaf| (usize::MAX - askers[*leaf].len(), *leaf));
        for leaf in order {
            batch.scan_some(self.view, self.tiles, leaf as u32, self.backend, &askers[leaf]);
        }
        for ((own, best), candidates) in rows.zip(&mut batch.best).zip(candidates.chunks_mut(width)) {
            let found = best.finish().map(|found| found.id).filter(|row| *row != own);
            for (to, row) in candidates.iter_mut().zip(found) {
                *to = row;
            }
        }
    }

    /// For each leaf the queries of which it is among the `n` best.
    fn askers(&self, batch: &Batch, n: usize) -> Vec<Vec<u32>> {
        let width = tile_width(self.view.shape.dimensions);
        let mut askers = vec![Vec::new(); self.view.shape.leaves];
        let biases = self.view.centroid_biases.as_chunks::<TILE_ROWS>().0;
        let mut scores = vec![vec![[0.0; TILE_ROWS]; biases.len()]; RANKED];
        let (mut sums, mut keys) = (vec![[0; TILE_ROWS]; RANKED], Vec::new());
        let groups = batch.steps().chunks(RANKED).zip(batch.all_codes().chunks(RANKED * 4 * width));
        for ((steps, codes), first) in groups.zip((0..).step_by(RANKED)) {
            for (number, (tile, biases)) in self.view.centroids.chunks_exact(width).zip(biases).enumerate() {
                self.backend.tile_u7(codes, tile, &mut sums);
                for ((scores, sums), step) in scores.iter_mut().zip(&sums).zip(steps) {
                    for ((score, sum), bias) in scores[number].iter_mut().zip(sums).zip(biases) {
                        *score = step * *sum as f32 + bias;
                    }
                }
            }
            for (query, scores) in (first..).zip(&scores).take(steps.len()) {
                best_leaves(scores, n, &mut keys);
                for key in &keys {
                    askers[*key as u32 as usize].push(query);
                }
            }
        }
        askers
    }

    /// The rows of some leaves.
    fn rows_of(&self, leaves: Range<u32>) -> Range<u32> {
        self.view.leaves[leaves.start as usize].row..self.view.leaves[leaves.end as usize].row
    }

    fn room(&self) -> Vec<f32> {
        vec![0.0; self.view.shape.dimensions]
    }

    /// A row as the index sees it.
    fn read(&self, row: u32, to: &mut [f32]) {
        self.view.read(row, to);
    }

    /// The nearest of the candidates, by their vectors.
    fn finish<J: Join>(&self, table: &Table) -> Result<Knn, PackedError> {
        by_row::<J>(self.view, self.n, |first, to| {
            let mut best = TopK::default();
            for (row, to) in (first..).zip(to.chunks_mut(self.n)) {
                best.reset(self.n);
                finish_row(self.view, row, table.candidates(row).iter().copied(), &mut best, to);
            }
        })
    }
}

/// The neighbours that `find` writes for all rows from one on, put in the order of ids.
pub(super) fn by_row<J: Join>(
    view: &View<'_>,
    n: usize,
    find: impl Fn(u32, &mut [Neighbour]) + Sync,
) -> Result<Knn, PackedError> {
    let places = view.shape.rows.checked_mul(n).ok_or(PackedError::OutOfMemory)?;
    let room = || {
        let mut room = Vec::new();
        room.try_reserve_exact(places).map_err(|_| PackedError::OutOfMemory)?;
        room.resize(places, Neighbour { id: NONE, distance: f32::INFINITY });
        Ok(room)
    };
    let mut found: Vec<Neighbour> = room()?;
    // In the order of rows, neighbours have neighbours in common: they are in the cache already.
    for_each_chunk::<J, _>(&mut found, TOGETHER * n, &|chunk, to| find((chunk * TOGETHER) as u32, to));
    let mut neighbours = room()?;
    for_each_chunk::<J, _>(&mut neighbours, 1024 * n, &|chunk, to| {
        for (to, row) in to.chunks_mut(n).zip(&view.rows[chunk * 1024..]) {
            if let Some(found) = found.get(*row as usize * n..(*row as usize + 1) * n) {
                to.copy_from_slice(found);
            }
        }
    });
    Ok(Knn { neighbours, width: n })
}

/// Writes the nearest of some rows to one, by their vectors; returns what orders the last of them.
pub(super) fn finish_row(
    view: &View<'_>,
    own: u32,
    rows: impl Iterator<Item = u32> + Clone,
    best: &mut TopK,
    to: &mut [Neighbour],
) -> f32 {
    for row in rows.clone() {
        prefetch(view.vector(row).unwrap_or(&[]));
    }
    let exact = Exact::new(view.shape.metric, view.vector(own).unwrap_or(&[]));
    for row in rows {
        if let (Some(vector), Some(id)) = (view.vector(row), view.ids.get(row as usize)) {
            best.push(exact.order(vector), *id);
        }
    }
    let (mut last, mut written) = (f32::INFINITY, 0);
    for (to, found) in to.iter_mut().zip(best.finish()) {
        *to = reported(view.shape.metric, found);
        last = found.distance;
        written += 1;
    }
    if written < to.len() { f32::INFINITY } else { last }
}
