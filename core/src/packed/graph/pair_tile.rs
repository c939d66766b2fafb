//! Rows against a tile of rows, for the sake of both: of two that meet, each may be among the other's best.

use alloc::vec::Vec;
use core::ops::Range;

use crate::Backend;
use crate::packed::file::view::View;
use crate::packed::quantise::sq7::{row_bias, tile_width};
use crate::packed::search::coarse::bias_scale;
use crate::packed::truth::error_bound::{AnalysedRow, ErrorBound};
use crate::parallel::{self, Join};
use crate::simd::masks::each_bit;
use crate::simd::{TILE_BYTES, TILE_ROWS};

/// A row as a query: a score is base + step · sum + the other's bias.
#[derive(Clone, Copy)]
pub(super) struct PairQuery {
    pub(super) step: f32,
    /// What the row adds to its own scores.
    pub(super) base: f32,
    /// What it adds to the scores that others have of it: that and its bias.
    pub(super) add: f32,
    /// See [`bias_scale`].
    pub(super) bias_scale: f32,
}

impl PairQuery {
    /// No row: no score exceeds any limit.
    const NONE: Self = Self { step: 0.0, base: 0.0, add: f32::NEG_INFINITY, bias_scale: 1.0 };
}

/// All rows as queries, up to a whole tile.
pub(super) struct PairQueries {
    codes: Vec<i8>,
    each: Vec<PairQuery>,
    width: usize,
}

impl PairQueries {
    pub(super) fn new<J: Join>(view: &View<'_>, bound: &ErrorBound<'_>) -> Self {
        const ROWS: usize = 4096;
        let (d, width) = (view.shape.dimensions, tile_width(view.shape.dimensions));
        let count = view.shape.rows.next_multiple_of(TILE_ROWS);
        let chunks = parallel::map::<J, _>(0..count.div_ceil(ROWS), &|chunk| {
            let rows = chunk * ROWS..count.min((chunk + 1) * ROWS);
            let mut codes = alloc::vec![0_i8; rows.len() * 4 * width];
            let mut queries = alloc::vec![PairQuery::NONE; rows.len()];
            let mut analysed = AnalysedRow::new(d);
            let each = rows.zip(&mut queries).zip(codes.chunks_exact_mut(4 * width));
            for ((row, query), codes) in each.take_while(|((row, _), _)| *row < view.shape.rows) {
                bound.analyse(row as u32, &mut analysed);
                codes.copy_from_slice(&analysed.codes);
                let base = analysed.base as f32;
                let add = base + row_bias(view.coded_row(row as u32));
                let bias_scale = bias_scale(view.shape.metric, &analysed.row);
                *query = PairQuery { step: analysed.step, base, add, bias_scale };
            }
            (codes, queries)
        });
        let mut all = Self { codes: Vec::new(), each: Vec::new(), width };
        for (codes, queries) in chunks {
            all.codes.extend(codes);
            all.each.extend(queries);
        }
        all
    }

    pub(super) fn of(&self, row: usize) -> PairQuery {
        self.each[row]
    }

    /// The codes of some rows.
    pub(super) fn codes(&self, rows: Range<usize>) -> &[i8] {
        &self.codes[rows.start * 4 * self.width..rows.end * 4 * self.width]
    }
}

/// Rows that meet a tile at once, at the most.
pub(super) const MOST_QUERIES: usize = 96;

/// Rows that meet those of tiles.
pub(super) struct PairTile {
    count: usize,
    steps: [f32; MOST_QUERIES],
    /// What products and biases have to exceed.
    limits: [f32; MOST_QUERIES],
    /// What a row's products less another's limit have to exceed so that it is one of the other's best.
    to_exceed: [f32; MOST_QUERIES],
    sums: [[i32; TILE_ROWS]; MOST_QUERIES],
    masks: [u16; MOST_QUERIES],
}

impl PairTile {
    pub(super) const fn new() -> Self {
        Self {
            count: 0,
            steps: [0.0; MOST_QUERIES],
            limits: [0.0; MOST_QUERIES],
            to_exceed: [0.0; MOST_QUERIES],
            sums: [[0; TILE_ROWS]; MOST_QUERIES],
            masks: [0; MOST_QUERIES],
        }
    }

    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds a row that keeps what exceeds a limit.
    pub(super) fn add(&mut self, query: PairQuery, limit: f32) {
        let at = self.count;
        (self.steps[at], self.limits[at], self.to_exceed[at]) = (query.step, limit - query.base, -query.add);
        self.count += 1;
    }

    /// Multiplies the rows, whose codes are given, with a tile. Calls `found` with the number of each row and of a row of the tile
    /// that may be among its best, and with its score but for the base; that returns what is to be exceeded from then on.
    pub(super) fn forward(
        &mut self,
        backend: Backend,
        codes: &[i8],
        (tile, biases): (&[[u8; TILE_BYTES]], &[f32; TILE_ROWS]),
        mut found: impl FnMut(usize, usize, f32) -> f32,
    ) {
        let Self { count, steps, limits, sums, masks, .. } = self;
        let (steps, limits) = (&steps[..*count], &mut limits[..*count]);
        let (sums, masks) = (&mut sums[..*count], &mut masks[..*count]);
        backend.tile_u7(codes, tile, sums);
        backend.lanes_above(steps, limits, sums, biases, masks);
        each_bit(masks, |at, lane| limits[at] = found(at, lane, steps[at] * sums[at][lane] as f32 + biases[lane]));
    }

    /// The other way round for the tile of the last [`forward`](Self::forward): calls `found` with the number of a row and of each
    /// row of the tile among whose best it may be, and with its score there. `limits` are those of the tile's rows.
    pub(super) fn backward(
        &mut self,
        backend: Backend,
        limits: &[f32; TILE_ROWS],
        mut found: impl FnMut(usize, usize, f32),
    ) {
        let Self { count, steps, to_exceed, sums, masks, .. } = self;
        let (steps, to_exceed) = (&steps[..*count], &to_exceed[..*count]);
        let (sums, masks) = (&sums[..*count], &mut masks[..*count]);
        // The same with both sides changed: p + add > limit is p − limit > −add.
        backend.lanes_above(steps, to_exceed, sums, &limits.map(|limit| -limit), masks);
        each_bit(masks, |at, lane| found(at, lane, steps[at] * sums[at][lane] as f32 - to_exceed[at]));
    }
}
