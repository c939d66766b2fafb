//! The nearest neighbours of every row: a k-nearest-neighbour graph.
//!
//! Each row is compared with those of its best leaves ([`near`](super::near)). How many it needs depends on the vectors. So the
//! neighbours of a sample of rows are found for sure, and the ranks of their leaves tell what share of them any number of leaves
//! has.
//!
//! Neighbours of neighbours are not looked at: after all pairs of near leaves, what is missing is mostly far from what was
//! found. (Measured on 340,000 GloVe vectors: such a refinement took as long as comparing half as many leaves again, and found
//! a quarter as much.)

pub(crate) mod all_pairs;
pub(crate) mod knn;
pub(crate) mod probed;
pub(crate) mod symmetric;

use alloc::vec::Vec;

use crate::error::PackedError;
use crate::packed::file::view::View;
use crate::packed::graph::knn::Knn;
use crate::packed::graph::probed::Near;
use crate::packed::graph::symmetric::Candidates;
use crate::packed::options::KnnOptions;
use crate::packed::quantise::full::{Exact, reported};
use crate::packed::search::Scratch;
use crate::packed::train::sample::Sample;
use crate::packed::truth::batch::Tiles;
use crate::packed::truth::error_bound::Measure;
use crate::packed::truth::{Exhaustive, True};
use crate::parallel::{self, Join, for_each_chunk};
use crate::simd::prefetch;
use crate::top_k::TopK;
use crate::{Backend, Neighbour};

/// Rows whose neighbours are found for sure.
const SAMPLE: usize = 768;
/// So many times as many candidates as are wanted are kept at the most, about.
const MOST_WIDTHS: usize = 8;
/// All rows are compared with all where more than one of so many leaves is among a row's best.
const DENSE: usize = 6;
/// Rows that are finished together.
const TOGETHER: usize = 96;
/// No row.
pub(crate) const NONE: u32 = u32::MAX;

struct Joiner<'a> {
    view: &'a View<'a>,
    tiles: &'a Tiles,
    measure: &'a Measure<'a>,
    backend: Backend,
    n: usize,
    options: &'a KnnOptions<'a>,
}

/// The neighbours of all rows of an index.
pub(crate) fn join<J: Join>(view: &View<'_>, backend: Backend, options: &KnnOptions<'_>) -> Result<Knn, PackedError> {
    let rows = view.shape.rows;
    let n = options.n.min(rows.saturating_sub(1));
    let tiles = Tiles::new::<J>(view);
    let measure = Measure::new::<J>(view);
    let joiner = Joiner { view, tiles: &tiles, measure: &measure, backend, n, options };
    let found = match options.recall {
        _ if n == 0 => Ok(Knn { neighbours: Vec::new(), width: 0 }),
        Some(recall) => joiner.approximate::<J>(recall),
        None => joiner.exhaustive().join::<J>(options),
    }?;
    options.cancel.check()?;
    Ok(found)
}

impl Joiner<'_> {
    fn exhaustive(&self) -> Exhaustive<'_> {
        let Self { view, tiles, measure, backend, n, options } = *self;
        Exhaustive { view, tiles, measure, backend, n, cancel: options.cancel }
    }

    fn approximate<J: Join>(&self, recall: f32) -> Result<Knn, PackedError> {
        let rows = self.view.shape.rows;
        let sample = Sample::new(rows, SAMPLE);
        let sample: Vec<u32> = (0..sample.len()).map(|at| sample.id(at)).collect();
        let truth = self.exhaustive().nearest_of::<J>(&sample);
        self.options.cancel.check()?;
        let leaves = self.leaves_for::<J>(recall, &sample, &truth);
        // Where most leaves would be asked for, it is less work, and takes less memory, to compare all with all.
        let near = (leaves < self.view.shape.leaves / DENSE)
            .then(|| Near::new::<J>(self.view, self.tiles, self.measure, self.backend, self.options, leaves));
        // What bytes put in a wrong order, floats put right: a few more than are wanted are kept, and more where bytes tell too
        // few of them apart.
        let mut width = self.n + self.n / 8 + 4;
        let most = (MOST_WIDTHS * self.n + 64).min(Candidates::most(self.view));
        loop {
            let candidates = match &near {
                Some(near) => near.candidates::<J>(width)?,
                None => all_pairs::candidates::<J>(self.view, self.measure, self.backend, width, self.options)?,
            };
            let kept = sample.iter().zip(&truth).map(|(row, truth)| {
                let best = best(&candidates, *row, width);
                truth.iter().filter(|neighbour| best.contains(&neighbour.row)).count()
            });
            let enough = kept.sum::<usize>() as f32 >= recall.clamp(0.0, 1.0) * (sample.len() * self.n) as f32;
            if enough || width >= most {
                return self.finish::<J>(&candidates, width);
            }
            width = (3 * width).min(most);
        }
    }

    /// How many leaves a row is to be compared with.
    fn leaves_for<J: Join>(&self, recall: f32, sample: &[u32], truth: &[Vec<True>]) -> usize {
        let ranks = parallel::map::<J, _>(0..sample.len(), &|at| {
            let mut scratch = Scratch::new();
            let own_leaf = self.view.leaf_of(sample[at]);
            let mut rank = |row: u32, leaf: u32| {
                scratch.set_row(self.view, row);
                scratch.rank_of(self.view, self.backend, leaf)
            };
            // It is enough if one of the two asks for the other.
            let mut rank = |neighbour: &True| {
                rank(sample[at], self.view.leaf_of(neighbour.row)).min(rank(neighbour.row, own_leaf))
            };
            truth[at].iter().map(&mut rank).collect::<Vec<_>>()
        });
        let mut ranks = ranks.concat();
        ranks.sort_unstable();
        // A sample may be luckier than all rows are.
        let recall = recall.clamp(0.0, 1.0);
        let wanted = libm::ceilf((recall + 0.1 * (1.0 - recall)) * ranks.len() as f32) as usize;
        ranks.get(wanted.saturating_sub(1)).map_or(1, |rank| rank.saturating_add(1))
    }

    /// The nearest of the candidates, by their vectors.
    fn finish<J: Join>(&self, candidates: &Candidates, width: usize) -> Result<Knn, PackedError> {
        by_row::<J>(self.view, self.n, |first, to| {
            if self.options.cancel.is_set() {
                return;
            }
            let mut nearest = TopK::default();
            for (row, to) in (first..).zip(to.chunks_mut(self.n)) {
                nearest.reset(self.n);
                finish_row(self.view, self.backend, row, best(candidates, row, width).into_iter(), &mut nearest, to);
            }
        })
    }
}

/// The best candidates of a row, best first.
fn best(candidates: &Candidates, row: u32, width: usize) -> Vec<u32> {
    let mut keys = candidates.of(row).0.to_vec();
    keys.sort_unstable();
    keys.into_iter().take(width).map(|key| key as u32).collect()
}

/// The neighbours that `find` writes for all rows from one on, put in the order of ids.
pub(crate) fn by_row<J: Join>(
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
pub(crate) fn finish_row(
    view: &View<'_>,
    backend: Backend,
    own: u32,
    rows: impl Iterator<Item = u32> + Clone,
    best: &mut TopK,
    to: &mut [Neighbour],
) -> f32 {
    for row in rows.clone() {
        prefetch(view.vector(row).unwrap_or(&[]));
    }
    let exact = Exact::new(backend, view.shape.metric, view.vector(own).unwrap_or(&[]));
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
