//! The partition of the rows into leaves: k-means.
//!
//! ```text
//! centroids ← random rows
//! repeat: each row joins the leaf of its nearest centroid; each centroid becomes the mean of its leaf
//!         (in the first two thirds of the passes, only some of the rows have a part)
//! order the centroids so that near ones lie together; each row joins the leaf of its nearest centroid
//! ```
//!
//! This is Lloyd's iteration, with rows and centroids as 7-bit codes, since finding the nearest centroid of every row is nearly all of its
//! cost and an integer tile does it four times as fast as floats. A row's leaf depends on nothing but the row and the
//! centroids, and a centroid is the mean of its rows taken in their order, in f64: neither the number of threads nor the
//! instruction set can change it.

use alloc::vec;
use alloc::vec::Vec;

use super::sample::Sample;
use super::source::RowSource;
use crate::packed::quantise::sq7::{self, QuantisedQuery, ScalarQuantiser, tile_width};
use crate::parallel::{Join, for_each_chunk};
use crate::progress::{Cancel, Cancelled, Steps};
use crate::rng::{below, tree_stream};
use crate::simd::in_f64::dot;
use crate::simd::{TILE_BYTES, TILE_ROWS};
use crate::{Backend, Metric};

/// The centroids as they are scanned: tiles of 7-bit codes.
#[derive(Debug)]
pub(crate) struct Centroids {
    pub(crate) tiles: Vec<[u8; TILE_BYTES]>,
    /// What is added to a row's product with each: minus half its square, as the nearest is the one with the greatest sum
    /// (‖x − c‖² = ‖x‖² − 2(x·c − ‖c‖²/2)); of directions [a little more](SHARE_OF_DIRECTIONS). Minus infinity where a tile has no
    /// centroid.
    pub(crate) biases: Vec<f32>,
}

/// The leaf of each row.
pub(crate) struct Partition {
    /// Rows in the order of their leaves, and of ids in each.
    pub(crate) order: Vec<u32>,
    /// Where each leaf begins in the order, and where the last ends.
    pub(crate) starts: Vec<u32>,
}

impl Partition {
    /// Counting sort by the leaves of the rows of a sample.
    fn new(sample: Sample, leaf_of: &[u32], leaves: usize) -> Self {
        let mut starts = vec![0; leaves + 1];
        for leaf in leaf_of {
            starts[*leaf as usize + 1] += 1;
        }
        for leaf in 0..leaves {
            starts[leaf + 1] += starts[leaf];
        }
        let mut next = starts.clone();
        let mut order = vec![0; leaf_of.len()];
        for (at, leaf) in leaf_of.iter().enumerate() {
            let place = &mut next[*leaf as usize];
            order[*place as usize] = sample.id(at);
            *place += 1;
        }
        Self { order, starts }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn rows(&self, leaf: usize) -> &[u32] {
        &self.order[self.starts[leaf] as usize..self.starts[leaf + 1] as usize]
    }
}

/// What share of its square is taken from a row's product with a mean of directions.
///
/// The mean of directions that are close together is longer than that of others, so more than a half keeps leaves from growing
/// where rows lie dense, though they are then not those of the least squares. (A model of the search over 340,000 GloVe vectors, 160 in a leaf,
/// scanned a tenth fewer rows for recall .95 with .6 than with .5, and more with .7.)
const SHARE_OF_DIRECTIONS: f64 = 0.6;

/// Of how many rows one has a part in the first passes; and how many in a leaf have at least.
const ONE_OF: usize = 4;
const LEAST_ROWS_A_LEAF: usize = 32;
/// Rows that are compared with all centroids at once: their codes and sums stay in the nearest cache.
const ROWS_A_GROUP: usize = 48;
/// Groups that a thread takes at a time.
const GROUPS: usize = 8;

/// How to partition the rows of a source.
pub(crate) struct KMeans<'a> {
    pub(crate) source: RowSource<'a>,
    pub(crate) quantiser: ScalarQuantiser<'a>,
    pub(crate) leaves: usize,
    pub(crate) passes: usize,
    /// Rows that have no part in the centroids.
    pub(crate) held_out: Sample,
    pub(crate) seed: u64,
    pub(crate) backend: Backend,
    pub(crate) steps: &'a Steps<'a>,
    pub(crate) cancel: Cancel<'a>,
}

