//! Comparing a batch of queries with every row: tiles of bytes, and in full what comes near the best so far.

use alloc::vec;
use alloc::vec::Vec;

use super::format::{View, row_bias};
use super::grid::{self, tile_width};
use crate::Backend;
use crate::simd::TILE_ROWS;
use crate::top_k::TopK;

/// Queries as bytes.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    codes: Vec<i8>,
    steps: Vec<f32>,
    bases: Vec<f32>,
}

impl Batch {
    /// Adds a query as the index sees it.
    pub(crate) fn push(&mut self, view: &View<'_>, query: &[f32]) {
        let start = self.codes.len();
        self.codes.resize(start + 4 * tile_width(view.shape.dimensions), 0);
        let (step, base) = grid::encode_probe(query, view.grid, &mut self.codes[start..]);
        self.steps.push(step);
        self.bases.push(base);
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The `n` rows with the greatest approximate scores for each query.
    pub(crate) fn sweep(&self, view: &View<'_>, backend: Backend, n: usize) -> Vec<TopK> {
        let d = view.shape.dimensions;
        let mut best: Vec<TopK> = (0..self.len()).map(|_| TopK::default()).collect();
        for best in &mut best {
            best.reset(n);
        }
        let mut tile = grid::tiles(TILE_ROWS, d);
        let mut sums = vec![[0; TILE_ROWS]; self.len()];
        let rows = view.shape.rows as u32;
        for first in (0..rows).step_by(TILE_ROWS) {
            let mut biases = [f32::NEG_INFINITY; TILE_ROWS];
            for (at, row) in (first..rows.min(first + TILE_ROWS as u32)).enumerate() {
                let row = view.byte_row(row).unwrap_or(&[]);
                grid::put(&mut tile, at, row.get(..d).unwrap_or(&[]));
                biases[at] = row_bias(row);
            }
            backend.tile_u7(&self.codes, &tile, &mut sums);
            // Where no row has a bias, most tiles are done with after comparing integers.
            let plain = biases.iter().all(|bias| *bias == 0.0);
            let queries = self.steps.iter().zip(&self.bases).zip(&sums).zip(&mut best);
            for (((step, base), sums), best) in queries {
                if plain {
                    let limit = ((-best.farthest() - base) / step) as i32;
                    if sums.iter().all(|sum| *sum < limit) {
                        continue;
                    }
                }
                let mut distances = [0.0; TILE_ROWS];
                for ((distance, sum), bias) in distances.iter_mut().zip(sums).zip(&biases) {
                    *distance = -(base + step * *sum as f32 + bias);
                }
                let limit = best.farthest();
                if distances.iter().any(|distance| *distance < limit) {
                    for (row, distance) in (first..rows).zip(distances) {
                        best.push(distance, row);
                    }
                }
            }
        }
        best
    }
}
