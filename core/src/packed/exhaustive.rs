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

use super::grid::encode_probe;
use super::join::{NONE, by_row, finish_row};
use super::knn::Knn;
use super::options::KnnOptions;
use super::pairs::{self, Candidates};
use super::rows::dot;
use super::sweep::{Batch, Tiles};
use super::view::{View, row_bias};
use crate::error::PackedError;
use crate::parallel::{self, Join};
use crate::top_k::{TopK, split_key};
use crate::{Backend, Metric, Neighbour};

/// Rows kept at first besides those that are wanted.
const MORE: usize = 48;

/// What bytes lose of a row, or at the most of any.
#[derive(Clone, Copy, Debug, Default)]
struct Losses {
    /// |e| and |u|.
    rest: f64,
    codes: f64,
    /// |h| and |q|, where the row is the query.
    probe: f64,
    length: f64,
    /// What its products with codes do not exceed, and what is added to them: numbers that are rounded to f32.
    products: f64,
    added: f64,
}

impl Losses {
    /// Of any row.
    fn new<J: Join>(view: &View<'_>) -> Self {
        const ROWS: usize = 4096;
        let each = parallel::map::<J, _>(0..view.shape.rows.div_ceil(ROWS), &|chunk| {
            let rows = chunk * ROWS..view.shape.rows.min((chunk + 1) * ROWS);
            let mut room = Room::new(view);
            rows.map(|row| room.losses(view, row as u32)).fold(Self::default(), Self::worse)
        });
        each.into_iter().fold(Self::default(), Self::worse)
    }

    fn worse(self, other: Self) -> Self {
        Self {
            rest: self.rest.max(other.rest),
            codes: self.codes.max(other.codes),
            probe: self.probe.max(other.probe),
            length: self.length.max(other.length),
            products: self.products.max(other.products),
            added: self.added.max(other.added),
        }
    }

    /// What the score of a query and a row can be off.
    fn bound(query: &Self, row: &Self) -> f64 {
        // Scores and limits have been rounded a few times on the way.
        let rounding = 8.0 * f64::from(f32::EPSILON) * (query.products + query.added + row.added);
        query.probe * row.codes + query.length * row.rest + rounding
    }
}

/// Room to see a row in.
struct Room {
    row: Vec<f32>,
    codes: Vec<i8>,
}

impl Room {
    fn new(view: &View<'_>) -> Self {
        let d = view.shape.dimensions;
        Self { row: vec![0.0; d], codes: vec![0; d] }
    }

    fn losses(&mut self, view: &View<'_>, row: u32) -> Losses {
        view.read(row, &mut self.row);
        let step = f64::from(encode_probe(&self.row, view.grid, &mut self.codes));
        let codes = view.byte_row(row).unwrap_or(&[]);
        let (mut rest, mut squared, mut probe, mut products) = (0.0, 0.0, 0.0, 0.0);
        let each = self.row.iter().zip(codes).zip(&self.codes).zip(view.grid.offset.iter().zip(view.grid.step));
        for (((x, code), probe_code), (offset, grid)) in each {
            let [x, code, grid, probe_code] =
                [f64::from(*x), f64::from(*code), f64::from(*grid), f64::from(*probe_code)];
            let lost = x - (f64::from(*offset) + grid * code);
            let lost_as_probe = x * grid - step * probe_code;
            rest += lost * lost;
            squared += code * code;
            probe += lost_as_probe * lost_as_probe;
            products += 127.0 * (step * probe_code).abs();
        }
        Losses {
            rest: libm::sqrt(rest),
            codes: libm::sqrt(squared),
            probe: libm::sqrt(probe),
            length: libm::sqrt(dot(&self.row, &self.row)),
            products,
            added: dot(&self.row, view.grid.offset).abs() + f64::from(row_bias(codes)).abs(),
        }
    }
}

struct Exhaustive<'a> {
    view: &'a View<'a>,
    tiles: &'a Tiles,
    backend: Backend,
    n: usize,
    worst: Losses,
}

