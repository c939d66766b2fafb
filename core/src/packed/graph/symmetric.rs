//! A schedule of all pairs of blocks of rows, each pair once, on several threads without locks.
//!
//! ```text
//! all(rows):        halve them; all(first half) beside all(second half); then across(first half, second half)
//! across(a, b):     halve both; across(a₀, b₀) beside across(a₁, b₁); then across(a₀, b₁) beside across(a₁, b₀)
//! ```
//!
//! What runs side by side has no row in common, so each row's list of candidates has one writer at a time; and the order in which
//! a row meets the others does not depend on the threads.

use core::ops::Range;

use super::candidates::Lists;
use crate::parallel::Join;

/// Blocks of rows, all pairs of which are to be compared.
pub(super) trait PairBlocks: Sync {
    /// The first row of a block.
    fn start(&self, block: usize) -> usize;

    /// Compares the rows of a block with those of another or, where this has no lists, with one another.
    fn compare(&self, a: usize, of_a: &mut Lists<'_>, b: usize, of_b: Option<&mut Lists<'_>>);
}

/// Compares all pairs of some blocks. `lists` are those of the blocks' rows.
pub(super) fn compare_all<J: Join>(blocks: &impl PairBlocks, these: Range<usize>, mut lists: Lists<'_>) {
    if these.len() <= 1 {
        if !these.is_empty() {
            blocks.compare(these.start, &mut lists, these.start, None);
        }
        return;
    }
    let (a, b) = halves(&these);
    let (mut of_a, mut of_b) = lists.split_at(blocks.start(b.start) - blocks.start(a.start));
    {
        let (of_a, of_b) = (of_a.all(), of_b.all());
        fork::<J>(
            these.len(),
            || compare_all::<J>(blocks, a.clone(), of_a),
            || compare_all::<J>(blocks, b.clone(), of_b),
        );
    }
    compare_across::<J>(blocks, a, of_a, b, of_b);
}

fn compare_across<J: Join>(
    blocks: &impl PairBlocks,
    a: Range<usize>,
    mut of_a: Lists<'_>,
    b: Range<usize>,
    mut of_b: Lists<'_>,
) {
    if a.is_empty() || b.is_empty() {
        return;
    }
    if a.len() == 1 && b.len() == 1 {
        blocks.compare(a.start, &mut of_a, b.start, Some(&mut of_b));
        return;
    }
    let size = a.len().max(b.len());
    let ((low_a, high_a), (low_b, high_b)) = (halves(&a), halves(&b));
    let (mut of_low_a, mut of_high_a) = of_a.split_at(blocks.start(high_a.start) - blocks.start(a.start));
    let (mut of_low_b, mut of_high_b) = of_b.split_at(blocks.start(high_b.start) - blocks.start(b.start));
    for crossed in [false, true] {
        let (of_low_a, of_high_a) = (of_low_a.all(), of_high_a.all());
        let (low, high) = ((low_b.clone(), of_low_b.all()), (high_b.clone(), of_high_b.all()));
        let (first, second) = if crossed { (high, low) } else { (low, high) };
        fork::<J>(
            size,
            || compare_across::<J>(blocks, low_a.clone(), of_low_a, first.0, first.1),
            || compare_across::<J>(blocks, high_a.clone(), of_high_a, second.0, second.1),
        );
    }
}

fn halves(blocks: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = blocks.start + blocks.len().div_ceil(2);
    (blocks.start..middle, middle..blocks.end)
}

/// Blocks from which on halves are worth a thread.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::Serial;
    use crate::packed::graph::candidates::Candidates;

    struct Counted(Mutex<BTreeMap<(usize, usize), usize>>);

    impl PairBlocks for Counted {
        fn start(&self, block: usize) -> usize {
            16 * block
        }

        fn compare(&self, a: usize, of_a: &mut Lists<'_>, b: usize, of_b: Option<&mut Lists<'_>>) {
            assert_eq!(of_a.limits.len(), 16);
            assert_eq!(of_b.is_none(), a == b);
            assert!(of_b.is_none_or(|lists| lists.limits.len() == 16));
            *self.0.lock().unwrap().entry((a.min(b), a.max(b))).or_default() += 1;
        }
    }

    #[test]
    fn every_pair_of_blocks_meets_once() {
        for count in [0, 1, 2, 3, 7, 8, 13] {
            let blocks = Counted(Mutex::default());
            let mut candidates = Candidates::new(16 * count, 1).unwrap();
            compare_all::<Serial>(&blocks, 0..count, candidates.lists());
            let met = blocks.0.into_inner().unwrap();
            assert_eq!(met.len(), count * (count + 1) / 2);
            assert!(met.values().all(|times| *times == 1));
        }
    }
}
