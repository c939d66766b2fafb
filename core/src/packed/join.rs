//! The nearest neighbours of every row: a k-nearest-neighbour graph.
//!
//! Asking for each row would read thousands of others for it alone. Here the rows of a leaf ask together. The leaves around
//! theirs are ranked for each of them; then each of these leaves is read once, and multiplied, as tiles of bytes, with the
//! rows of which it is among the best.
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
use core::sync::atomic::{AtomicBool, AtomicUsize};
use core::sync::atomic::Ordering::Relaxed;

use super::exhaustive;
use super::format::View;
use super::grid::{Probe, code_in, tile_width};
use super::rows::normalise;
use super::search::{Exact, Scratch, reported};
use super::sweep::{Batch, Tiles};
use crate::error::PackedError;
use crate::parallel::{self, Join, for_each_chunk};
use crate::simd::{TILE_BYTES, TILE_ROWS, prefetch};
use crate::top_k::{TopK, key};
use crate::{Backend, Metric, Neighbour};

/// How to find the neighbours of all vectors.
#[derive(Clone, Copy)]
pub struct KnnOptions<'a> {
    n: usize,
    /// None where all are to be found.
    recall: Option<f32>,
    progress: Option<&'a (dyn Fn(f32) + Sync)>,
    cancel: Option<&'a AtomicBool>,
}

impl<'a> KnnOptions<'a> {
    /// The `n` nearest neighbours of each vector, with recall .95.
    #[must_use]
    pub const fn top(n: usize) -> Self {
        Self { n, recall: Some(0.95), progress: None, cancel: None }
    }

    /// Another recall: on average at least so large a share of what is found belongs there.
    #[must_use]
    pub const fn recall(mut self, recall: f32) -> Self {
        self.recall = Some(recall);
        self
    }

    /// Compares all with all. Every neighbour is found, for sure.
    #[must_use]
    pub const fn exact(mut self) -> Self {
        self.recall = None;
        self
    }

    /// Is told now and then, on any thread, about which share of the work is done: from 0 to 1, but not always in order.
    #[must_use]
    pub const fn progress(mut self, progress: &'a (dyn Fn(f32) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Calls the work off soon after this becomes true.
    #[must_use]
    pub const fn cancel(mut self, cancel: &'a AtomicBool) -> Self {
        self.cancel = Some(cancel);
        self
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|cancel| cancel.load(Relaxed))
    }

    /// Tells that `done` of `of` parts of a stage are done, which is a share of the work.
    pub(super) fn tell(&self, stage: Range<f32>, done: usize, of: usize) {
        if let Some(progress) = self.progress {
            progress(stage.start + (stage.end - stage.start) * done as f32 / of.max(1) as f32);
        }
    }
}

impl core::fmt::Debug for KnnOptions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { n, recall, .. } = self;
        f.debug_struct("KnnOptions").field("n", n).field("recall", recall).finish_non_exhaustive()
    }
}

/// The neighbours of every vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Knn {
    /// By vector, nearest first, as many for each.
    neighbours: Vec<Neighbour>,
    width: usize,
}

impl Knn {
    pub(super) const fn new(neighbours: Vec<Neighbour>, width: usize) -> Self {
        Self { neighbours, width }
    }

    /// The neighbours of a vector, nearest first, of equals the smaller id first; itself is not among them. None of an id that
    /// there is not.
    #[must_use]
    pub fn neighbours(&self, id: u32) -> &[Neighbour] {
        let start = (id as usize).saturating_mul(self.width);
        self.neighbours.get(start..start.saturating_add(self.width)).unwrap_or(&[])
    }

    /// How many neighbours each vector has: as many as were asked for, or fewer where there are not as many vectors.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }
}

/// Rows whose neighbours are found for sure.
const SAMPLE: usize = 768;
/// Leaves that are ranked for the rows of a leaf: those whose centroids are nearest to its own.
const AROUND: usize = 1024;
/// Rows that are compared together.
pub(super) const TOGETHER: usize = 192;
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
    view: View<'a>,
    tiles: &'a Tiles,
    backend: Backend,
    n: usize,
    options: &'a KnnOptions<'a>,
}

