//! The nearest neighbours for sure, of all rows or some: every row is compared as bytes, and a bound on what bytes lose says
//! which have to be compared in full.
//!
//! A row is x = g + e, where g lies on the grid, and a query's products with the steps are t·c + h. So
//!
//! q·x = q·offset + t·(c·u) + h·u + q·e, and |h·u + q·e| ≤ |h|·max |u| + |q|·max |e|
//!
//! by Cauchy and Schwarz. Rows are kept by their approximate scores; when the score of the worst that is kept and twice this
//! bound do not reach the n-th best of the kept, no other can be among the n best. Where they do, more are kept and the row
//! is compared again.

use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use super::join::{NONE, TOGETHER, by_row, finish_row, read};
use super::knn::Knn;
use super::options::KnnOptions;
use super::rows::dot;
use super::sweep::{Batch, Tiles};
use super::view::{View, row_bias};
use crate::error::PackedError;
use crate::parallel::{self, Join};
use crate::top_k::TopK;
use crate::{Backend, Metric, Neighbour};

/// Rows kept at first besides those that are wanted.
const MORE: usize = 48;

/// What bytes lose at the most.
#[derive(Clone, Copy, Debug, Default)]
struct Losses {
    /// The greatest |e|.
    rest: f64,
    /// The greatest |u|.
    codes: f64,
    /// The greatest |bias|.
    bias: f64,
}

impl Losses {
    fn new<J: Join>(view: &View<'_>) -> Self {
        const ROWS: usize = 4096;
        let d = view.shape.dimensions;
        let each = parallel::map::<J, _>(0..view.shape.rows.div_ceil(ROWS), &|chunk| {
            let (mut worst, mut row) = (Self::default(), vec![0.0; d]);
            for at in chunk * ROWS..view.shape.rows.min((chunk + 1) * ROWS) {
                read(view, at as u32, &mut row);
                let codes = view.byte_row(at as u32).unwrap_or(&[]);
                let (mut rest, mut squared) = (0.0, 0.0);
                for (dimension, (x, code)) in row.iter().zip(codes).enumerate() {
                    let lost = f64::from(*x)
                        - (f64::from(view.grid.offset[dimension])
                            + f64::from(view.grid.step[dimension]) * f64::from(*code));
                    rest += lost * lost;
                    squared += f64::from(*code) * f64::from(*code);
                }
                worst = worst.worse(Self {
                    rest: libm::sqrt(rest),
                    codes: libm::sqrt(squared),
                    bias: f64::from(row_bias(codes)).abs(),
                });
            }
            worst
        });
        each.into_iter().fold(Self::default(), Self::worse)
    }

    fn worse(self, other: Self) -> Self {
        Self { rest: self.rest.max(other.rest), codes: self.codes.max(other.codes), bias: self.bias.max(other.bias) }
    }

    /// What an approximate score of a query can be off.
    fn bound(&self, view: &View<'_>, query: &[f32], codes: &[i8], step: f32) -> f64 {
        let (mut lost, mut squared, mut size) = (0.0, 0.0, 0.0);
        for ((x, grid), code) in query.iter().zip(view.grid.step).zip(codes) {
            let h = f64::from(*x) * f64::from(*grid) - f64::from(step) * f64::from(*code);
            lost += h * h;
            squared += f64::from(*x) * f64::from(*x);
            size += (f64::from(step) * f64::from(*code)).abs();
        }
        // Sums of bytes are rounded to f32, and so are the bias and what f32 makes of a score.
        let rounding = (size * 127.0 + self.bias) * 4.0 * f64::from(f32::EPSILON);
        libm::sqrt(lost) * self.codes + libm::sqrt(squared) * self.rest + rounding
    }
}

struct Exhaustive<'a> {
    view: &'a View<'a>,
    tiles: &'a Tiles,
    backend: Backend,
    n: usize,
    losses: Losses,
}

/// The neighbours of all rows.
pub(super) fn join<J: Join>(
    view: &View<'_>,
    tiles: &Tiles,
    backend: Backend,
    n: usize,
    options: &KnnOptions<'_>,
) -> Result<Knn, PackedError> {
    let search = Exhaustive { view, tiles, backend, n, losses: Losses::new::<J>(view) };
    let done = AtomicUsize::new(0);
    let found = by_row::<J>(view, n, |first, to| {
        if !options.is_cancelled() {
            let own: Vec<u32> = (first..).take(to.len() / n).collect();
            search.nearest(&own, to, |_, _| ());
            options.tell(0.3..1.0, done.fetch_add(1, Relaxed) + 1, view.shape.rows.div_ceil(TOGETHER));
        }
    })?;
    if options.is_cancelled() { Err(PackedError::Cancelled) } else { Ok(found) }
}

