//! Pairs of rows, each looked at once, for the sake of both.
//!
//! The product of two rows' bytes is a score for both of them, and both keep it if it is among their best. Threads would have to
//! share what rows keep. So the rows are halved again and again: each half is compared with itself, both at the same time, and then
//! the halves with each other, in quarters of which two at a time have no row in common.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use crate::Backend;
use crate::error::PackedError;
use crate::packed::file::layout::Shape;
use crate::packed::file::view::{View, row_bias};
use crate::packed::quantise::sq7::tile_width;
use crate::packed::truth::error_bound::{Measure, Measured};
use crate::packed::tune::list_bias;
use crate::parallel::{self, Join};
use crate::simd::{TILE_BYTES, TILE_ROWS};
use crate::top_k::{key, split_key};

/// A row as a query: a score is base + step · sum + the other's bias.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    pub(crate) step: f32,
    /// What the row adds to its own scores.
    pub(crate) base: f32,
    /// What it adds to the scores that others have of it: that and its bias.
    pub(crate) add: f32,
    /// See [`list_bias::scale`].
    pub(crate) scale: f32,
}

impl Probe {
    /// No row: no score exceeds any limit.
    const NONE: Self = Self { step: 0.0, base: 0.0, add: f32::NEG_INFINITY, scale: 1.0 };
}

/// All rows as queries, up to a whole tile.
pub(crate) struct Probes {
    codes: Vec<i8>,
    each: Vec<Probe>,
    width: usize,
}

impl Probes {
    pub(crate) fn new<J: Join>(view: &View<'_>, measure: &Measure<'_>) -> Self {
        const ROWS: usize = 4096;
        let (d, width) = (view.shape.dimensions, tile_width(view.shape.dimensions));
        let count = view.shape.rows.next_multiple_of(TILE_ROWS);
        let chunks = parallel::map::<J, _>(0..count.div_ceil(ROWS), &|chunk| {
            let rows = chunk * ROWS..count.min((chunk + 1) * ROWS);
            let (mut codes, mut measured) = (vec![0_i8; rows.len() * 4 * width], Measured::new(d));
            let mut probes = vec![Probe::NONE; rows.len()];
            let each = rows.zip(&mut probes).zip(codes.chunks_exact_mut(4 * width));
            for ((row, probe), codes) in each.take_while(|((row, _), _)| *row < view.shape.rows) {
                measure.see(row as u32, &mut measured);
                codes.copy_from_slice(&measured.codes);
                let base = measured.base as f32;
                let bias = row_bias(view.byte_row(row as u32).unwrap_or(&[]));
                let scale = list_bias::scale(view.shape.metric, &measured.row);
                *probe = Probe { step: measured.step, base, add: base + bias, scale };
            }
            (codes, probes)
        });
        let mut all = Self { codes: Vec::new(), each: Vec::new(), width };
        for (codes, probes) in chunks {
            all.codes.extend(codes);
            all.each.extend(probes);
        }
        all
    }

    pub(crate) fn of(&self, row: usize) -> Probe {
        self.each[row]
    }

    /// The codes of some rows.
    pub(crate) fn codes(&self, rows: Range<usize>) -> &[i8] {
        &self.codes[rows.start * 4 * self.width..rows.end * 4 * self.width]
    }
}

/// The best so far of some rows.
pub(crate) struct Lists<'l> {
    keys: &'l mut [u64],
    lengths: &'l mut [u32],
    /// Only greater scores are kept.
    pub(crate) limits: &'l mut [f32],
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

    /// The same, for as long as this is borrowed.
    pub(crate) fn all(&mut self) -> Lists<'_> {
        Lists { keys: self.keys, lengths: self.lengths, limits: self.limits, keep: self.keep, room: self.room }
    }

    /// Offers a row to another, which is given by its place in the lists.
    #[inline]
    pub(crate) fn push(&mut self, place: usize, score: f32, row: u32) {
        if score <= self.limits[place] {
            return;
        }
        let keys = &mut self.keys[place * self.room..(place + 1) * self.room];
        keys[self.lengths[place] as usize] = key(-score, row);
        self.lengths[place] += 1;
        if self.lengths[place] as usize == self.room {
            let (_, last, _) = keys.select_nth_unstable(self.keep - 1);
            self.limits[place] = -split_key(*last).0;
            self.lengths[place] = self.keep as u32;
        }
    }
}