/// The neighbours of all rows of an index.
pub(crate) fn join<J: Join>(view: View<'_>, backend: Backend, options: &KnnOptions<'_>) -> Result<Knn, PackedError> {
    let rows = view.shape.rows;
    let n = options.n.min(rows.saturating_sub(1));
    let tiles = Tiles::new::<J>(&view);
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
        let leaves = self.leaves_for::<J>(recall);
        // What bytes put in a wrong order, floats put right: a few more than are wanted are kept.
        let mut table = Table::new(rows, self.n + self.n / 4 + 6).ok_or(PackedError::OutOfMemory)?;
        self.compare_leaves::<J>(&mut table, leaves)?;
        self.finish::<J>(&table)
    }

    /// How many leaves a row is to be compared with.
    fn leaves_for<J: Join>(&self, recall: f32) -> usize {
        let rows = self.view.shape.rows;
        let sample: Vec<u32> = (0..SAMPLE.min(rows)).map(|at| (at * rows / SAMPLE.min(rows)) as u32).collect();
        let truth = exhaustive::nearest::<J>(self.view, self.tiles, self.backend, self.n, &sample);
        let starts = self.view.leaves;
        let leaf_of = |row: u32| starts.partition_point(|start| start.row <= row).saturating_sub(1) as u32;
        let ranks = parallel::map::<J, _>(0..sample.len(), &|at| {
            let (mut scratch, mut query) = (Scratch::new(), self.room());
            self.read(sample[at], &mut query);
            let ranked: Vec<u32> = scratch.ranked_leaves(&self.view, self.backend, &query).collect();
            let rank = |neighbour: &Neighbour| {
                let leaf = leaf_of(neighbour.id);
                ranked.iter().position(|ranked| *ranked == leaf).unwrap_or(usize::MAX)
            };
            truth[at].iter().filter(|neighbour| neighbour.id != NONE).map(rank).collect::<Vec<_>>()
        });
        let mut ranks = ranks.concat();
        ranks.sort_unstable();
        let wanted = libm::ceilf(recall.clamp(0.0, 1.0) * ranks.len() as f32) as usize;
        ranks.get(wanted.saturating_sub(1)).map_or(1, |rank| rank.saturating_add(1))
    }

    /// Compares each row with those of its best leaves.
    fn compare_leaves<J: Join>(&self, table: &mut Table, leaves: usize) -> Result<(), PackedError> {
        let count = self.view.shape.leaves;
        let width = table.width;
        // Each leaf has its own part of the table.
        let mut parts = Vec::new();
        let mut rest = table.rows.as_mut_slice();
        for leaf in 0..count as u32 {
            let (here, after) = core::mem::take(&mut rest).split_at_mut(self.view.leaf_rows(leaf).len() * width);
            rest = after;
            parts.push(here);
        }
        let done = AtomicUsize::new(0);
        for_each_chunk::<J, _>(&mut parts, 4, &|chunk, parts| {
            let (mut batch, mut ranking, mut query) = (Batch::default(), Ranking::default(), self.room());
            for (leaf, part) in (4 * chunk as u32..).zip(parts) {
                if self.options.is_cancelled() {
                    return;
                }
                ranking.around(self, leaf, AROUND.max(2 * leaves).min(count));
                let own_rows = self.view.leaf_rows(leaf);
                for (rows, first) in part.chunks_mut(TOGETHER * width).zip(own_rows.step_by(TOGETHER)) {
                    batch.clear();
                    for row in (first..).take(rows.len() / width) {
                        self.read(row, &mut query);
                        batch.push(&self.view, &query);
                    }
                    // One more: the row itself.
                    batch.begin(width + 1);
                    ranking.rank(self, &batch);
                    ranking.find_askers(leaves);
                    for (leaf, asking) in ranking.leaves.iter().zip(&ranking.askers) {
                        batch.scan_some(&self.view, self.tiles, *leaf, self.backend, asking);
                    }
                    for ((own, best), candidates) in (first..).zip(&mut batch.best).zip(rows.chunks_mut(width)) {
                        let found = best.finish().map(|found| found.id).filter(|row| *row != own);
                        for (to, row) in candidates.iter_mut().zip(found) {
                            *to = row;
                        }
                    }
                }
                self.options.tell(0.1..0.9, done.fetch_add(1, Relaxed), count);
            }
        });
        if self.options.is_cancelled() { Err(PackedError::Cancelled) } else { Ok(()) }
    }

    fn room(&self) -> Vec<f32> {
        vec![0.0; self.view.shape.dimensions]
    }

    /// The leaves whose centroids are nearest to that of a leaf, which is the first.
    fn nearest_leaves(&self, leaf: u32, n: usize) -> Vec<u32> {
        let d = self.view.shape.dimensions;
        let width = tile_width(d);
        let tile = &self.view.centroids[leaf as usize / TILE_ROWS * width..][..width];
        let centroid: Vec<f32> = (0..d)
            .map(|dimension| self.view.grid.value(dimension, code_in(tile, leaf as usize % TILE_ROWS, dimension)))
            .collect();
        let mut probe = Probe::default();
        probe.set(&centroid, self.view.grid);
        let mut nearest = TopK::default();
        nearest.reset(n);
        nearest.push(f32::NEG_INFINITY, leaf);
        let biases = self.view.centroid_biases.as_chunks::<TILE_ROWS>().0;
        for ((first, tile), biases) in (0..).step_by(TILE_ROWS).zip(self.view.centroids.chunks_exact(width)).zip(biases) {
            let mut sums = [[0; TILE_ROWS]];
            self.backend.tile_u7(&probe.codes, tile, &mut sums);
            for ((other, sum), bias) in (first..).zip(sums[0]).zip(biases) {
                if other != leaf && *bias > f32::NEG_INFINITY {
                    nearest.push(-(probe.step * sum as f32 + bias), other);
                }
            }
        }
        nearest.finish().map(|leaf| leaf.id).collect()
    }

    /// A row as the index sees it.
    fn read(&self, row: u32, to: &mut [f32]) {
        read(&self.view, row, to);
    }

    /// The nearest of the candidates, by their vectors, in the order of ids.
    fn finish<J: Join>(&self, table: &Table) -> Result<Knn, PackedError> {
        let (rows, d) = (self.view.shape.rows, self.view.shape.dimensions);
        let mut neighbours = Vec::new();
        neighbours.try_reserve_exact(rows * self.n).map_err(|_| PackedError::OutOfMemory)?;
        neighbours.resize(rows * self.n, Neighbour { id: NONE, distance: f32::INFINITY });
        let done = AtomicUsize::new(0);
        for_each_chunk::<J, _>(&mut neighbours, 1024 * self.n, &|chunk, neighbours| {
            let (mut query, mut best) = (vec![0.0; d], TopK::default());
            for (at, to) in neighbours.chunks_mut(self.n).enumerate() {
                let Some(row) = self.view.rows.get(chunk * 1024 + at) else { return };
                self.read(*row, &mut query);
                best.reset(self.n);
                finish_row(&self.view, &query, table.candidates(*row).iter().copied(), &mut best, to);
            }
            self.options.tell(0.9..1.0, done.fetch_add(1, Relaxed), rows.div_ceil(1024));
        });
        Ok(Knn { neighbours, width: self.n })
    }
}