/// A neighbour that was found for sure.
pub(super) struct True {
    pub(super) row: u32,
    /// How many other rows bytes put before it.
    pub(super) behind: u32,
}

/// The neighbours of some rows, nearest first; fewer than `n` where there are not as many.
pub(super) fn nearest<J: Join>(
    view: &View<'_>,
    tiles: &Tiles,
    backend: Backend,
    n: usize,
    rows: &[u32],
) -> Vec<Vec<True>> {
    const ROWS: usize = 64;
    let search = Exhaustive { view, tiles, backend, n, losses: Losses::new::<J>(view) };
    let chunks = parallel::map::<J, _>(0..rows.len().div_ceil(ROWS), &|chunk| {
        let own = &rows[chunk * ROWS..rows.len().min((chunk + 1) * ROWS)];
        let mut found = vec![Neighbour { id: NONE, distance: f32::INFINITY }; own.len() * n];
        let mut by_bytes = vec![Vec::new(); own.len()];
        search.nearest(own, &mut found, |at, rows| by_bytes[at] = rows.to_vec());
        let in_bytes = found.chunks(n).zip(&by_bytes).map(|(found, by_bytes)| {
            let rows = found.iter().filter_map(|found| view.rows.get(found.id as usize));
            let behind = |row| by_bytes.iter().position(|other| *other == row).map_or(u32::MAX, |at| at as u32);
            rows.map(|row| True { row: *row, behind: behind(*row) }).collect()
        });
        in_bytes.collect::<Vec<_>>()
    });
    chunks.into_iter().flatten().collect()
}

impl Exhaustive<'_> {
    /// Writes the `n` nearest of each of some rows. Tells for each which rows were compared in full, in the order of bytes.
    fn nearest(&self, own: &[u32], to: &mut [Neighbour], mut compared: impl FnMut(usize, &[u32])) {
        let mut left: Vec<usize> = (0..own.len()).collect();
        let mut keep = 2 * self.n + MORE;
        let (mut batch, mut query, mut best) =
            (Batch::default(), vec![0.0; self.view.shape.dimensions], TopK::default());
        while !left.is_empty() {
            batch.clear();
            for at in &left {
                read(self.view, own[*at], &mut query);
                batch.push(self.view, &query);
            }
            batch.begin(keep);
            for leaf in 0..self.view.shape.leaves as u32 {
                batch.scan(self.view, self.tiles, leaf, self.backend);
            }
            let mut still = Vec::new();
            for (query_at, at) in left.iter().enumerate() {
                read(self.view, own[*at], &mut query);
                let bound = self.losses.bound(self.view, &query, batch.codes(query_at), batch.steps()[query_at]);
                let base = dot(&query, self.view.grid.offset);
                let kept: Vec<Neighbour> = batch.best[query_at].finish().collect();
                // The score of the worst that is kept: no other has a better one.
                let worst =
                    (kept.len() == keep).then(|| base - f64::from(kept.last().map_or(0.0, |last| last.distance)));
                let to = &mut to[at * self.n..][..self.n];
                let rows: Vec<u32> = kept.iter().map(|kept| kept.id).filter(|row| *row != own[*at]).collect();
                best.reset(self.n);
                let order = finish_row(self.view, own[*at], rows.iter().copied(), &mut best, to);
                if worst.is_some_and(|worst| worst + bound >= self.least_score(&query, order)) {
                    still.push(*at);
                } else {
                    compared(*at, &rows);
                }
            }
            left = still;
            keep = keep.saturating_mul(4);
        }
    }

    /// The score of a row that is ordered by this, or a little less.
    fn least_score(&self, query: &[f32], order: f32) -> f64 {
        let (order, squared) = (f64::from(order), dot(query, query));
        // What orders was rounded to f32, and so were directions.
        let slack = 1e-6 * (order.abs() + squared);
        match self.view.shape.metric {
            Metric::Dot => -order - slack,
            Metric::Euclidean => 0.5 * (squared - order) - slack,
            _ => 1.0 - 0.5 * order - slack,
        }
    }
}