/// The best that each row has met.
pub(crate) struct Candidates {
    keys: Vec<u64>,
    lengths: Vec<u32>,
    limits: Vec<f32>,
    keep: usize,
    room: usize,
}

impl Candidates {
    /// How many each row may keep so that all take no more memory than the vectors, or a gibibyte. None, where so many rows
    /// have so little: who needs some keeps them nevertheless.
    pub(crate) fn most(view: &View<'_>) -> usize {
        let Shape { rows, dimensions, .. } = view.shape;
        let vectors = rows.saturating_mul(dimensions).saturating_mul(size_of::<f32>());
        let room = vectors.max(1 << 30) / rows.max(1) / size_of::<u64>();
        (room / 3 * 2).min(room.saturating_sub(LEAST_SPARE))
    }

    /// Lists in which rows keep at least the best `keep`, for whole tiles of rows.
    pub(crate) fn new(rows: usize, keep: usize) -> Result<Self, PackedError> {
        let places = rows.next_multiple_of(TILE_ROWS);
        let room = keep + (keep / 2).max(LEAST_SPARE);
        let mut keys = Vec::new();
        let length = places.checked_mul(room).ok_or(PackedError::OutOfMemory)?;
        keys.try_reserve_exact(length).map_err(|_| PackedError::OutOfMemory)?;
        keys.resize(length, 0);
        let mut limits = vec![f32::NEG_INFINITY; places];
        limits[rows..].fill(f32::INFINITY);
        Ok(Self { keys, lengths: vec![0; places], limits, keep, room })
    }

    pub(crate) fn lists(&mut self) -> Lists<'_> {
        let Self { keys, lengths, limits, keep, room } = self;
        Lists { keys, lengths, limits, keep: *keep, room: *room }
    }

    /// The keys of the best rows of a row, by minus their scores, in no order, and the score that no other has exceeded.
    pub(crate) fn of(&self, row: u32) -> (&[u64], f32) {
        let row = row as usize;
        (&self.keys[row * self.room..][..self.lengths[row] as usize], self.limits[row])
    }
}

/// How many rows come before those that are kept are sorted out, at least.
const LEAST_SPARE: usize = 24;

/// Groups of rows, all pairs of which are to be compared.
pub(crate) trait Groups: Sync {
    /// The first row of a group.
    fn start(&self, group: usize) -> usize;

    /// Compares the rows of a group with those of another or, where this has no lists, with one another.
    fn compare(&self, a: usize, of_a: &mut Lists<'_>, b: usize, of_b: Option<&mut Lists<'_>>);
}

/// Compares all pairs of groups. `lists` are those of the groups' rows.
pub(crate) fn compare_all<J: Join>(groups: &impl Groups, these: Range<usize>, mut lists: Lists<'_>) {
    if these.len() <= 1 {
        if !these.is_empty() {
            groups.compare(these.start, &mut lists, these.start, None);
        }
        return;
    }
    let (a, b) = halves(&these);
    let (mut of_a, mut of_b) = lists.split_at(groups.start(b.start) - groups.start(a.start));
    {
        let (of_a, of_b) = (of_a.all(), of_b.all());
        fork::<J>(
            these.len(),
            || compare_all::<J>(groups, a.clone(), of_a),
            || compare_all::<J>(groups, b.clone(), of_b),
        );
    }
    compare_across::<J>(groups, a, of_a, b, of_b);
}

fn compare_across<J: Join>(
    groups: &impl Groups,
    a: Range<usize>,
    mut of_a: Lists<'_>,
    b: Range<usize>,
    mut of_b: Lists<'_>,
) {
    if a.is_empty() || b.is_empty() {
        return;
    }
    if a.len() == 1 && b.len() == 1 {
        groups.compare(a.start, &mut of_a, b.start, Some(&mut of_b));
        return;
    }
    let size = a.len().max(b.len());
    let ((low_a, high_a), (low_b, high_b)) = (halves(&a), halves(&b));
    let (mut of_low_a, mut of_high_a) = of_a.split_at(groups.start(high_a.start) - groups.start(a.start));
    let (mut of_low_b, mut of_high_b) = of_b.split_at(groups.start(high_b.start) - groups.start(b.start));
    for crossed in [false, true] {
        let (of_low_a, of_high_a) = (of_low_a.all(), of_high_a.all());
        let (low, high) = ((low_b.clone(), of_low_b.all()), (high_b.clone(), of_high_b.all()));
        let (first, second) = if crossed { (high, low) } else { (low, high) };
        fork::<J>(
            size,
            || compare_across::<J>(groups, low_a.clone(), of_low_a, first.0, first.1),
            || compare_across::<J>(groups, high_a.clone(), of_high_a, second.0, second.1),
        );
    }
}

