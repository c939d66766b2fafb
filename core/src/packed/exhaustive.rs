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

use super::format::View;
use super::join::{Knn, KnnOptions, NONE, TOGETHER, by_row, finish_row, read};
use super::rows::dot;
use super::sweep::{Batch, Tiles};
use crate::error::PackedError;
use crate::parallel::{self, Join};
use crate::top_k::TopK;
use crate::{Backend, Metric, Neighbour};

/// Rows kept at first besides those that are wanted.
const MORE: usize = 48;

/// What bytes lose at the most.
#[derive(Clone, Copy, Debug)]
struct Losses {
    /// The greatest |e|.
    rest: f64,
    /// The greatest |u|.
    codes: f64,
}

impl Losses {
    fn new<J: Join>(view: &View<'_>) -> Self {
        const ROWS: usize = 4096;
        let d = view.shape.dimensions;
        let each = parallel::map::<J, _>(0..view.shape.rows.div_ceil(ROWS), &|chunk| {
            let (mut worst, mut row) = (Self { rest: 0.0, codes: 0.0 }, vec![0.0; d]);
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
                worst = worst.worse(Self { rest: libm::sqrt(rest), codes: libm::sqrt(squared) });
            }
            worst
        });
        each.into_iter().fold(Self { rest: 0.0, codes: 0.0 }, Self::worse)
    }

    fn worse(self, other: Self) -> Self {
        Self { rest: self.rest.max(other.rest), codes: self.codes.max(other.codes) }
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
        let rounding = size * 127.0 * 4.0 * f64::from(f32::EPSILON);
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
            search.nearest(&own, to);
            options.tell(0.3..1.0, done.fetch_add(1, Relaxed) + 1, view.shape.rows.div_ceil(TOGETHER));
        }
    })?;
    if options.is_cancelled() { Err(PackedError::Cancelled) } else { Ok(found) }
}

/// The neighbours of some rows, as rows.
pub(super) fn nearest<J: Join>(
    view: &View<'_>,
    tiles: &Tiles,
    backend: Backend,
    n: usize,
    rows: &[u32],
) -> Vec<Vec<Neighbour>> {
    const ROWS: usize = 64;
    let search = Exhaustive { view, tiles, backend, n, losses: Losses::new::<J>(view) };
    let chunks = parallel::map::<J, _>(0..rows.len().div_ceil(ROWS), &|chunk| {
        let own = &rows[chunk * ROWS..rows.len().min((chunk + 1) * ROWS)];
        let mut found = vec![Neighbour { id: NONE, distance: f32::INFINITY }; own.len() * n];
        search.nearest(own, &mut found);
        for found in &mut found {
            found.id = view.rows.get(found.id as usize).copied().unwrap_or(NONE);
        }
        found
    });
    chunks.iter().flat_map(|found| found.chunks(n).map(<[_]>::to_vec)).collect()
}

impl Exhaustive<'_> {
    /// Writes the `n` nearest of each of some rows.
    fn nearest(&self, own: &[u32], to: &mut [Neighbour]) {
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
                let base = f64::from(batch.bases()[query_at]);
                let kept: Vec<Neighbour> = batch.best[query_at].finish().collect();
                // The score of the worst that is kept: no other has a better one.
                let worst =
                    (kept.len() == keep).then(|| base - f64::from(kept.last().map_or(0.0, |last| last.distance)));
                let to = &mut to[at * self.n..][..self.n];
                let rows = kept.iter().map(|kept| kept.id).filter(|row| *row != own[*at]);
                best.reset(self.n);
                let order = finish_row(self.view, &query, rows, &mut best, to);
                if worst.is_some_and(|worst| worst + bound >= self.least_score(&query, order)) {
                    still.push(*at);
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
