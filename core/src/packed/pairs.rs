//! All rows with all rows, each pair once.
//!
//! The product of two rows' bytes is a score for both, so half of the products do. Who keeps it is a matter of memory that
//! threads would share: the rows are halved again and again, each half is compared with itself, both at the same time, and
//! then the halves with each other, in quarters of which two at a time have no row in common.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use super::grid::{self, tile_width};
use super::losses::{Measure, Measured};
use super::options::KnnOptions;
use super::view::{View, row_bias};
use crate::Backend;
use crate::error::PackedError;
use crate::parallel::{self, Join};
use crate::simd::{TILE_BYTES, TILE_ROWS};
use crate::top_k::{key, split_key};

/// Tiles of rows that are compared with a tile at once.
const TOGETHER: usize = 6;
/// Tiles from which on halves are worth a thread.
const FORKED: usize = 96;

/// Rows as bytes, those that are kept and those that are compared with them.
struct Both<'a> {
    backend: Backend,
    options: &'a KnnOptions<'a>,
    width: usize,
    tiles: Vec<[u8; TILE_BYTES]>,
    /// What a score has besides the product: the row's bias; minus infinity where there is no row.
    biases: Vec<[f32; TILE_ROWS]>,
    codes: Vec<i8>,
    probes: Vec<Probe>,
    done: AtomicUsize,
}

/// A row as a query.
#[derive(Clone, Copy)]
struct Probe {
    step: f32,
    /// What the row adds to its own scores.
    base: f32,
    /// What it adds to the scores that others have of it: that and its bias.
    add: f32,
}

impl Probe {
    /// No row: no score exceeds any limit.
    const NONE: Self = Self { step: 0.0, base: 0.0, add: f32::NEG_INFINITY };
}

/// The best so far of some rows.
struct Lists<'l> {
    keys: &'l mut [u64],
    lengths: &'l mut [u32],
    /// Only greater scores are kept.
    limits: &'l mut [f32],
    keep: usize,
    room: usize,
}

impl Lists<'_> {
    fn split_at(&mut self, row: usize) -> (Lists<'_>, Lists<'_>) {
        let (keys, lengths, limits) =
            (self.keys.split_at_mut(row * self.room), self.lengths.split_at_mut(row), self.limits.split_at_mut(row));
        let half = |keys, lengths, limits| Lists { keys, lengths, limits, keep: self.keep, room: self.room };
        (half(keys.0, lengths.0, limits.0), half(keys.1, lengths.1, limits.1))
    }

    #[inline]
    fn push(&mut self, row: usize, score: f32, other: u32) {
        if score <= self.limits[row] {
            return;
        }
        let keys = &mut self.keys[row * self.room..(row + 1) * self.room];
        keys[self.lengths[row] as usize] = key(-score, other);
        self.lengths[row] += 1;
        if self.lengths[row] as usize == self.room {
            let (_, last, _) = keys.select_nth_unstable(self.keep - 1);
            self.limits[row] = -split_key(*last).0;
            self.lengths[row] = self.keep as u32;
        }
    }
}

/// What is known of the neighbours of every row.
pub(super) struct Candidates {
    keys: Vec<u64>,
    lengths: Vec<u32>,
    limits: Vec<f32>,
    room: usize,
}

impl Candidates {
    /// The keys of the best rows, by minus their scores, in no order, and the score that no other row exceeds.
    pub(super) fn of(&self, row: u32) -> (&[u64], f32) {
        let row = row as usize;
        (&self.keys[row * self.room..][..self.lengths[row] as usize], self.limits[row])
    }
}

/// The best rows of each, at least `keep` where there are as many.
pub(super) fn candidates<J: Join>(
    view: &View<'_>,
    measure: &Measure<'_>,
    backend: Backend,
    keep: usize,
    options: &KnnOptions<'_>,
) -> Result<Candidates, PackedError> {
    let both = Both::new::<J>(view, measure, backend, options);
    let rows = both.probes.len();
    let room = keep + keep / 2;
    let mut keys = Vec::new();
    let places = rows.checked_mul(room).ok_or(PackedError::OutOfMemory)?;
    keys.try_reserve_exact(places).map_err(|_| PackedError::OutOfMemory)?;
    keys.resize(places, 0);
    let mut limits = vec![f32::NEG_INFINITY; rows];
    limits[view.shape.rows..].fill(f32::INFINITY);
    let mut lengths = vec![0; rows];
    let lists = Lists { keys: &mut keys, lengths: &mut lengths, limits: &mut limits, keep, room };
    both.with_itself::<J>(0..both.biases.len(), lists);
    if options.is_cancelled() { Err(PackedError::Cancelled) } else { Ok(Candidates { keys, lengths, limits, room }) }
}