/// The leaves around one, ranked for each of its rows.
#[derive(Debug, Default)]
struct Ranking {
    /// The leaves, nearest first.
    leaves: Vec<u32>,
    /// Their centroids and biases, as the index has them.
    tiles: Vec<[u8; TILE_BYTES]>,
    biases: Vec<f32>,
    sums: Vec<[i32; TILE_ROWS]>,
    /// For each row its score of each leaf, row after row.
    scores: Vec<f32>,
    keys: Vec<u64>,
    askers: Vec<Vec<u32>>,
}

impl Ranking {
    /// Takes the leaves nearest to a leaf, itself among them.
    fn around(&mut self, joiner: &Joiner<'_>, leaf: u32, n: usize) {
        let view = &joiner.view;
        let width = tile_width(view.shape.dimensions);
        self.leaves = joiner.nearest_leaves(leaf, n);
        self.tiles.clear();
        self.tiles.resize(self.leaves.len().div_ceil(TILE_ROWS) * width, [0; TILE_BYTES]);
        self.biases.clear();
        let fours = |tile: &[[u8; TILE_BYTES]], row: usize, at: usize| tile[at].as_chunks::<4>().0[row];
        for (at, leaf) in self.leaves.iter().map(|leaf| *leaf as usize).enumerate() {
            let from = &view.centroids[leaf / TILE_ROWS * width..][..width];
            let to = &mut self.tiles[at / TILE_ROWS * width..][..width];
            for (four, to) in to.iter_mut().enumerate() {
                to.as_chunks_mut::<4>().0[at % TILE_ROWS] = fours(from, leaf % TILE_ROWS, four);
            }
            self.biases.push(view.centroid_biases[leaf]);
        }
    }

