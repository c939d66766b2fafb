//! All rows with all rows.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::GraphBuilder;
use super::candidates::{Candidates, Lists};
use super::pair_tile::{MOST_QUERIES, PairQueries, PairTile};
use super::symmetric::{PairBlocks, compare_all};
use crate::Backend;
use crate::packed::error::GraphError;
use crate::packed::file::view::View;
use crate::packed::quantise::sq7::{self, row_bias, tile_width};
use crate::parallel::{self, Join};
use crate::progress::{Cancel, Steps};
use crate::simd::{TILE_BYTES, TILE_ROWS};

/// Tiles in a block.
const TILES: usize = MOST_QUERIES / TILE_ROWS;

/// All rows twice: as tiles of 7-bit codes, and as queries that are compared with these tiles.
pub(super) struct AllPairs<'a> {
    backend: Backend,
    rows: usize,
    width: usize,
    tiles: Vec<[u8; TILE_BYTES]>,
    /// What a score has besides the product: the row's bias; minus infinity where there is no row.
    biases: Vec<[f32; TILE_ROWS]>,
    queries: PairQueries,
    steps: Steps<'a>,
    cancel: Cancel<'a>,
}

impl<'a> AllPairs<'a> {
    pub(super) fn new<J: Join>(builder: &'a GraphBuilder<'a>) -> Self {
        let view = builder.view;
        let mut biases = vec![[f32::NEG_INFINITY; TILE_ROWS]; view.shape.rows.div_ceil(TILE_ROWS)];
        for (row, bias) in (0..view.shape.rows as u32).zip(biases.as_flattened_mut()) {
            *bias = row_bias(view.coded_row(row));
        }
        Self {
            backend: view.backend,
            rows: view.shape.rows,
            width: tile_width(view.shape.dimensions),
            tiles: tiles_of::<J>(view),
            queries: PairQueries::new::<J>(view, builder.bound),
            steps: builder.steps(biases.len().div_ceil(TILES)),
            cancel: builder.options.cancel,
            biases,
        }
    }

    /// The best rows of each, at least `keep` where there are as many.
    pub(super) fn candidates<J: Join>(&self, keep: usize) -> Result<Candidates, GraphError> {
        let mut candidates = Candidates::new(self.rows, keep)?;
        compare_all::<J>(self, 0..self.biases.len().div_ceil(TILES), candidates.lists());
        self.cancel.check()?;
        Ok(candidates)
    }

    fn block_rows(&self, block: usize) -> Range<usize> {
        self.start(block)..self.start(block + 1)
    }
}

/// All rows as tiles of 7-bit codes.
fn tiles_of<J: Join>(view: &View<'_>) -> Vec<[u8; TILE_BYTES]> {
    const AT_ONCE: usize = 256;
    let (rows, d) = (view.shape.rows, view.shape.dimensions);
    let width = tile_width(d);
    let mut tiles = sq7::tiles(rows, d);
    parallel::for_each_chunk::<J, _>(&mut tiles, width * AT_ONCE, &|chunk, tiles| {
        let first = chunk * AT_ONCE * TILE_ROWS;
        for at in 0..(rows - first).min(tiles.len() / width * TILE_ROWS) {
            let tile = &mut tiles[at / TILE_ROWS * width..][..width];
            sq7::put(tile, at % TILE_ROWS, view.codes_of_row((first + at) as u32));
        }
    });
    tiles
}

impl PairBlocks for AllPairs<'_> {
    fn start(&self, block: usize) -> usize {
        (block * TILES).min(self.biases.len()) * TILE_ROWS
    }

    fn compare(&self, a: usize, of_a: &mut Lists<'_>, b: usize, mut of_b: Option<&mut Lists<'_>>) {
        self.steps.step();
        if self.cancel.is_set() {
            return;
        }
        let (a_rows, b_rows) = (self.block_rows(a), self.block_rows(b));
        let codes = self.queries.codes(a_rows.clone());
        let mut pairs = PairTile::new();
        for (at, row) in a_rows.clone().enumerate() {
            pairs.add(self.queries.of(row), of_a.limits[at]);
        }
        for first in b_rows.clone().step_by(TILE_ROWS) {
            let tile = first / TILE_ROWS;
            let tile = (&self.tiles[tile * self.width..][..self.width], &self.biases[tile]);
            pairs.forward(self.backend, codes, tile, |at, lane, score| {
                let base = self.queries.of(a_rows.start + at).base;
                if first + lane != a_rows.start + at {
                    of_a.push(at, score + base, (first + lane) as u32);
                }
                of_a.limits[at] - base
            });
            let Some(of_b) = of_b.as_deref_mut() else { continue };
            let place = first - b_rows.start;
            let limits: [f32; TILE_ROWS] = core::array::from_fn(|lane| of_b.limits[place + lane]);
            pairs.backward(self.backend, &limits, |at, lane, score| {
                of_b.push(place + lane, score, (a_rows.start + at) as u32);
            });
        }
    }
}
