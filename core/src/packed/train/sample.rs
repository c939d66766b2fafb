//! A few of many rows.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

/// Rows that are spread evenly, each drawn from a stretch of its own: rows in any order, and rows whose order repeats, are
/// sampled fairly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    rows: u64,
    count: u64,
}

impl Sample {
    /// No row.
    pub(crate) const NONE: Self = Self { rows: 0, count: 0 };

    /// So many of so many rows, or all.
    pub(crate) fn new(rows: usize, count: usize) -> Self {
        Self { rows: rows as u64, count: count.min(rows) as u64 }
    }

    pub(crate) const fn len(self) -> usize {
        self.count as usize
    }

    /// The row of a number below the length.
    pub(crate) fn id(self, at: usize) -> u32 {
        let at = at as u64;
        let [start, end] = [at, at + 1].map(|at| at * self.rows / self.count.max(1));
        (start + SplitMix64::seed_from_u64(at).next_u64() % (end - start).max(1)) as u32
    }

    pub(crate) fn contains(self, id: u32) -> bool {
        // The stretch in which it lies.
        let at = ((u64::from(id) + 1) * self.count).saturating_sub(1) / self.rows.max(1);
        at < self.count && self.id(at as usize) == id
    }
}

/// Rows that are searched for to calibrate an index, at the most.
const CALIBRATION_QUERIES: usize = 2000;

/// The rows that are searched for to calibrate an index of so many: a tenth at the most. They have no part in the means: a row is
/// nearer to a mean that it is a part of, and its neighbours would seem easier to find than those of a query.
pub(crate) fn calibration_sample(rows: usize) -> Sample {
    Sample::new(rows, CALIBRATION_QUERIES.min(rows.div_ceil(10)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_sample_knows_its_rows() {
        for rows in [0, 1, 2, 9, 10, 11, 999, 10_000, 12_345] {
            for count in [0, 1, rows / 10, rows / 3, rows] {
                let sample = Sample::new(rows, count);
                let ids: BTreeSet<u32> = (0..sample.len()).map(|at| sample.id(at)).collect();
                assert_eq!(ids.len(), count.min(rows));
                assert!((0..rows as u32).all(|id| sample.contains(id) == ids.contains(&id)), "{count} of {rows}");
            }
        }
        assert!(!Sample::NONE.contains(0));
    }
}
