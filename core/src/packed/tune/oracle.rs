//! What a search would have to do to find certain rows.

use alloc::vec::Vec;

use crate::Backend;
use crate::packed::file::view::View;
use crate::packed::search::Scratch;
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
            let (sums, masks) = (&self.sums[..count.div_ceil(SCAN_ROWS)], &mut self.masks);
            for (better, score) in better.iter_mut().zip(&scores) {
                let Ok(limit) = u16::try_from(score.saturating_sub(base).max(0)) else { continue };
                backend.rows_reaching(limit, sums, masks);
                for (first, mask) in leaf_rows.clone().step_by(SCAN_ROWS).zip(&*masks) {
                    let left = leaf_rows.end - first;
                    let mut present = if left < SCAN_ROWS as u32 { (1 << left) - 1 } else { u32::MAX };
                    if let Some(own) = own.checked_sub(first).filter(|place| *place < SCAN_ROWS as u32) {
                        present &= !(1 << own);
                    }
                    *better += (mask & present).count_ones();
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
