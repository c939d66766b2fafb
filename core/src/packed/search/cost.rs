//! What the steps of a search cost, in nanoseconds of a machine of 2024. Only their proportions matter, and they are the same
//! everywhere so that files and answers are.

use crate::packed::file::sections::{Shape, row_bytes};

/// About how many rows are compared in full for each answer, and what else they cost, where all rows are looked at.
const IN_FULL_OF_ALL: f32 = 5.0;

/// The costs of an index of some shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    /// Ranking leaves and making the look-up table, scanning a leaf, and each of its rows.
    begin: f32,
    leaf: f32,
    scanned_row: f32,
    /// Comparing a candidate by its 7-bit codes, and in full.
    by_codes: f32,
    in_full: f32,
    /// Comparing one of many rows that lie one after the other, by its 7-bit codes: where those tell which can be near.
    in_order: f32,
    rows: f32,
}

impl Costs {
    pub(crate) fn of(shape: &Shape) -> Self {
        let dimensions = shape.dimensions as f32;
        Self {
            begin: 1000.0 + 20.0 * shape.subquantisation().count as f32,
            leaf: 25.0,
            scanned_row: 0.05 + 0.015 * shape.subquantisation().count as f32,
            by_codes: 10.0 + 0.08 * row_bytes(shape.dimensions) as f32,
            in_full: 30.0 + 0.5 * dimensions,
            in_order: 1.5 + 0.025 * dimensions,
            rows: shape.rows as f32,
        }
    }

    /// Scanning the codes of so many leaves with so many rows.
    pub(crate) fn scan(&self, leaves: f32, rows: f32) -> f32 {
        self.begin + self.leaf * leaves + self.scanned_row * rows
    }

    /// Comparing candidates by their 7-bit codes, and so many of them in full.
    pub(crate) fn candidates(&self, candidates: f32, in_full: f32) -> f32 {
        self.by_codes * candidates + self.in_full * in_full.min(candidates)
    }

    /// Finding the `n` nearest of all rows for sure.
    pub(crate) fn all(&self, n: f32) -> f32 {
        self.in_order * self.rows + IN_FULL_OF_ALL * self.in_full * n
    }
}
