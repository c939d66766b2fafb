//! Scanning the 4-bit codes of leaves, 32 rows at once.

use super::Scratch;
use crate::filter::Filter;
use crate::packed::file::view::View;
use crate::simd::{SCAN_ROWS, prefetch_lines};

impl Scratch {
    /// Computes the look-up table with which some leaves are scanned.
    pub(crate) fn set_lut(&mut self, view: &View<'_>, leaves: &[(f32, u32)]) {
        let greatest = leaves.iter().fold(0.0_f32, |most, (product, _)| most.max(product.abs()));
        let biases = leaves.iter().filter_map(|(_, leaf)| view.leaf_biases.get(*leaf as usize));
        let (low, wide) = biases.fold((0.0_f32, 0.0_f32), |(low, wide), [least, step]| {
            (low.max(least.abs()), wide.max(step * f32::from(u16::MAX)))
        });
        self.lut.set(&self.query, view.codebooks, greatest + low + wide, wide);
    }

    /// All leaves for the query that was set, best first, with a look-up table that serves them.
    pub(crate) fn probe_all_leaves(&mut self, view: &View<'_>) -> alloc::vec::Vec<(f32, u32)> {
        self.choose_leaves(view, view.shape.leaves);
        let leaves = core::mem::take(&mut self.probes);
        self.set_lut(view, &leaves);
        leaves
    }

    /// Adds up the codes of a leaf; returns what is to be added to each sum.
    #[inline]
    pub(crate) fn scan_leaf(&mut self, view: &View<'_>, product: f32, leaf: u32) -> i32 {
        let codes = view.leaf_codes(leaf);
        let blocks = codes.len() / (self.lut.entries.len() / 2);
        self.grow_sums(blocks);
        let sums = &mut self.sums[..blocks];
        view.backend.scan_4bit(codes, &self.lut.entries, sums);
        let base = (product * self.lut.unit) as i32;
        if view.leaf_biases.is_empty() { base } else { add_biases(view, leaf, self.lut.unit, sums, base) }
    }

    /// The sums of the leaf that was scanned last, and which of its rows reach a limit.
    pub(crate) fn rows_reaching(&mut self, view: &View<'_>, limit: u16, rows: usize) -> &[u32] {
        let blocks = rows.div_ceil(SCAN_ROWS);
        view.backend.rows_reaching(limit, &self.sums[..blocks], &mut self.masks);
        &self.masks[..blocks]
    }

    /// The sum of a row of the leaf that was scanned last.
    pub(crate) fn sum_of(&self, place: usize) -> u16 {
        self.sums.as_flattened().get(place).copied().unwrap_or(0)
    }

    /// Scans the codes of the chosen leaves and keeps the best rows.
    pub(super) fn scan_probes<F: Filter>(&mut self, view: &View<'_>, candidates: usize, filter: &F) {
        let probes = core::mem::take(&mut self.probes);
        self.set_lut(view, &probes);
        // What a query's sums in the first leaf, which is the best, can be.
        let most = self.lut.entries.iter().flatten().fold(0, |most, entry| most.max(i32::from(*entry)));
        let first = probes.first().map_or(0, |(product, _)| (product * self.lut.unit) as i32);
        self.reservoir.reset(candidates, first, most.saturating_mul(view.codebooks.len() as i32) * 2);
        for (at, (product, leaf)) in probes.iter().enumerate() {
            if let Some((_, next)) = probes.get(at + 1) {
                prefetch_lines(view.leaf_codes(*next), usize::MAX);
            }
            let base = self.scan_leaf(view, *product, *leaf);
            self.keep_best(view, *leaf, base, filter);
        }
        self.reservoir.cut();
        self.probes = probes;
    }

    /// Keeps the rows of the leaf that was scanned last whose scores reach the limit.
    #[inline]
    fn keep_best<F: Filter>(&mut self, view: &View<'_>, leaf: u32, base: i32, filter: &F) {
        let rows = view.leaf_rows(leaf);
        let Self { sums, masks, reservoir, .. } = self;
        let (sums, masks) = (&sums[..rows.len().div_ceil(SCAN_ROWS)], &mut masks[..]);
        let Ok(limit) = u16::try_from(reservoir.limit.saturating_sub(base).max(0)) else { return };
        // The limit rises on the way, and the reservoir looks again.
        view.backend.rows_reaching(limit, sums, masks);
        for ((first, sums), mask) in rows.clone().step_by(SCAN_ROWS).zip(sums).zip(masks) {
            let mut mask = *mask;
            if rows.end - first < SCAN_ROWS as u32 {
                mask &= (1 << (rows.end - first)) - 1;
            }
            while mask != 0 {
                let lane = mask.trailing_zeros();
                mask &= mask - 1;
                let row = first + lane;
                let score = base.saturating_add(i32::from(sums[lane as usize]));
                if score >= reservoir.limit && filter.allows(view.id(row)) {
                    reservoir.push(score, row);
                }
            }
        }
    }
}

/// Adds the biases of a leaf's rows to their sums; returns what is then the base of the leaf.
fn add_biases(view: &View<'_>, leaf: u32, unit: f32, sums: &mut [[u16; SCAN_ROWS]], base: i32) -> i32 {
    let [least, step] = view.leaf_biases.get(leaf as usize).copied().unwrap_or([0.0; 2]);
    // A bias is at most 65535 steps, and 2¹⁶ of what is added for each are a step of the sums.
    let factor = (step * unit * 65536.0 + 0.5).min(65535.0) as u32;
    for (sums, biases) in sums.iter_mut().zip(view.leaf_code_biases(leaf)) {
        for (sum, bias) in sums.iter_mut().zip(biases) {
            *sum = sum.saturating_add(((u32::from(*bias) * factor) >> 16) as u16);
        }
    }
    base.saturating_add((least * unit) as i32)
}
