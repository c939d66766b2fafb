//! All rows with all rows.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use super::grid::{self, tile_width};
use super::losses::Measure;
use super::options::KnnOptions;
use super::pairs::{Candidates, Groups, Lists, Probes, compare_all, each_bit};
use super::view::{View, row_bias};
use crate::Backend;
use crate::error::PackedError;
use crate::parallel::{self, Join};
use crate::simd::{TILE_BYTES, TILE_ROWS};

/// Tiles in a group.
const TILES: usize = 6;
/// Rows in a group.
const ROWS: usize = TILES * TILE_ROWS;

/// Rows as bytes, those that are kept and those that are compared with them.
struct All<'a> {
    backend: Backend,
    options: &'a KnnOptions<'a>,
    width: usize,
    tiles: Vec<[u8; TILE_BYTES]>,
    /// What a score has besides the product: the row's bias; minus infinity where there is no row.
    biases: Vec<[f32; TILE_ROWS]>,
    probes: Probes,
    done: AtomicUsize,
}

/// The best rows of each, at least `keep` where there are as many.
pub(super) fn candidates<J: Join>(
    view: &View<'_>,
    measure: &Measure<'_>,
    backend: Backend,
    keep: usize,
    options: &KnnOptions<'_>,
) -> Result<Candidates, PackedError> {
    let all = All::new::<J>(view, measure, backend, options);
    let mut candidates = Candidates::new(view.shape.rows, keep)?;
    compare_all::<J>(&all, 0..all.groups(), candidates.lists());
    if options.is_cancelled() { Err(PackedError::Cancelled) } else { Ok(candidates) }
}

impl<'a> All<'a> {
    fn new<J: Join>(view: &View<'_>, measure: &Measure<'_>, backend: Backend, options: &'a KnnOptions<'a>) -> Self {
        const AT_ONCE: usize = 256;
        let (rows, d) = (view.shape.rows, view.shape.dimensions);
        let width = tile_width(d);
        let mut tiles = grid::tiles(rows, d);
        parallel::for_each_chunk::<J, _>(&mut tiles, width * AT_ONCE, &|chunk, tiles| {
            let first = chunk * AT_ONCE * TILE_ROWS;
            for at in 0..(rows - first).min(tiles.len() / width * TILE_ROWS) {
                let tile = &mut tiles[at / TILE_ROWS * width..][..width];
                let codes = view.byte_row((first + at) as u32).and_then(|row| row.get(..d));
                grid::put(tile, at % TILE_ROWS, codes.unwrap_or(&[]));
            }
        });
        let mut biases = vec![[f32::NEG_INFINITY; TILE_ROWS]; rows.div_ceil(TILE_ROWS)];
        for (row, bias) in (0..rows as u32).zip(biases.as_flattened_mut()) {
            *bias = row_bias(view.byte_row(row).unwrap_or(&[]));
        }
        let probes = Probes::new::<J>(view, measure);
        Self { backend, options, width, tiles, biases, probes, done: AtomicUsize::new(0) }
    }

    fn groups(&self) -> usize {
        self.biases.len().div_ceil(TILES)
    }

    fn rows(&self, group: usize) -> Range<usize> {
        self.start(group)..self.start(group + 1)
    }
}

impl Groups for All<'_> {
    fn start(&self, group: usize) -> usize {
        (group * TILES).min(self.biases.len()) * TILE_ROWS
    }

    fn compare(&self, a: usize, of_a: &mut Lists<'_>, b: usize, mut of_b: Option<&mut Lists<'_>>) {
        let done = self.done.fetch_add(1, Relaxed);
        if done.is_multiple_of(4096) {
            self.options.tell(0.3..0.95, done, self.groups() * (self.groups() + 1) / 2);
        }
        if self.options.is_cancelled() {
            return;
        }
        let (a_rows, b_rows) = (self.rows(a), self.rows(b));
        let (codes, count) = (self.probes.codes(a_rows.clone()), a_rows.len());
        let (mut sums, mut masks) = ([[0; TILE_ROWS]; ROWS], [0; ROWS]);
        let (mut steps, mut limits, mut to_exceed) = ([0.0; ROWS], [0.0; ROWS], [0.0; ROWS]);
        for (at, row) in a_rows.clone().enumerate() {
            let probe = self.probes.of(row);
            (steps[at], limits[at], to_exceed[at]) = (probe.step, of_a.limits[at] - probe.base, -probe.add);
        }
        let steps = &steps[..count];
        for first in b_rows.clone().step_by(TILE_ROWS) {
            let tile = first / TILE_ROWS;
            let biases = &self.biases[tile];
            self.backend.tile_u7(codes, &self.tiles[tile * self.width..][..self.width], &mut sums[..count]);
            self.backend.lanes_above(steps, &limits[..count], &sums, biases, &mut masks[..count]);
            each_bit(&masks[..count], |at, lane| {
                if first + lane != a_rows.start + at {
                    let base = self.probes.of(a_rows.start + at).base;
                    of_a.push(at, steps[at] * sums[at][lane] as f32 + biases[lane] + base, (first + lane) as u32);
                    limits[at] = of_a.limits[at] - base;
                }
            });
            let Some(of_b) = of_b.as_deref_mut() else { continue };
            // The same with both sides changed: p + add > limit is p − limit > −add.
            let place = first - b_rows.start;
            let mut minus_limits = [0.0; TILE_ROWS];
            for (to, limit) in minus_limits.iter_mut().zip(&of_b.limits[place..]) {
                *to = -limit;
            }
            self.backend.lanes_above(steps, &to_exceed[..count], &sums, &minus_limits, &mut masks[..count]);
            each_bit(&masks[..count], |at, lane| {
                let score = steps[at] * sums[at][lane] as f32 - to_exceed[at];
                of_b.push(place + lane, score, (a_rows.start + at) as u32);
            });
        }
    }
}