impl KMeans<'_> {
    /// How many steps of progress a number of passes takes.
    pub(crate) const fn steps(passes: usize) -> usize {
        passes + 1
    }

    /// The centroids and the leaf of each row.
    pub(crate) fn run<J: Join>(&self) -> Result<(Centroids, Partition), Cancelled> {
        let mut centroids = self.start();
        let all = Sample::new(self.source.len(), self.source.len());
        // In the first two thirds of the passes, some tell about where the means are.
        let some = Sample::new(self.source.len(), (self.leaves * LEAST_ROWS_A_LEAF).max(self.source.len() / ONE_OF));
        for left in (0..self.passes).rev() {
            let tiles = self.tiles(&centroids);
            let leaves = self.assign::<J>(&tiles, if left < self.passes.div_ceil(3) { all } else { some })?;
            self.means::<J>(&leaves, &mut centroids);
            self.steps.step();
        }
        let tiles = self.tiles(&self.in_line(&centroids));
        let leaves = self.assign::<J>(&tiles, all)?;
        self.steps.step();
        Ok((tiles, leaves))
    }

    /// The centroids in an order in which each is followed by the nearest of those that are left: what is read together then
    /// lies together.
    fn in_line(&self, centroids: &[f32]) -> Vec<f32> {
        let d = self.source.dimensions;
        let tiles = self.tiles(centroids);
        let mut left = tiles.biases.clone();
        let (mut line, mut query, mut next) = (Vec::with_capacity(centroids.len()), QuantisedQuery::default(), 0);
        for _ in 0..self.leaves {
            let centroid = &centroids[next * d..(next + 1) * d];
            line.extend_from_slice(centroid);
            left[next] = f32::NEG_INFINITY;
            query.set(centroid, self.quantiser);
            let mut best = [([f32::NEG_INFINITY; TILE_ROWS], [0; TILE_ROWS])];
            let each = tiles.tiles.chunks_exact(tile_width(d)).zip(left.as_chunks::<TILE_ROWS>().0);
            for (number, (tile, biases)) in (0..).zip(each) {
                let mut sums = [[0; TILE_ROWS]];
                self.backend.tile_u7(&query.codes, tile, &mut sums);
                self.backend.best_of_tile(&[query.step], &sums, biases, number, &mut best);
            }
            next = first_best(&best[0].0, &best[0].1) as usize;
        }
        line
    }

    /// Random rows, no row twice.
    fn start(&self) -> Vec<f32> {
        let mut rng = tree_stream(self.seed, u64::MAX);
        let mut ids: Vec<u32> = (0..self.source.len() as u32).collect();
        let d = self.source.dimensions;
        let mut centroids = vec![0.0; self.leaves * d];
        for (at, centroid) in centroids.chunks_exact_mut(d).enumerate() {
            let Some(other) = below(&mut rng, ids.len() - at.min(ids.len())) else { break };
            ids.swap(at, at + other);
            self.source.read(ids[at], centroid);
        }
        centroids
    }

    fn tiles(&self, centroids: &[f32]) -> Centroids {
        let d = self.source.dimensions;
        let mut tiles = sq7::tiles(self.leaves, d);
        let mut biases = vec![f32::NEG_INFINITY; self.leaves.next_multiple_of(TILE_ROWS)];
        let (mut codes, mut value) = (vec![0; d], vec![0.0; d]);
        let share = if self.source.metric() == Metric::Angular { SHARE_OF_DIRECTIONS } else { 0.5 };
        for (leaf, centroid) in centroids.chunks_exact(d).enumerate() {
            self.quantiser.encode(centroid, &mut codes);
            let tile = &mut tiles[leaf / TILE_ROWS * tile_width(d)..][..tile_width(d)];
            sq7::put(tile, leaf % TILE_ROWS, &codes);
            for (dimension, (value, code)) in value.iter_mut().zip(&codes).enumerate() {
                *value = self.quantiser.value(dimension, *code);
            }
            biases[leaf] = (-share * dot(&value, &value)) as f32;
        }
        Centroids { tiles, biases }
    }

    /// The rows of a sample by their nearest centroids; of equals the first.
    fn assign<J: Join>(&self, centroids: &Centroids, sample: Sample) -> Result<Partition, Cancelled> {
        let mut leaf_of = vec![0; sample.len()];
        let d = self.source.dimensions;
        let bytes = d.next_multiple_of(4);
        for_each_chunk::<J, _>(&mut leaf_of, ROWS_A_GROUP * GROUPS, &|chunk, leaf_of| {
            if self.cancel.is_set() {
                return;
            }
            let mut row = vec![0.0; d];
            let mut codes = vec![0_i8; ROWS_A_GROUP * bytes];
            let mut sums = [[0; TILE_ROWS]; ROWS_A_GROUP];
            for (group, leaf_of) in leaf_of.chunks_mut(ROWS_A_GROUP).enumerate() {
                let first = (chunk * GROUPS + group) * ROWS_A_GROUP;
                let mut steps = [0.0; ROWS_A_GROUP];
                for (at, (codes, step)) in codes.chunks_exact_mut(bytes).zip(&mut steps).take(leaf_of.len()).enumerate()
                {
                    self.source.read(sample.id(first + at), &mut row);
                    *step = sq7::encode_query(&row, self.quantiser.step, codes);
                }
                let codes = &codes[..leaf_of.len() * bytes];
                let mut best = [([f32::NEG_INFINITY; TILE_ROWS], [0; TILE_ROWS]); ROWS_A_GROUP];
                let biases = centroids.biases.as_chunks::<TILE_ROWS>().0;
                for ((number, tile), biases) in (0..).zip(centroids.tiles.chunks_exact(tile_width(d))).zip(biases) {
                    self.backend.tile_u7(codes, tile, &mut sums);
                    self.backend.best_of_tile(&steps[..leaf_of.len()], &sums, biases, number, &mut best);
                }
                for (leaf, (best, tile_of)) in leaf_of.iter_mut().zip(&best) {
                    *leaf = first_best(best, tile_of);
                }
            }
        });
        self.cancel.check()?;
        Ok(Partition::new(sample, &leaf_of, self.leaves))
    }

    fn means<J: Join>(&self, leaves: &Partition, centroids: &mut [f32]) {
        let d = self.source.dimensions;
        for_each_chunk::<J, _>(centroids, 16 * d, &|chunk, centroids| {
            let (mut sums, mut row) = (vec![0.0_f64; d], vec![0.0; d]);
            for (at, centroid) in centroids.chunks_exact_mut(d).enumerate() {
                let rows = leaves.rows(chunk * 16 + at);
                sums.fill(0.0);
                let mut count = 0.0;
                for id in rows.iter().filter(|id| !self.held_out.contains(**id)) {
                    self.source.read(*id, &mut row);
                    count += 1.0;
                    for (sum, x) in sums.iter_mut().zip(&row) {
                        *sum += f64::from(*x);
                    }
                }
                // An empty leaf keeps its centroid until it is given another.
                if count > 0.0 {
                    for (to, sum) in centroid.iter_mut().zip(&sums) {
                        *to = (sum / count) as f32;
                    }
                }
            }
        });
        self.fill_empty(leaves, centroids);
    }

    /// Gives empty leaves the middle rows of the largest ones.
    fn fill_empty(&self, leaves: &Partition, centroids: &mut [f32]) {
        let d = self.source.dimensions;
        let mut empty = (0..leaves.len()).filter(|leaf| leaves.rows(*leaf).is_empty()).peekable();
        if empty.peek().is_none() {
            return;
        }
        let mut by_size: Vec<usize> = (0..leaves.len()).collect();
        by_size.sort_by_key(|leaf| (usize::MAX - leaves.rows(*leaf).len(), *leaf));
        for (leaf, large) in empty.zip(by_size) {
            let rows = leaves.rows(large);
            if let Some(id) = rows.get(rows.len() / 2) {
                self.source.read(*id, &mut centroids[leaf * d..][..d]);
            }
        }
    }
}

/// The number of the best row; of equals the first.
fn first_best(best: &[f32; TILE_ROWS], tile_of: &[u32; TILE_ROWS]) -> u32 {
    let mut found = (f32::NEG_INFINITY, 0);
    for (lane, (best, tile)) in (0..).zip(best.iter().zip(tile_of)) {
        let number = tile * TILE_ROWS as u32 + lane;
        if *best > found.0 || (*best == found.0 && number < found.1) {
            found = (*best, number);
        }
    }
    found.1
}
