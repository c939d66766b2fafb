//! What a search would have to do to find certain rows.

use alloc::vec::Vec;

use super::search::{Scratch, at_least};
use super::view::View;
use crate::Backend;
use crate::simd::SCAN_ROWS;

impl Scratch {
    /// For each of some rows the rank of its leaf and, for each number of leaves on a grid, how many rows of these
    /// leaves have codes as good or better, itself among them; for the query that was set, which row `own` is.
    pub(crate) fn ranks(
        &mut self,
        view: &View<'_>,
        backend: Backend,
        rows: &[u32],
        own: u32,
        grid: &[u32],
    ) -> Vec<(u32, Vec<u32>)> {
        let leaves = self.begin_with_all_leaves(view, backend);
        let mut ranks: Vec<(u32, Vec<u32>)> = rows.iter().map(|_| (u32::MAX, Vec::new())).collect();
        let mut scores: Vec<i32> = rows.iter().map(|_| i32::MAX).collect();
        // The scores of the rows themselves first, and then of all others.
        for (rank, (product, leaf)) in (0..).zip(&leaves) {
            let own_rows = view.leaf_rows(*leaf);
            if rows.iter().any(|row| own_rows.contains(row)) {
                let base = self.scan_leaf(view, backend, *product, *leaf);
                for (at, row) in rows.iter().enumerate().filter(|(_, row)| own_rows.contains(row)) {
                    let place = (row - own_rows.start) as usize;
                    scores[at] = base.saturating_add(i32::from(self.sums[place / SCAN_ROWS][place % SCAN_ROWS]));
                    ranks[at].0 = rank;
                }
            }
        }
        let mut better = alloc::vec![0; rows.len()];
        let mut grid = grid.iter().peekable();
        for (scanned, (product, leaf)) in (1..).zip(&leaves) {
            let base = self.scan_leaf(view, backend, *product, *leaf);
            let leaf_rows = view.leaf_rows(*leaf);
            let count = leaf_rows.len();
            for (block, sums) in self.sums[..count.div_ceil(SCAN_ROWS)].iter().enumerate() {
                let left = count - block * SCAN_ROWS;
                let mut present = if left < SCAN_ROWS { (1 << left) - 1 } else { u32::MAX };
                let place = own.wrapping_sub(leaf_rows.start + (block * SCAN_ROWS) as u32);
                if place < SCAN_ROWS as u32 {
                    present &= !(1 << place);
                }
                for (better, score) in better.iter_mut().zip(&scores) {
                    let limit = score.saturating_sub(base).max(0);
                    if let Ok(limit) = u16::try_from(limit) {
                        *better += (at_least(sums, limit) & present).count_ones();
                    }
                }
            }
            while grid.next_if(|at| **at <= scanned).is_some() {
                for (rank, better) in ranks.iter_mut().zip(&better) {
                    rank.1.push(*better);
                }
            }
        }
        // Leaves without a score were not scanned.
        for _ in grid {
            for (rank, better) in ranks.iter_mut().zip(&better) {
                rank.1.push(*better);
            }
        }
        ranks
    }
}