fn halves(groups: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = groups.start + groups.len().div_ceil(2);
    (groups.start..middle, middle..groups.end)
}

/// Groups from which on halves are worth a thread.
const FORKED: usize = 2;

/// Both, at the same time where it is worth it.
fn fork<J: Join>(size: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if size >= FORKED {
        J::join(a, b);
    } else {
        a();
        b();
    }
}

/// Rows that meet a tile at once, at the most.
pub(crate) const TOGETHER: usize = 96;

/// Rows that meet those of tiles: of two that meet, each may be among the other's best.
pub(crate) struct Meeting {
    count: usize,
    steps: [f32; TOGETHER],
    /// What products and biases have to exceed.
    limits: [f32; TOGETHER],
    /// What a row's products less another's limit have to exceed so that it is one of the other's best.
    to_exceed: [f32; TOGETHER],
    sums: [[i32; TILE_ROWS]; TOGETHER],
    masks: [u16; TOGETHER],
}

impl Meeting {
    pub(crate) const fn new() -> Self {
        Self {
            count: 0,
            steps: [0.0; TOGETHER],
            limits: [0.0; TOGETHER],
            to_exceed: [0.0; TOGETHER],
            sums: [[0; TILE_ROWS]; TOGETHER],
            masks: [0; TOGETHER],
        }
    }

    pub(crate) const fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds a row that keeps what exceeds a limit.
    pub(crate) fn add(&mut self, probe: Probe, limit: f32) {
        let at = self.count;
        (self.steps[at], self.limits[at], self.to_exceed[at]) = (probe.step, limit - probe.base, -probe.add);
        self.count += 1;
    }

    /// Meets a tile: calls `heard` with the number of each row and of a row of the tile that may be among its best, and with its
    /// score but for the base; that returns what is to be exceeded from then on. `codes` are those of the rows.
    pub(crate) fn hear(
        &mut self,
        backend: Backend,
        codes: &[i8],
        (tile, biases): (&[[u8; TILE_BYTES]], &[f32; TILE_ROWS]),
        mut heard: impl FnMut(usize, usize, f32) -> f32,
    ) {
        let Self { count, steps, limits, sums, masks, .. } = self;
        let (steps, limits) = (&steps[..*count], &mut limits[..*count]);
        let (sums, masks) = (&mut sums[..*count], &mut masks[..*count]);
        backend.tile_u7(codes, tile, sums);
        backend.lanes_above(steps, limits, sums, biases, masks);
        each_bit(masks, |at, lane| limits[at] = heard(at, lane, steps[at] * sums[at][lane] as f32 + biases[lane]));
    }

    /// The other way round for the tile that was met last: calls `told` with the number of a row and of each row of the tile
    /// among whose best it may be, and with its score there. `limits` are those of the tile's rows.
    pub(crate) fn tell(
        &mut self,
        backend: Backend,
        limits: &[f32; TILE_ROWS],
        mut told: impl FnMut(usize, usize, f32),
    ) {
        let Self { count, steps, to_exceed, sums, masks, .. } = self;
        let (steps, to_exceed) = (&steps[..*count], &to_exceed[..*count]);
        let (sums, masks) = (&sums[..*count], &mut masks[..*count]);
        // The same with both sides changed: p + add > limit is p − limit > −add.
        backend.lanes_above(steps, to_exceed, sums, &limits.map(|limit| -limit), masks);
        each_bit(masks, |at, lane| told(at, lane, steps[at] * sums[at][lane] as f32 - to_exceed[at]));
    }
}

/// Calls `f` with the number of each mask and of each bit of it.
#[inline]
pub(crate) fn each_bit(masks: &[u16], mut f: impl FnMut(usize, usize)) {
    // Most are empty: eight at a time are passed over.
    let any = |masks: &[u16]| masks.iter().fold(0, |any, mask| any | mask) != 0;
    for (eight, masks) in masks.chunks(8).enumerate().filter(|(_, masks)| any(masks)) {
        for (at, mask) in (8 * eight..).zip(masks) {
            let mut mask = *mask;
            while mask != 0 {
                f(at, mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
        }
    }
}
