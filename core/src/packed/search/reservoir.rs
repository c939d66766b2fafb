//! The best rows of a scan.

use alloc::vec::Vec;

/// The best rows so far.
///
/// No heap and no selection: how many rows there are of each score is counted, in steps of some size, and when those above
/// a step are as many as are wanted, that step and those below are given up. So the limit follows every row that comes, and
/// a row costs a few instructions.
#[derive(Debug, Default)]
pub(crate) struct Reservoir {
    /// What a score lacks of the greatest there is, and the row.
    pub(crate) keys: Vec<u64>,
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
    pub(crate) limit: i32,
}

/// Steps of scores that are told apart.
const STEPS: usize = 512;

impl Reservoir {
    /// Empties it, to keep at least `n`. Scores are told apart from `first` on, over a range of at least `range`.
    pub(crate) fn reset(&mut self, n: usize, first: i32, range: i32) {
        self.keys.clear();
        self.counts.clear();
        self.counts.resize(STEPS, 0);
        self.n = n.max(1);
        (self.first, self.shift) = (first, (range / STEPS as i32 + 1).unsigned_abs().next_power_of_two().ilog2());
        (self.step, self.above) = (0, 0);
        self.limit = i32::MIN;
    }

    #[inline]
    pub(crate) fn push(&mut self, score: i32, row: u32) {
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
    pub(crate) fn cut(&mut self) {
        self.drop_what_is_below();
        if self.keys.len() > self.n {
            self.keys.select_nth_unstable(self.n - 1);
            self.keys.truncate(self.n);
        }
    }
}