    /// Scores the leaves for each query.
    fn rank(&mut self, joiner: &Joiner<'_>, batch: &Batch) {
        let width = tile_width(joiner.view.shape.dimensions);
        let (queries, leaves) = (batch.steps().len(), self.leaves.len());
        self.sums.resize(queries, [0; TILE_ROWS]);
        self.scores.resize(queries * leaves, 0.0);
        for (tile, first) in self.tiles.chunks_exact(width).zip((0..).step_by(TILE_ROWS)) {
            joiner.backend.tile_u7(batch.all_codes(), tile, &mut self.sums);
            let biases = &self.biases[first..leaves.min(first + TILE_ROWS)];
            for ((scores, sums), step) in self.scores.chunks_exact_mut(leaves).zip(&self.sums).zip(batch.steps()) {
                for ((score, sum), bias) in scores[first..].iter_mut().zip(sums).zip(biases) {
                    *score = step * *sum as f32 + bias;
                }
            }
        }
    }

    /// Puts the keys of the `n` best leaves of a query into `keys`.
    fn best(&mut self, query: usize, n: usize) {
        let leaves = self.leaves.len();
        let scores = &self.scores[query * leaves..(query + 1) * leaves];
        self.keys.clear();
        self.keys.extend((0..).zip(scores).map(|(at, score)| key(-score, at)));
        if self.keys.len() > n {
            self.keys.select_nth_unstable(n.max(1) - 1);
            self.keys.truncate(n.max(1));
        }
    }

    /// Finds for each leaf the queries of which it is among the `n` best.
    fn find_askers(&mut self, n: usize) {
        let leaves = self.leaves.len();
        self.askers.resize_with(leaves.max(self.askers.len()), Vec::new);
        self.askers.iter_mut().for_each(Vec::clear);
        for query in 0..self.scores.len() / leaves.max(1) {
            self.best(query, n);
            for key in &self.keys {
                self.askers[*key as u32 as usize].push(query as u32);
            }
        }
    }
}

/// A row as the index sees it.
pub(super) fn read(view: &View<'_>, row: u32, to: &mut [f32]) {
    let vector = view.vector(row).unwrap_or(&[]);
    to[..vector.len()].copy_from_slice(vector);
    if view.shape.metric == Metric::Angular {
        normalise(to);
    }
}

/// Writes the nearest of some rows, by their vectors; returns what orders the last of them.
pub(super) fn finish_row(
    view: &View<'_>,
    query: &[f32],
    rows: impl Iterator<Item = u32> + Clone,
    best: &mut TopK,
    to: &mut [Neighbour],
) -> f32 {
    for row in rows.clone() {
        prefetch(view.vector(row).unwrap_or(&[]));
    }
    let exact = Exact::new(view.shape.metric, query);
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