impl<'a> Both<'a> {
    fn new<J: Join>(view: &View<'_>, measure: &Measure<'_>, backend: Backend, options: &'a KnnOptions<'a>) -> Self {
        const TILES: usize = 256;
        let d = view.shape.dimensions;
        let (width, count) = (tile_width(d), view.shape.rows.div_ceil(TILE_ROWS));
        let mut both = Self {
            backend,
            options,
            width,
            tiles: grid::tiles(view.shape.rows, d),
            biases: vec![[f32::NEG_INFINITY; TILE_ROWS]; count],
            codes: Vec::new(),
            probes: Vec::new(),
            done: AtomicUsize::new(0),
        };
        for (row, bias) in (0..view.shape.rows as u32).zip(both.biases.as_flattened_mut()) {
            *bias = row_bias(view.byte_row(row).unwrap_or(&[]));
        }
        parallel::for_each_chunk::<J, _>(&mut both.tiles, width * TILES, &|chunk, tiles| {
            let first = chunk * TILES * TILE_ROWS;
            for at in 0..(view.shape.rows - first).min(tiles.len() / width * TILE_ROWS) {
                let tile = &mut tiles[at / TILE_ROWS * width..][..width];
                let codes = view.byte_row((first + at) as u32).and_then(|row| row.get(..d));
                grid::put(tile, at % TILE_ROWS, codes.unwrap_or(&[]));
            }
        });
        let chunks = parallel::map::<J, _>(0..count.div_ceil(TILES), &|chunk| {
            let rows = chunk * TILES * TILE_ROWS..count.min((chunk + 1) * TILES) * TILE_ROWS;
            let (mut codes, mut measured) = (vec![0_i8; rows.len() * 4 * width], Measured::new(d));
            let mut probes = vec![Probe::NONE; rows.len()];
            let each = rows.zip(&mut probes).zip(codes.chunks_exact_mut(4 * width));
            for ((row, probe), codes) in each.take_while(|((row, _), _)| *row < view.shape.rows) {
                measure.see(row as u32, &mut measured);
                codes.copy_from_slice(&measured.codes);
                let base = measured.base as f32;
                *probe =
                    Probe { step: measured.step, base, add: base + row_bias(view.byte_row(row as u32).unwrap_or(&[])) };
            }
            (codes, probes)
        });
        for (codes, probes) in chunks {
            both.codes.extend(codes);
            both.probes.extend(probes);
        }
        both
    }

    /// Compares the rows of some tiles with one another.
    fn with_itself<J: Join>(&self, tiles: Range<usize>, mut lists: Lists<'_>) {
        if tiles.len() <= TOGETHER {
            self.compare(tiles.clone(), &mut lists, tiles, None);
            return;
        }
        let middle = middle(&tiles);
        let (mut left, mut right) = lists.split_at((middle - tiles.start) * TILE_ROWS);
        let (a, b) = (tiles.start..middle, middle..tiles.end);
        {
            let (left, right) = (left.all(), right.all());
            fork::<J>(
                tiles.len(),
                || self.with_itself::<J>(a.clone(), left),
                || self.with_itself::<J>(b.clone(), right),
            );
        }
        self.with_others::<J>(a, left, b, right);
    }

    /// Compares the rows of some tiles with those of others.
    fn with_others<J: Join>(&self, a: Range<usize>, mut of_a: Lists<'_>, b: Range<usize>, mut of_b: Lists<'_>) {
        if a.is_empty() || b.is_empty() || self.options.is_cancelled() {
            return;
        }
        if a.len() <= TOGETHER && b.len() <= TOGETHER {
            self.compare(a, &mut of_a, b, Some(&mut of_b));
            return;
        }
        let size = a.len().max(b.len());
        let (a_middle, b_middle) = (middle(&a), middle(&b));
        let (mut a0, mut a1) = of_a.split_at((a_middle - a.start) * TILE_ROWS);
        let (mut b0, mut b1) = of_b.split_at((b_middle - b.start) * TILE_ROWS);
        for crossed in [false, true] {
            let (a0, a1, b0, b1) = (a0.all(), a1.all(), b0.all(), b1.all());
            let (low, high) = (b.start..b_middle, b_middle..b.end);
            let (first, second) = if crossed { ((high, b1), (low, b0)) } else { ((low, b0), (high, b1)) };
            fork::<J>(
                size,
                || self.with_others::<J>(a.start..a_middle, a0, first.0, first.1),
                || self.with_others::<J>(a_middle..a.end, a1, second.0, second.1),
            );
        }
    }

