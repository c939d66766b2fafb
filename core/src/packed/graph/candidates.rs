//! The best rows that each row has met so far.

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::error::OutOfMemory;
use crate::packed::file::sections::Shape;
use crate::packed::file::view::View;
use crate::simd::TILE_ROWS;
use crate::top_k::{key, split_key};

/// The best that each row has met.
pub(super) struct Candidates {
    keys: Vec<u64>,
    lengths: Vec<u32>,
    limits: Vec<f32>,
    keep: usize,
    capacity: usize,
}

/// How many rows come before those that are kept are sorted out, at least.
const LEAST_SPARE: usize = 24;

impl Candidates {
    /// How many each row may keep so that all take no more memory than the vectors, or a gibibyte: 0 where so many rows have so
    /// little. A caller that needs more keeps more.
    pub(super) fn most(view: &View<'_>) -> usize {
        let Shape { rows, dimensions, .. } = view.shape;
        let vectors = rows.saturating_mul(dimensions).saturating_mul(size_of::<f32>());
        let capacity = vectors.max(1 << 30) / rows.max(1) / size_of::<u64>();
        (capacity / 3 * 2).min(capacity.saturating_sub(LEAST_SPARE))
    }

    /// Lists in which rows keep at least the best `keep`, for whole tiles of rows.
    pub(super) fn new(rows: usize, keep: usize) -> Result<Self, OutOfMemory> {
        let places = rows.next_multiple_of(TILE_ROWS);
        let capacity = keep + (keep / 2).max(LEAST_SPARE);
        let mut keys = Vec::new();
        let length = places.checked_mul(capacity).ok_or(OutOfMemory)?;
        keys.try_reserve_exact(length).map_err(|_| OutOfMemory)?;
        keys.resize(length, 0);
        let mut limits = vec![f32::NEG_INFINITY; places];
        limits[rows..].fill(f32::INFINITY);
        Ok(Self { keys, lengths: vec![0; places], limits, keep, capacity })
    }

    pub(super) fn lists(&mut self) -> Lists<'_> {
        let Self { keys, lengths, limits, keep, capacity } = self;
        Lists { keys, lengths, limits, keep: *keep, capacity: *capacity }
    }

    /// The keys of the best rows of a row, by minus their scores, in no order, and the score that no other has exceeded.
    pub(super) fn of(&self, row: u32) -> (&[u64], f32) {
        let row = row as usize;
        (&self.keys[row * self.capacity..][..self.lengths[row] as usize], self.limits[row])
    }

    /// The best candidates of a row, best first.
    pub(super) fn best(&self, row: u32, width: usize) -> Vec<u32> {
        let mut keys = self.of(row).0.to_vec();
        keys.sort_unstable();
        keys.into_iter().take(width).map(|key| key as u32).collect()
    }
}

/// The lists of some rows, to be written.
pub(super) struct Lists<'l> {
    keys: &'l mut [u64],
    lengths: &'l mut [u32],
    /// Only greater scores are kept.
    pub(super) limits: &'l mut [f32],
    keep: usize,
    capacity: usize,
}

impl Lists<'_> {
    /// The lists of the rows before a place, and of the others.
    pub(super) fn split_at(&mut self, row: usize) -> (Lists<'_>, Lists<'_>) {
        let keys = self.keys.split_at_mut(row * self.capacity);
        let (lengths, limits) = (self.lengths.split_at_mut(row), self.limits.split_at_mut(row));
        let half = |keys, lengths, limits| Lists { keys, lengths, limits, keep: self.keep, capacity: self.capacity };
        (half(keys.0, lengths.0, limits.0), half(keys.1, lengths.1, limits.1))
    }

    /// The same, for as long as this is borrowed.
    pub(super) fn all(&mut self) -> Lists<'_> {
        let Self { keys, lengths, limits, keep, capacity } = self;
        Lists { keys, lengths, limits, keep: *keep, capacity: *capacity }
    }

    /// Offers a row to another, which is given by its place in the lists.
    #[inline]
    pub(super) fn push(&mut self, place: usize, score: f32, row: u32) {
        if score <= self.limits[place] {
            return;
        }
        let keys = &mut self.keys[place * self.capacity..(place + 1) * self.capacity];
        keys[self.lengths[place] as usize] = key(-score, row);
        self.lengths[place] += 1;
        if self.lengths[place] as usize == self.capacity {
            let (_, last, _) = keys.select_nth_unstable(self.keep - 1);
            self.limits[place] = -split_key(*last).0;
            self.lengths[place] = self.keep as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_keeps_its_best() {
        let (rows, keep) = (5, 7);
        let mut candidates = Candidates::new(rows, keep).unwrap();
        let score = |row: u32, other: u32| (row * 7919 + other.wrapping_mul(2_654_435_761)) as i32 as f32;
        let mut lists = candidates.lists();
        let (mut first, mut second) = lists.split_at(2);
        for other in 0..500 {
            for row in 0..2 {
                first.push(row, score(row as u32, other), other);
            }
            for row in 2..rows {
                second.push(row - 2, score(row as u32, other), other);
            }
        }
        for row in 0..rows as u32 {
            let mut all: Vec<u32> = (0..500).collect();
            all.sort_by(|a, b| score(row, *b).total_cmp(&score(row, *a)));
            assert_eq!(candidates.best(row, keep), all[..keep]);
        }
    }
}
