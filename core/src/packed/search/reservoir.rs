//! The best rows of a scan.

use alloc::vec::Vec;

/// The best rows so far.
///
/// No heap and no selection: how many rows there are of each score is counted, in steps of some size, and when those above
/// a step are as many as are wanted, that step and those below are given up. So the limit follows every row that comes, and
/// a row costs a few instructions.
#[derive(Debug, Default)]
pub(super) struct Reservoir {
    /// The distance of a score from the greatest number there is, and the row: the best have the smallest keys.
    pub(super) keys: Vec<u64>,
    n: usize,
    /// Rows of each step of scores.
    counts: Vec<u32>,
    /// The score at which the first step begins, and the binary logarithm of a step.
    first: i32,
    shift: u32,
    /// The step that is given up next, and how many rows there are in it and above.
    step: usize,
    above: usize,
    /// Only scores from here on are worth keeping.
    pub(super) limit: i32,
}

/// Steps of scores that are told apart.
const STEPS: usize = 512;

impl Reservoir {
    /// Empties it, to keep at least `n`. Scores are told apart from `first` on, over a range of at least `range`.
    pub(super) fn reset(&mut self, n: usize, first: i32, range: i32) {
        self.keys.clear();
        self.counts.clear();
        self.counts.resize(STEPS, 0);
        self.n = n.max(1);
        (self.first, self.shift) = (first, (range / STEPS as i32 + 1).unsigned_abs().next_power_of_two().ilog2());
        (self.step, self.above) = (0, 0);
        self.limit = i32::MIN;
    }

    #[inline]
    pub(super) fn push(&mut self, score: i32, row: u32) {
        if score < self.limit {
            return;
        }
        if self.keys.len() == self.keys.capacity() {
            self.drop_what_is_below();
        }
        self.keys.push(u64::from(i32::MAX.abs_diff(score)) << 32 | u64::from(row));
        let step = (score.saturating_sub(self.first).max(0) >> self.shift) as usize;
        self.counts[step.min(STEPS - 1)] += 1;
        self.above += 1;
        while self.above - self.counts[self.step] as usize >= self.n {
            self.above -= self.counts[self.step] as usize;
            self.step += 1;
            self.limit = self.limit.max(self.first.saturating_add((self.step as i32) << self.shift));
        }
    }

    #[cold]
    fn drop_what_is_below(&mut self) {
        let most = i32::MAX.abs_diff(self.limit);
        self.keys.retain(|key| (key >> 32) as u32 <= most);
        // Most of them in one step, below the first or above the last.
        if self.keys.len() > self.n && 2 * self.keys.len() > self.keys.capacity() {
            let (_, last, _) = self.keys.select_nth_unstable(self.n - 1);
            self.limit = self.limit.max((i64::from(i32::MAX) - (*last >> 32) as i64) as i32);
            self.keys.truncate(self.n);
        }
    }

    /// Leaves the best `n`.
    pub(super) fn cut(&mut self) {
        self.drop_what_is_below();
        if self.keys.len() > self.n {
            self.keys.select_nth_unstable(self.n - 1);
            self.keys.truncate(self.n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the range that was foretold, the best are those of a sort.
    #[test]
    fn the_best_rows_are_those_of_a_sort() {
        for (first, range) in [(0, 1 << 16), (0, 1), (-5000, 100), (1 << 20, 1 << 20), (i32::MIN, 0)] {
            for n in [1, 10, 333, 5000] {
                let mut reservoir = Reservoir::default();
                reservoir.keys.reserve(2000);
                reservoir.reset(n, first, range);
                let scores = (0..3000_u32).map(|row| (row.wrapping_mul(2_654_435_761) % 70_001) as i32 - 7000);
                let mut all: Vec<(i32, u32)> = scores.zip(0..).collect();
                for (score, row) in &all {
                    reservoir.push(*score, *row);
                }
                reservoir.cut();
                let mut found: Vec<i32> = reservoir.keys.iter().map(|key| all[*key as u32 as usize].0).collect();
                found.sort_unstable();
                all.sort_unstable();
                let expected: Vec<i32> = all.iter().rev().take(n).rev().map(|(score, _)| *score).collect();
                assert_eq!(found, expected, "{first} {range} {n}");
            }
        }
    }
}
