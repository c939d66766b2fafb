//! The best neighbours so far of every item.

use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use super::vec_of;
use crate::Neighbour;
use crate::top_k::{key, split_key};

/// A row for each item, sorted by distance, then id; unused places are at the end.
///
/// Threads write to different rows of it at the same time. Atomics make that safe code; they order nothing, and compile to
/// plain loads and stores.
#[derive(Debug)]
pub(super) struct Table {
    /// The upper half of a key: the distance.
    distances: Vec<AtomicU32>,
    /// The lower half: the id.
    ids: Vec<AtomicU32>,
    width: usize,
}

/// Sorts behind every neighbour.
const UNUSED: u64 = u64::MAX;

impl Table {
    /// None where there is no memory for it.
    pub(super) fn new(items: u32, width: usize) -> Option<Self> {
        // No item has more neighbours than there are others.
        let width = width.min((items as usize).saturating_sub(1));
        let places = (items as usize).checked_mul(width)?;
        let unused = || AtomicU32::new(u32::MAX);
        Some(Self { distances: vec_of(places, unused)?, ids: vec_of(places, unused)?, width })
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn key(&self, place: usize) -> u64 {
        u64::from(self.distances[place].load(Relaxed)) << 32 | u64::from(self.ids[place].load(Relaxed))
    }

    fn set(&self, place: usize, key: u64) {
        self.distances[place].store((key >> 32) as u32, Relaxed);
        self.ids[place].store(key as u32, Relaxed);
    }

    /// The ids in a row.
    pub(super) fn ids(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.row(row).map(|neighbour| neighbour.id)
    }

    /// The neighbours in a row, with the distances that order.
    pub(super) fn row(&self, row: u32) -> impl Iterator<Item = Neighbour> + '_ {
        let start = (row as usize).saturating_mul(self.width).min(self.ids.len());
        let places = start..(start + self.width).min(self.ids.len());
        places.map(|place| self.key(place)).take_while(|key| *key != UNUSED).map(|key| {
            let (distance, id) = split_key(key);
            Neighbour { id, distance }
        })
    }

    /// Beyond this distance nothing is taken into the row any more.
    #[inline]
    pub(super) fn farthest(&self, row: u32) -> f32 {
        let Some(last) = (row as usize * self.width + self.width).checked_sub(1) else { return f32::NEG_INFINITY };
        match self.distances[last].load(Relaxed) {
            u32::MAX => f32::INFINITY,
            distance => split_key(u64::from(distance) << 32).0,
        }
    }

    /// Puts a neighbour into its place, unless it is there already or the row is full of nearer ones.
    pub(super) fn push(&self, row: u32, distance: f32, id: u32) {
        let key = key(distance, id);
        let start = row as usize * self.width;
        let mut place = start + self.width;
        while place > start {
            let before = self.key(place - 1);
            if before <= key {
                if before == key {
                    return;
                }
                break;
            }
            place -= 1;
        }
        if place == start + self.width {
            return;
        }
        for to in (place + 1..start + self.width).rev() {
            self.set(to, self.key(to - 1));
        }
        self.set(place, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &Table, row: u32) -> Vec<(f32, u32)> {
        table.row(row).map(|x| (x.distance, x.id)).collect()
    }

    #[test]
    fn a_row_keeps_the_nearest_once_each() {
        let table = Table::new(10, 3).unwrap();
        assert_eq!(table.farthest(1), f32::INFINITY);
        for (distance, id) in [(5.0, 1), (2.0, 9), (5.0, 1), (5.0, 0), (2.0, 9)] {
            table.push(1, distance, id);
        }
        assert_eq!(row(&table, 1), [(2.0, 9), (5.0, 0), (5.0, 1)]);
        assert_eq!(table.farthest(1), 5.0);
        table.push(1, -1.0, 4);
        table.push(1, 9.0, 5);
        assert_eq!(row(&table, 1), [(-1.0, 4), (2.0, 9), (5.0, 0)]);
        assert_eq!(row(&table, 0), []);
        assert_eq!(row(&table, u32::MAX), []);
    }

    #[test]
    fn none_are_kept_where_none_are_wanted() {
        let table = Table::new(10, 0).unwrap();
        table.push(3, 1.0, 4);
        assert_eq!((row(&table, 3), table.farthest(3)), (Vec::new(), f32::NEG_INFINITY));
        assert_eq!(Table::new(5, usize::MAX).unwrap().width(), 4);
        assert!(Table::new(u32::MAX, usize::MAX).is_none());
    }
}
