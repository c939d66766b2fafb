//! The best rows of a scan.

use alloc::vec::Vec;

/// The best rows so far: the best `n`, and those that lie less than a margin behind.
///
/// No heap and no selection: how many rows there are of each score is counted, in steps of some size, and when those above
/// a step are as many as are wanted, that step and those below are given up. So the limit follows every row that comes, and
/// a row costs a few instructions.
#[derive(Debug, Default)]
pub(crate) struct Reservoir {
    /// The distance of a score from the greatest number there is, and the row: the best have the smallest keys.
    pub(crate) keys: Vec<u64>,
    n: usize,
    /// How far behind the n-th best score a score is still worth keeping. None where no more than `n` are wanted.
    margin: Option<i32>,
    /// Rows of each step of scores.
    counts: Vec<u32>,
    /// The score at which the first step begins, and the binary logarithm of a step.
    first: i32,
    shift: u32,
    /// The step that is given up next, and how many rows there are in it and above.
    step: usize,
    above: usize,
    /// A score that at least `n` rows reach, and nearly the greatest such; the least number while there are fewer.
    pub(crate) nth: i32,
    /// Only scores from here on are worth keeping.
    pub(crate) limit: i32,
    /// More rows were within the margin than there is room for.
    pub(crate) is_crowded: bool,
}

/// Steps of scores that are told apart.
const STEPS: usize = 1024;

impl Reservoir {
    /// Empties it, to keep at least `n`. Scores are told apart from `first` on, over a range of at least `range`.
    pub(crate) fn reset(&mut self, n: usize, first: i32, range: i32) {
        self.keys.clear();
        self.n = n.max(1);
        self.margin = None;
        (self.nth, self.limit) = (i32::MIN, i32::MIN);
        self.is_crowded = false;
        self.set_steps(first, range);
    }

    fn set_steps(&mut self, first: i32, range: i32) {
        self.counts.clear();
        self.counts.resize(STEPS, 0);
        (self.first, self.shift) = (first, (range / STEPS as i32 + 1).unsigned_abs().next_power_of_two().ilog2());
        (self.step, self.above) = (0, 0);
    }

    /// Keeps rows that lie less than this behind the n-th best, from now on.
    pub(crate) fn set_margin(&mut self, margin: i32) {
        self.margin = Some(margin.max(0));
        self.raise_limit();
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
        self.count(score);
        while self.above - self.counts[self.step] as usize >= self.n {
            self.above -= self.counts[self.step] as usize;
            self.step += 1;
            self.nth = self.nth.max(self.first.saturating_add((self.step as i32) << self.shift));
            self.raise_limit();
        }
    }

    #[inline]
    fn raise_limit(&mut self) {
        self.limit = self.limit.max(self.nth.saturating_sub(self.margin.unwrap_or(0)));
    }

    #[inline]
    fn count(&mut self, score: i32) {
        let step = self.step_of(score);
        self.counts[step] += 1;
        self.above += usize::from(step >= self.step);
    }

    #[inline]
    fn step_of(&self, score: i32) -> usize {
        ((score.saturating_sub(self.first).max(0) >> self.shift) as usize).min(STEPS - 1)
    }

    /// Where `n` rows were pushed and all lie below the first step, tells scores apart anew from the n-th best on.
    pub(crate) fn settle(&mut self) {
        if self.nth != i32::MIN || self.keys.len() < self.n {
            return;
        }
        let score = |key: &u64| (i64::from(i32::MAX) - (*key >> 32) as i64) as i32;
        let (better, nth, _) = self.keys.select_nth_unstable(self.n - 1);
        let (nth, best) = (score(nth), better.iter().map(score).max());
        let range = best.map_or(0, |best| best.saturating_sub(nth)).saturating_mul(2);
        self.set_steps(nth, range);
        for at in 0..self.keys.len() {
            let score = score(&self.keys[at]);
            self.count(score);
        }
        self.nth = nth;
        self.raise_limit();
    }

    /// About how many rows were pushed that reach a score.
    pub(crate) fn reaching(&self, score: i32) -> u32 {
        self.counts[self.step_of(score)..].iter().sum()
    }