    /// Compares the rows of a few tiles with those of others, or, where these have no lists, with one another.
    fn compare(&self, a: Range<usize>, of_a: &mut Lists<'_>, b: Range<usize>, mut of_b: Option<&mut Lists<'_>>) {
        const ROWS: usize = TOGETHER * TILE_ROWS;
        let rows = a.len() * TILE_ROWS;
        let (a_row, b_row) = (a.start * TILE_ROWS, b.start * TILE_ROWS);
        let codes = &self.codes[a_row * 4 * self.width..][..rows * 4 * self.width];
        let probes = &self.probes[a_row..][..rows];
        let (mut sums, mut masks) = ([[0; TILE_ROWS]; ROWS], [0; ROWS]);
        let (mut steps, mut limits, mut to_exceed) = ([0.0; ROWS], [0.0; ROWS], [0.0; ROWS]);
        for (at, probe) in probes.iter().enumerate() {
            (steps[at], limits[at], to_exceed[at]) = (probe.step, of_a.limits[at] - probe.base, -probe.add);
        }
        let steps = &steps[..rows];
        for (number, tile) in b.clone().enumerate() {
            let bytes = &self.tiles[tile * self.width..][..self.width];
            self.backend.tile_u7(codes, bytes, &mut sums[..rows]);
            let biases = &self.biases[tile];
            self.backend.lanes_above(steps, &limits[..rows], &sums, biases, &mut masks[..rows]);
            each(&masks[..rows], |at, lane| {
                let other = tile * TILE_ROWS + lane;
                if other != a_row + at {
                    let score = steps[at] * sums[at][lane] as f32 + biases[lane] + probes[at].base;
                    of_a.push(at, score, other as u32);
                    limits[at] = of_a.limits[at] - probes[at].base;
                }
            });
            let Some(of_b) = of_b.as_deref_mut() else { continue };
            // The same with both sides changed: p + add > limit is p − limit > −add.
            let mut minus_limits = [0.0; TILE_ROWS];
            for (to, limit) in minus_limits.iter_mut().zip(&of_b.limits[number * TILE_ROWS..]) {
                *to = -limit;
            }
            self.backend.lanes_above(steps, &to_exceed[..rows], &sums, &minus_limits, &mut masks[..rows]);
            each(&masks[..rows], |at, lane| {
                let score = steps[at] * sums[at][lane] as f32 + probes[at].add;
                of_b.push(tile * TILE_ROWS + lane - b_row, score, (a_row + at) as u32);
            });
        }
        let done = self.done.fetch_add(1, Relaxed);
        let groups = self.biases.len().div_ceil(TOGETHER);
        if done.is_multiple_of(4096) {
            self.options.tell(0.3..0.95, done, groups * (groups + 1) / 2);
        }
    }
}

impl Lists<'_> {
    fn all(&mut self) -> Lists<'_> {
        Lists { keys: self.keys, lengths: self.lengths, limits: self.limits, keep: self.keep, room: self.room }
    }
}

/// Calls `f` with the number of each mask and of each bit of it.
#[inline]
fn each(masks: &[u16], mut f: impl FnMut(usize, usize)) {
    // Most are empty: eight at a time are passed over.
    for (eight, masks) in
        masks.chunks(8).enumerate().filter(|(_, masks)| masks.iter().fold(0, |any, mask| any | mask) != 0)
    {
        for (at, mask) in (8 * eight..).zip(masks) {
            let mut mask = *mask;
            while mask != 0 {
                f(at, mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
        }
    }
}

/// The middle of a range, whole groups before it.
fn middle(tiles: &Range<usize>) -> usize {
    tiles.start + (tiles.len() / 2).next_multiple_of(TOGETHER).min(tiles.len())
}

/// Both, at the same time where it is worth it.
fn fork<J: Join>(size: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if size >= FORKED {
        J::join(a, b);
    } else {
        a();
        b();
    }
}
