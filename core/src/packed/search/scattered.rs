//! An order of rows in which the first few stand for all.
//!
//! Rows lie in the order of leaves, and near leaves near each other: in that order scores may rise all along, and each row seems
//! to be one of the nearest. Pieces whose rows lie one after the other are taken in the order of multiples of the golden ratio instead,
//! which is spread evenly at every point (Knuth, "The Art of Computer Programming", volume 3, §6.4).

use core::ops::Range;

use crate::packed::file::local::GROUP;

/// Rows that are looked at in the order of memory.
const PIECE: usize = 8 * GROUP;

/// Groups of sixteen of so many rows, all of them.
pub(super) fn groups(rows: usize) -> impl Iterator<Item = Range<u32>> {
    let pieces = rows.div_ceil(PIECE);
    let step = coprime(pieces / 1000 * 618 + pieces % 1000 * 618 / 1000, pieces);
    // Products with the step need not fit.
    let next = move |at: &usize| Some(if *at < pieces - step { at + step } else { at + step - pieces });
    core::iter::successors(Some(0), next).take(pieces).map(|at| at * PIECE).flat_map(move |first| {
        let end = rows.min(first + PIECE);
        (first..end).step_by(GROUP).map(move |first| first as u32..end.min(first + GROUP) as u32)
    })
}

/// A number from this one on whose multiples reach all residues.
fn coprime(from: usize, modulus: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (from.max(1)..=modulus.max(1)).find(|step| gcd(*step, modulus) <= 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn every_row_is_in_one_group() {
        for rows in [0, 1, 15, 16, 17, 127, 128, 129, 1000, 4096, 99_999] {
            let mut all: Vec<u32> = groups(rows).flatten().collect();
            assert!(groups(rows).all(|group| group.start % 16 == 0 && group.len() <= 16));
            all.sort_unstable();
            assert!(all.into_iter().eq(0..rows as u32), "{rows}");
        }
    }

    /// Of the first rows, about as many lie in each tenth of all.
    #[test]
    fn the_first_rows_stand_for_all() {
        for rows in [10_000, 100_000, 1_000_000] {
            let mut tenths = [0; 10];
            groups(rows).take(40 * 8).for_each(|group| tenths[group.start as usize * 10 / rows] += 1);
            assert!(tenths.iter().all(|count| (16..=48).contains(count)), "{rows}: {tenths:?}");
        }
    }
}
