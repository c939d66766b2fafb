//! What an oracle would have to do for each neighbour: the least effort that finds it.

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::file::view::View;
use crate::packed::search::Scratch;
use crate::simd::SCAN_ROWS;

/// The least effort that finds a neighbour: its leaf is the `leaf_rank`-th best, and for each number of leaves on the counts so
/// many candidates have to be kept.
#[derive(Clone)]
pub(super) struct NeighbourCost {
    pub(super) leaf_rank: u32,
    pub(super) candidates: Vec<u32>,
}

impl Scratch {
    /// The costs of some rows, for the query that was set, which row `own` is. How many candidates a row needs is how many rows
    /// of the leaves have 4-bit codes as good or better, itself among them.
    pub(super) fn costs_of(&mut self, view: &View<'_>, rows: &[u32], own: u32, counts: &[u32]) -> Vec<NeighbourCost> {
        let leaves = self.probe_all_leaves(view);
        let (mut costs, scores) = self.ranks_and_scores(view, rows, &leaves);
        let mut better = vec![0; rows.len()];
        let mut counts = counts.iter().peekable();
        for (scanned, (product, leaf)) in (1..).zip(&leaves) {
            let base = self.scan_leaf(view, *product, *leaf);
            for (better, score) in better.iter_mut().zip(&scores) {
                *better += self.count_reaching(view, *leaf, score.saturating_sub(base), own);
            }
            while counts.next_if(|at| **at <= scanned).is_some() {
                costs.iter_mut().zip(&better).for_each(|(cost, better)| cost.candidates.push(*better));
            }
        }
        // Leaves without a score were not scanned.
        for _ in counts {
            costs.iter_mut().zip(&better).for_each(|(cost, better)| cost.candidates.push(*better));
        }
        costs
    }

    /// The rank of the leaf of each row, and its score.
    fn ranks_and_scores(
        &mut self,
        view: &View<'_>,
        rows: &[u32],
        leaves: &[(f32, u32)],
    ) -> (Vec<NeighbourCost>, Vec<i32>) {
        let mut costs = vec![NeighbourCost { leaf_rank: u32::MAX, candidates: Vec::new() }; rows.len()];
        let mut scores = vec![i32::MAX; rows.len()];
        for (rank, (product, leaf)) in (0..).zip(leaves) {
            let of_leaf = view.leaf_rows(*leaf);
            if rows.iter().any(|row| of_leaf.contains(row)) {
                let base = self.scan_leaf(view, *product, *leaf);
                for (at, row) in rows.iter().enumerate().filter(|(_, row)| of_leaf.contains(row)) {
                    let sum = self.sum_of((row - of_leaf.start) as usize);
                    scores[at] = base.saturating_add(i32::from(sum));
                    costs[at].leaf_rank = rank;
                }
            }
        }
        (costs, scores)
    }

    /// How many rows of the leaf that was scanned last, without `own`, have sums that reach a limit.
    fn count_reaching(&mut self, view: &View<'_>, leaf: u32, limit: i32, own: u32) -> u32 {
        let rows = view.leaf_rows(leaf);
        let Ok(limit) = u16::try_from(limit.max(0)) else { return 0 };
        let masks = self.rows_reaching(view, limit, rows.len());
        let mut count = 0;
        for (first, mask) in rows.clone().step_by(SCAN_ROWS).zip(masks) {
            let left = rows.end - first;
            let mut present = if left < SCAN_ROWS as u32 { (1 << left) - 1 } else { u32::MAX };
            if let Some(own) = own.checked_sub(first).filter(|place| *place < SCAN_ROWS as u32) {
                present &= !(1 << own);
            }
            count += (mask & present).count_ones();
        }
        count
    }
}
