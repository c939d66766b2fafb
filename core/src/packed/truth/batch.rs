//! Batches of queries against rows as tiles of 7-bit codes, of which only what beats the best so far is looked at.

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::file::view::View;
use crate::packed::quantise::sq7::{self, row_bias, tile_width};
use crate::parallel::{self, Join};
use crate::simd::masks::each_bit;
use crate::simd::{TILE_BYTES, TILE_ROWS};
use crate::top_k::TopK;

/// The rows of an index as tiles. A tile has rows of one leaf only.
#[derive(Debug)]
pub(crate) struct RowTiles {
    tiles: Vec<[u8; TILE_BYTES]>,
    /// What is added to the product with each row; minus infinity where there is none.
    biases: Vec<[f32; TILE_ROWS]>,
    /// The first tile of each leaf, and the end.
    starts: Vec<usize>,
    width: usize,
}

impl RowTiles {
    pub(crate) fn new<J: Join>(view: &View<'_>) -> Self {
        let width = tile_width(view.shape.dimensions);
        let mut starts = vec![0];
        for pair in view.leaves.windows(2) {
            let rows = (pair[1].row - pair[0].row) as usize;
            starts.push(starts.last().copied().unwrap_or(0) + rows.div_ceil(TILE_ROWS));
        }
        let count = starts.last().copied().unwrap_or(0);
        let mut all = Self {
            tiles: vec![[0; TILE_BYTES]; count * width],
            biases: vec![[f32::NEG_INFINITY; TILE_ROWS]; count],
            starts,
            width,
        };
        all.set_biases(view);
        all.set_codes::<J>(view);
        all
    }

    fn set_biases(&mut self, view: &View<'_>) {
        for (leaf, pair) in (0..).zip(self.starts.windows(2)) {
            for (row, bias) in view.leaf_rows(leaf).zip(self.biases[pair[0]..pair[1]].as_flattened_mut()) {
                *bias = row_bias(view.coded_row(row));
            }
        }
    }

    fn set_codes<J: Join>(&mut self, view: &View<'_>) {
        const AT_ONCE: usize = 64;
        let Self { tiles, starts, width, .. } = self;
        let leaf_of_tile: Vec<u32> = (0..)
            .zip(starts.windows(2))
            .flat_map(|(leaf, pair)| core::iter::repeat_n(leaf, pair[1] - pair[0]))
            .collect();
        parallel::for_each_chunk::<J, _>(tiles, *width * AT_ONCE, &|chunk, tiles| {
            for (at, tile) in tiles.chunks_exact_mut(*width).enumerate() {
                let number = chunk * AT_ONCE + at;
                let leaf = leaf_of_tile[number];
                let rows = view.leaf_rows(leaf);
                let first = rows.start + ((number - starts[leaf as usize]) * TILE_ROWS) as u32;
                for (lane, row) in (first..rows.end).take(TILE_ROWS).enumerate() {
                    sq7::put(tile, lane, view.codes_of_row(row));
                }
            }
        });
    }

    /// The tiles of a leaf, and what is added to the products with their rows.
    pub(crate) fn of(&self, leaf: usize) -> impl Iterator<Item = (&[[u8; TILE_BYTES]], &[f32; TILE_ROWS])> {
        let numbers = self.starts[leaf]..self.starts[leaf + 1];
        let tiles = self.tiles[numbers.start * self.width..numbers.end * self.width].chunks_exact(self.width);
        tiles.zip(&self.biases[numbers])
    }
}

/// Queries as 8-bit codes, and the best rows of each.
#[derive(Debug, Default)]
pub(crate) struct QueryBatch {
    codes: Vec<i8>,
    steps: Vec<f32>,
    limits: Vec<f32>,
    sums: Vec<[i32; TILE_ROWS]>,
    masks: Vec<u16>,
    /// The best rows of each query, by minus their scores.
    pub(crate) best: Vec<TopK>,
}

impl QueryBatch {
    /// Empties it.
    pub(crate) fn clear(&mut self) {
        self.codes.clear();
        self.steps.clear();
    }

    /// Adds a query of the index space.
    pub(crate) fn push(&mut self, view: &View<'_>, query: &[f32]) {
        let start = self.codes.len();
        self.codes.resize(start + 4 * tile_width(view.shape.dimensions), 0);
        self.steps.push(sq7::encode_query(query, view.quantiser.step, &mut self.codes[start..]));
    }

    /// Begins to look for the `n` best rows of each query.
    pub(crate) fn begin(&mut self, n: usize) {
        let queries = self.steps.len();
        self.limits.clear();
        self.limits.resize(queries, f32::NEG_INFINITY);
        self.sums.resize(queries, [0; TILE_ROWS]);
        self.masks.resize(queries, 0);
        self.best.resize_with(queries.max(self.best.len()), TopK::default);
        for best in &mut self.best[..queries] {
            best.reset(n);
        }
    }

    /// Compares the queries with the rows of a leaf.
    pub(crate) fn scan(&mut self, view: &View<'_>, tiles: &RowTiles, leaf: u32) {
        let Self { codes, steps, limits, sums, masks, best } = self;
        for (first, (tile, biases)) in view.leaf_rows(leaf).step_by(TILE_ROWS).zip(tiles.of(leaf as usize)) {
            view.backend.tile_u7(codes, tile, sums);
            view.backend.lanes_above(steps, limits, sums, biases, masks);
            each_bit(masks, |query, lane| {
                let score = steps[query] * sums[query][lane] as f32 + biases[lane];
                best[query].push(-score, first + lane as u32);
                limits[query] = -best[query].farthest();
            });
        }
    }
}