    #[cold]
    fn drop_what_is_below(&mut self) {
        let most = i32::MAX.abs_diff(self.limit);
        self.keys.retain(|key| (key >> 32) as u32 <= most);
        // Most of them in one step, below the first or above the last, or within the margin.
        if self.keys.len() > self.n && 2 * self.keys.len() > self.keys.capacity() {
            self.is_crowded |= self.margin.is_some();
            let kept = if self.margin.is_some() { self.n.max(self.keys.capacity() / 4) } else { self.n };
            let (_, last, _) = self.keys.select_nth_unstable(kept - 1);
            self.limit = self.limit.max((i64::from(i32::MAX) - (*last >> 32) as i64) as i32);
            self.keys.truncate(kept);
        }
    }

    /// Leaves the best `n`, and those that lie less than the margin behind.
    pub(crate) fn cut(&mut self) {
        self.drop_what_is_below();
        if self.margin.is_none() && self.keys.len() > self.n {
            self.keys.select_nth_unstable(self.n - 1);
            self.keys.truncate(self.n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores() -> Vec<(i32, u32)> {
        (0..3000_u32).map(|row| ((row.wrapping_mul(2_654_435_761) % 70_001) as i32 - 7000, row)).collect()
    }

    fn kept(reservoir: &Reservoir) -> Vec<u32> {
        let mut rows: Vec<u32> = reservoir.keys.iter().map(|key| *key as u32).collect();
        rows.sort_unstable();
        rows
    }

    /// Whatever the range that was foretold, the best are those of a sort.
    #[test]
    fn the_best_rows_are_those_of_a_sort() {
        for (first, range) in [(0, 1 << 16), (0, 1), (-5000, 100), (1 << 20, 1 << 20), (i32::MIN, 0)] {
            for n in [1, 10, 333, 5000] {
                let mut reservoir = Reservoir::default();
                reservoir.keys.reserve(2000);
                reservoir.reset(n, first, range);
                let mut all = scores();
                for (score, row) in &all {
                    reservoir.push(*score, *row);
                }
                reservoir.cut();
                let mut found: Vec<i32> = reservoir.keys.iter().map(|key| scores()[*key as u32 as usize].0).collect();
                found.sort_unstable();
                all.sort_unstable();
                let expected: Vec<i32> = all.iter().rev().take(n).rev().map(|(score, _)| *score).collect();
                assert_eq!(found, expected, "{first} {range} {n}");
            }
        }
    }

    /// All rows within the margin of the n-th best are kept, and the n-th best is known to a step.
    #[test]
    fn rows_within_the_margin_are_kept() {
        for (first, range) in [(0, 1 << 16), (60_000, 1 << 12), (1 << 20, 1 << 20)] {
            for (n, margin) in [(1, 500), (10, 2000), (333, 100)] {
                let mut reservoir = Reservoir::default();
                reservoir.keys.reserve(3000);
                reservoir.reset(n, first, range);
                reservoir.set_margin(margin);
                for (at, (score, row)) in scores().into_iter().enumerate() {
                    reservoir.push(score, row);
                    if at % 100 == 99 {
                        reservoir.settle();
                    }
                }
                reservoir.cut();
                let mut sorted = scores();
                sorted.sort_unstable_by(|a, b| b.cmp(a));
                let nth = sorted[n - 1].0;
                let expected = sorted.iter().filter(|(score, _)| *score >= nth - margin);
                let found = kept(&reservoir);
                assert!(expected.clone().all(|(_, row)| found.binary_search(row).is_ok()), "{first} {n}");
                assert!(reservoir.nth <= nth && reservoir.nth > nth - 300, "{first} {n}: {} {nth}", reservoir.nth);
                assert!(!reservoir.is_crowded);
            }
        }
    }

    /// Where rows within the margin are more than there is room for, the best are kept, and it says so.
    #[test]
    fn a_crowd_is_told() {
        let mut reservoir = Reservoir::default();
        reservoir.keys.reserve(100);
        reservoir.reset(10, 0, 1 << 16);
        reservoir.set_margin(1 << 20);
        for (score, row) in scores() {
            reservoir.push(score, row);
        }
        reservoir.cut();
        assert!(reservoir.is_crowded && reservoir.keys.len() >= 10 && reservoir.keys.capacity() < 3000);
    }
}
