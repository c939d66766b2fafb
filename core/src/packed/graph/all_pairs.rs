//! All rows with all rows.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use crate::Backend;
use crate::error::PackedError;
use crate::packed::file::view::{View, row_bias};
use crate::packed::graph::symmetric::{Candidates, Groups, Lists, Meeting, Probes, TOGETHER, compare_all};
use crate::packed::options::KnnOptions;
use crate::packed::quantise::sq7::{self, tile_width};
use crate::packed::truth::error_bound::Measure;
use crate::parallel::{self, Join};
use crate::simd::{TILE_BYTES, TILE_ROWS};

/// Tiles in a group.
const TILES: usize = TOGETHER / TILE_ROWS;

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
pub(crate) fn candidates<J: Join>(
    view: &View<'_>,
    measure: &Measure<'_>,
    backend: Backend,
    keep: usize,
    options: &KnnOptions<'_>,
) -> Result<Candidates, PackedError> {
    let all = All::new::<J>(view, measure, backend, options);
    let mut candidates = Candidates::new(view.shape.rows, keep)?;
    compare_all::<J>(&all, 0..all.groups(), candidates.lists());
    options.cancel.check()?;
    Ok(candidates)
}

impl<'a> All<'a> {
    fn new<J: Join>(view: &View<'_>, measure: &Measure<'_>, backend: Backend, options: &'a KnnOptions<'a>) -> Self {
        const AT_ONCE: usize = 256;
        let (rows, d) = (view.shape.rows, view.shape.dimensions);
        let width = tile_width(d);
        let mut tiles = sq7::tiles(rows, d);
        parallel::for_each_chunk::<J, _>(&mut tiles, width * AT_ONCE, &|chunk, tiles| {
            let first = chunk * AT_ONCE * TILE_ROWS;
            for at in 0..(rows - first).min(tiles.len() / width * TILE_ROWS) {
                let tile = &mut tiles[at / TILE_ROWS * width..][..width];
                let codes = view.byte_row((first + at) as u32).and_then(|row| row.get(..d));
                sq7::put(tile, at % TILE_ROWS, codes.unwrap_or(&[]));
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
        if self.options.cancel.is_set() {
            return;
        }
        let (a_rows, b_rows) = (self.rows(a), self.rows(b));
        let codes = self.probes.codes(a_rows.clone());
        let mut meeting = Meeting::new();
        for (at, row) in a_rows.clone().enumerate() {
            meeting.add(self.probes.of(row), of_a.limits[at]);
        }
        for first in b_rows.clone().step_by(TILE_ROWS) {
            let tile = first / TILE_ROWS;
            let tile = (&self.tiles[tile * self.width..][..self.width], &self.biases[tile]);
            meeting.hear(self.backend, codes, tile, |at, lane, score| {
                let base = self.probes.of(a_rows.start + at).base;
                if first + lane != a_rows.start + at {
                    of_a.push(at, score + base, (first + lane) as u32);
                }
                of_a.limits[at] - base
            });
            let Some(of_b) = of_b.as_deref_mut() else { continue };
            let place = first - b_rows.start;
            let limits: [f32; TILE_ROWS] = core::array::from_fn(|lane| of_b.limits[place + lane]);
            meeting.tell(self.backend, &limits, |at, lane, score| {
                of_b.push(place + lane, score, (a_rows.start + at) as u32);
            });
        }
    }
}
