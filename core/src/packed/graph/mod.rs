//! The nearest neighbours of every row: a k-nearest-neighbour graph.
//!
//! ```text
//! truth ← the neighbours of a sample of rows, for sure                                        (truth)
//! leaves ← as many as each row has to probe so that the sample finds its share of them
//! candidates ← the best rows, by 7-bit codes, that each row meets in these leaves             (probed)
//!              or among all rows, where it would have to probe most leaves                    (all_pairs)
//! if the sample misses too many among the candidates: keep three times as many, and again;
//!     where these would be too many, compare all pairs                                     (exact)
//! neighbours ← the best n candidates of each row by their vectors
//! ```
//!
//! Both rows of a pair keep what they meet (`symmetric`, `pair_tile`, `candidates`), so each pair is looked at once. For exact
//! graphs all pairs are compared, and the error bound says whose candidates do not suffice (`exact`).
//!
//! Neighbours of neighbours are not looked at: after all pairs of near leaves, what is missing is mostly far from what was
//! found. (Measured on 340,000 GloVe vectors: such a refinement took as long as comparing half as many leaves again, and found
//! a quarter as much.)

mod all_pairs;
mod candidates;
mod exact;
mod pair_tile;
mod probed;
mod symmetric;

use alloc::vec::Vec;

use self::all_pairs::AllPairs;
use self::candidates::Candidates;
use self::probed::ProbedJoin;
use super::error::{GraphError, OutOfMemory};
use super::file::view::View;
use super::options::GraphOptions;
use super::search::PackedScratch;
use super::search::rerank::{NONE, finish_row};
use super::train::sample::Sample;
use super::train::source::RowSource;
use super::train::{Draft, Plan, train, write};
use super::truth::batch::RowTiles;
use super::truth::error_bound::ErrorBound;
use super::truth::{Compared, GroundTruth, MOST_KEPT, TrueNeighbour};
use super::tune::list_bias::ListBias;
use crate::parallel::{self, Join, Serial, for_each_chunk};
use crate::progress::Steps;
use crate::top_k::TopK;
use crate::{Backend, Metric, Neighbour};

/// The neighbours of every vector.
///
/// ```
/// use ohyeah_core::packed::GraphOptions;
/// use ohyeah_core::{KnnGraph, Metric};
///
/// let vectors: Vec<f32> = (0..1000).map(|x| x as f32).collect();
/// let graph = KnnGraph::build(Metric::Euclidean, &vectors, 1, &GraphOptions::top(2))?;
/// assert_eq!(graph.neighbours(500).iter().map(|x| x.id).collect::<Vec<_>>(), [499, 501]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KnnGraph {
    /// By vector, nearest first, as many for each.
    neighbours: Vec<Neighbour>,
    width: usize,
}

/// Passes of k-means and rows in a leaf where only neighbours are wanted: worse and fewer leaves cost them less than better ones.
const GRAPH_PASSES: usize = 3;
const GRAPH_ROWS_A_LEAF: usize = 320;
/// The share of the work that partitioning is.
const PARTITIONED: f32 = 0.3;

impl KnnGraph {
    /// The neighbours of every one of some vectors, which lie one after the other, `dimensions` numbers each: partitions them
    /// as [`Packed`](crate::Packed) does, and keeps nothing of it.
    ///
    /// # Errors
    ///
    /// Vectors that cannot be packed, no memory, or the work was cancelled.
    pub fn build(
        metric: impl Into<Metric>,
        vectors: &[f32],
        dimensions: usize,
        options: &GraphOptions<'_>,
    ) -> Result<Self, GraphError> {
        Self::build_with::<Serial>(metric, vectors, dimensions, options)
    }

    /// [`build`](Self::build) on the threads of `J`. The graph is the same.
    ///
    /// # Errors
    ///
    /// See [`build`](Self::build).
    pub fn build_with<J: Join>(
        metric: impl Into<Metric>,
        vectors: &[f32],
        dimensions: usize,
        options: &GraphOptions<'_>,
    ) -> Result<Self, GraphError> {
        options.check()?;
        let backend = options.backend.unwrap_or_else(Backend::detect);
        let source = RowSource::new(metric.into(), vectors, dimensions, backend)?;
        let origin = source.middle::<J>();
        let draft = partition::<J>(source.seen_from(&origin), backend, options)?;
        Self::of_view::<J>(&draft.view(backend), options)
    }

    /// The neighbours of all rows of an index that follows the rules.
    pub(crate) fn of_view<J: Join>(view: &View<'_>, options: &GraphOptions<'_>) -> Result<Self, GraphError> {
        let n = options.n.min(view.shape.rows.saturating_sub(1));
        if n == 0 {
            return Ok(Self { neighbours: Vec::new(), width: 0 });
        }
        let (tiles, bound) = (RowTiles::new::<J>(view), ErrorBound::new::<J>(view));
        let builder = GraphBuilder { view, tiles: &tiles, bound: &bound, n, options };
        let found = match options.recall {
            Some(recall) => builder.approximate::<J>(recall),
            None => builder.exact::<J>(),
        }?;
        options.cancel.check()?;
        options.progress.tell(1.0);
        Ok(found)
    }