/// The neighbours of all rows.
pub(super) fn join<J: Join>(
    view: &View<'_>,
    tiles: &Tiles,
    backend: Backend,
    n: usize,
    options: &KnnOptions<'_>,
) -> Result<Knn, PackedError> {
    let search = Exhaustive { view, tiles, backend, n, worst: Losses::new::<J>(view) };
    let candidates = pairs::candidates::<J>(view, backend, 2 * n + MORE, options)?;
    by_row::<J>(view, n, |first, to| search.choose(&candidates, first, to))
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
    let search = Exhaustive { view, tiles, backend, n, worst: Losses::new::<J>(view) };
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
    /// Writes the `n` nearest of the candidates of each row from one on, and looks for those of rows whose candidates are too few.
    fn choose(&self, candidates: &Candidates, first: u32, to: &mut [Neighbour]) {
        let (mut room, mut best, mut keys) = (Room::new(self.view), TopK::default(), Vec::new());
        let mut others = Vec::new();
        for (row, to) in (first..).zip(to.chunks_mut(self.n)) {
            let losses = room.losses(self.view, row);
            let bound = Losses::bound(&losses, &self.worst).max(Losses::bound(&self.worst, &losses));
            let (found, limit) = candidates.of(row);
            keys.clear();
            keys.extend_from_slice(found);
            keys.sort_unstable();
            best.reset(self.n);
            let mut least = f64::NEG_INFINITY;
            let mut left = keys.iter().map(|key| split_key(*key)).peekable();
            // A few at first: their vectors tell which others may be nearer.
            for few in [self.n + self.n / 4 + 4, usize::MAX] {
                let possible = |(minus_score, _): &(f32, u32)| bound - f64::from(*minus_score) >= least;
                let rows: Vec<u32> =
                    core::iter::from_fn(|| left.next_if(possible)).take(few).map(|(_, other)| other).collect();
                least = self.least_score(&room.row, finish_row(self.view, row, rows.into_iter(), &mut best, to));
            }
            if limit > f32::NEG_INFINITY && f64::from(limit) + bound >= least {
                others.push(row);
            }
        }
        let mut found = vec![Neighbour { id: NONE, distance: f32::INFINITY }; others.len() * self.n];
        self.nearest(&others, &mut found, |_, _| ());
        for (row, found) in others.iter().zip(found.chunks(self.n)) {
            to[(row - first) as usize * self.n..][..self.n].copy_from_slice(found);
        }
    }

    /// Writes the `n` nearest of each of some rows. Tells for each which rows were compared in full, in the order of bytes.
    fn nearest(&self, own: &[u32], to: &mut [Neighbour], mut compared: impl FnMut(usize, &[u32])) {
        let mut left: Vec<usize> = (0..own.len()).collect();
        let mut keep = 2 * self.n + MORE;
        let (mut batch, mut room, mut best) = (Batch::default(), Room::new(self.view), TopK::default());
        while !left.is_empty() {
            batch.clear();
            for at in &left {
                self.view.read(own[*at], &mut room.row);
                batch.push(self.view, &room.row);
            }
            batch.begin(keep);
            for leaf in 0..self.view.shape.leaves as u32 {
                batch.scan(self.view, self.tiles, leaf, self.backend);
            }
            let mut still = Vec::new();
            for (query_at, at) in left.iter().enumerate() {
                let bound = Losses::bound(&room.losses(self.view, own[*at]), &self.worst);
                let base = dot(&room.row, self.view.grid.offset);
                let kept: Vec<Neighbour> = batch.best[query_at].finish().collect();
                // The score of the worst that is kept: no other has a better one.
                let worst =
                    (kept.len() == keep).then(|| base - f64::from(kept.last().map_or(0.0, |last| last.distance)));
                let to = &mut to[at * self.n..][..self.n];
                let rows: Vec<u32> = kept.iter().map(|kept| kept.id).filter(|row| *row != own[*at]).collect();
                best.reset(self.n);
                let order = finish_row(self.view, own[*at], rows.iter().copied(), &mut best, to);
                if worst.is_some_and(|worst| worst + bound >= self.least_score(&room.row, order)) {
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