    /// The neighbours of a vector, nearest first, of equals the smaller id first; the vector itself is not among them. Empty for
    /// an id that no vector has.
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

    /// How many vectors have neighbours.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.neighbours.len().checked_div(self.width) {
            Some(len) => len,
            None => 0,
        }
    }

    /// Whether no vector has neighbours.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An index without 4-bit codes and calibration, which finding neighbours does without.
fn partition<'a, J: Join>(
    source: RowSource<'a>,
    backend: Backend,
    options: &GraphOptions<'_>,
) -> Result<Draft<'a>, GraphError> {
    let steps = Steps::new(options.progress, 0.0..PARTITIONED, GRAPH_PASSES + 2);
    let plan = Plan {
        leaves: source.len() / GRAPH_ROWS_A_LEAF,
        passes: GRAPH_PASSES,
        held_out: Sample::NONE,
        seed: options.seed,
        backend,
        steps: &steps,
        cancel: options.cancel,
    };
    let trained = train::<J>(source, &plan)?.with_local_codes();
    let list_bias = ListBias::new::<J>(&trained, backend, options.cancel)?;
    let mut draft = write::<J>(trained, None, &plan)?;
    list_bias.write(list_bias.usual_weight(), draft.sections_mut().centroid_biases);
    steps.step();
    Ok(draft)
}

/// Rows whose neighbours are found for sure.
const SAMPLE: usize = 768;
/// Those of them that tell whether 7-bit codes put neighbours among the first.
const ORDERED: usize = 64;
/// So many times as many candidates as are wanted are kept at the most, about.
const MOST_WIDTHS: usize = 8;
/// All pairs are compared where a row would have to probe more than one of so many leaves.
const DENSE: usize = 6;
/// Rows that are finished together.
const ROWS_TOGETHER: usize = 96;

/// What a graph is built from.
struct GraphBuilder<'a> {
    view: &'a View<'a>,
    tiles: &'a RowTiles,
    bound: &'a ErrorBound<'a>,
    /// Neighbours of each row, at least one.
    n: usize,
    options: &'a GraphOptions<'a>,
}

impl GraphBuilder<'_> {
    fn truth(&self) -> GroundTruth<'_> {
        let Self { view, tiles, bound, n, options } = *self;
        // A search for one row alone is little work beside comparing many again and again; local codes are for that.
        let most_kept = if view.local.is_some() { 0 } else { MOST_KEPT };
        GroundTruth { view, tiles, bound, n, most_kept, cancel: options.cancel }
    }

    /// The steps of comparing so many pairs of blocks.
    fn steps(&self, blocks: usize) -> Steps<'_> {
        Steps::new(self.options.progress, PARTITIONED..0.95, blocks * (blocks + 1) / 2)
    }

    fn approximate<J: Join>(&self, recall: f32) -> Result<KnnGraph, GraphError> {
        let recall = recall.clamp(0.0, 1.0);
        let sample = sample_rows(self.view, SAMPLE);
        let truth = self.truth().find::<J>(&sample, &|row| self.bound.bound_as_query(row))?;
        let truth: Vec<Vec<TrueNeighbour>> = truth.into_iter().map(|(nearest, _)| nearest).collect();
        let most = (MOST_WIDTHS * self.n + 64).min(Candidates::most(self.view));
        if !self.is_enough::<J>(most, recall, &sample, &truth) {
            return self.exact::<J>();
        }
        let leaves = self.leaves_for::<J>(recall, &sample, &truth);
        // Where most leaves would be probed, it is less work, and takes less memory, to compare all with all.
        let is_sparse = leaves < self.view.shape.leaves / DENSE && ProbedJoin::fits(self.view);
        let probed = is_sparse.then(|| ProbedJoin::new::<J>(self, leaves));
        // What 7-bit codes put in a wrong order, vectors put right: a few more than are wanted are kept, and more where codes
        // tell too few of them apart.
        let mut width = self.n + self.n / 8 + 4;
        loop {
            let candidates = match &probed {
                Some(probed) => probed.candidates::<J>(width)?,
                None => AllPairs::new::<J>(self).candidates::<J>(width)?,
            };
            let kept = sample.iter().zip(&truth).map(|(row, truth)| {
                let best = candidates.best(*row, width);
                truth.iter().filter(|neighbour| best.contains(&neighbour.row)).count()
            });
            if kept.sum::<usize>() as f32 >= recall * (sample.len() * self.n) as f32 {
                return self.finish::<J>(&candidates, width);
            }
            if width >= most {
                // 7-bit codes tell too few of these vectors apart, and a graph that misses its recall is worse than a slow one.
                return self.exact::<J>();
            }
            width = (3 * width).min(most);
        }
    }

    /// Whether so many candidates of each row, the best of all by 7-bit codes, have their share of the neighbours, for some of the sample.
    fn is_enough<J: Join>(&self, width: usize, recall: f32, sample: &[u32], truth: &[Vec<TrueNeighbour>]) -> bool {
        let every = sample.len().div_ceil(ORDERED).max(1);
        let kept = parallel::map::<J, _>(0..sample.len().div_ceil(every), &|at| {
            let mut scratch = PackedScratch::new();
            scratch.set_row(self.view, sample[at * every]);
            // The row itself is one of the best.
            let least = scratch.nth_by_codes(self.view, width + 1);
            let neighbours: Vec<u32> = truth[at * every].iter().map(|neighbour| neighbour.row).collect();
            let scores = scratch.scores_of(self.view, &neighbours);
            [scores.iter().filter(|score| **score >= least).count(), scores.len()]
        });
        let [kept, all] = kept.into_iter().fold([0, 0], |[kept, all], [more, of]| [kept + more, all + of]);
        kept as f32 >= recall * all as f32
    }

    /// How many leaves each row has to probe.
    fn leaves_for<J: Join>(&self, recall: f32, sample: &[u32], truth: &[Vec<TrueNeighbour>]) -> usize {
        let leaf_ranks = parallel::map::<J, _>(0..sample.len(), &|at| {
            let mut scratch = PackedScratch::new();
            let own_leaf = self.view.leaf_of(sample[at]);
            let mut rank = |row: u32, leaf: u32| {
                scratch.set_row(self.view, row);
                scratch.rank_of(self.view, leaf)
            };
            // It is enough if one of the two probes the leaf of the other.
            let mut rank = |neighbour: &TrueNeighbour| {
                rank(sample[at], self.view.leaf_of(neighbour.row)).min(rank(neighbour.row, own_leaf))
            };
            truth[at].iter().map(&mut rank).collect::<Vec<_>>()
        });
        let mut leaf_ranks = leaf_ranks.concat();
        leaf_ranks.sort_unstable();
        // A sample may be luckier than all rows are.
        let wanted = libm::ceilf((recall + 0.1 * (1.0 - recall)) * leaf_ranks.len() as f32) as usize;
        leaf_ranks.get(wanted.saturating_sub(1)).map_or(1, |rank| rank.saturating_add(1))
    }

    /// The nearest of the candidates, by their vectors.
    fn finish<J: Join>(&self, candidates: &Candidates, width: usize) -> Result<KnnGraph, GraphError> {
        by_id::<J>(self.view, self.n, |first, to| {
            if self.options.cancel.is_set() {
                return;
            }
            let (mut nearest, mut others) = (TopK::default(), Vec::new());
            for (row, to) in (first..).zip(to.chunks_mut(self.n)) {
                let best = candidates.best(row, width);
                if best.len() < self.n {
                    others.push(row);
                } else {
                    nearest.reset(self.n);
                    finish_row(self.view, row, best.into_iter(), &mut nearest, to);
                }
            }
            // Rows that met too few others in their leaves are compared with all.
            let mut found = alloc::vec![Neighbour { id: NONE, distance: f32::INFINITY }; others.len() * self.n];
            self.truth().nearest(&others, &|row| self.bound.bound_as_query(row), &mut found, |_, _| ());
            for (row, found) in others.iter().zip(found.chunks(self.n)) {
                to[(row - first) as usize * self.n..][..self.n].copy_from_slice(found);
            }
        })
    }
}

/// Whether 7-bit codes tell too little of many rows to compare them together.
fn is_alone<'c>(sample: impl ExactSizeIterator<Item = &'c Compared>) -> bool {
    let count = sample.len();
    4 * sample.filter(|compared| compared.is_alone).count() > count
}

/// A sample of the rows of an index.
fn sample_rows(view: &View<'_>, count: usize) -> Vec<u32> {
    let sample = Sample::new(view.shape.rows, count);
    (0..sample.len()).map(|at| sample.id(at)).collect()
}

/// The neighbours that `find` writes for all rows from one on, put in the order of ids.
fn by_id<J: Join>(
    view: &View<'_>,
    n: usize,
    find: impl Fn(u32, &mut [Neighbour]) + Sync,
) -> Result<KnnGraph, GraphError> {
    let places = view.shape.rows.checked_mul(n).ok_or(OutOfMemory)?;
    let nothing = || {
        let mut neighbours = Vec::new();
        neighbours.try_reserve_exact(places).map_err(|_| OutOfMemory)?;
        neighbours.resize(places, Neighbour { id: NONE, distance: f32::INFINITY });
        Ok::<_, OutOfMemory>(neighbours)
    };
    let mut found: Vec<Neighbour> = nothing()?;
    // In the order of rows, neighbours have neighbours in common: they are in the cache already.
    for_each_chunk::<J, _>(&mut found, ROWS_TOGETHER * n, &|chunk, to| find((chunk * ROWS_TOGETHER) as u32, to));
    let mut neighbours = nothing()?;
    for_each_chunk::<J, _>(&mut neighbours, 1024 * n, &|chunk, to| {
        for (to, id) in to.chunks_mut(n).zip(chunk * 1024..) {
            if let Some(row) = view.row_of(id as u32) {
                to.copy_from_slice(&found[row as usize * n..][..n]);
            }
        }
    });
    Ok(KnnGraph { neighbours, width: n })
}
