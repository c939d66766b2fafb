//! Filters as sets of rows, made ready for an index.

use alloc::vec::Vec;
use core::ops::Range;

use super::Filter;
use super::id_set::{BITS, IdSet};

/// The rows of a packed index that a filter allows: a bit for each in the order of rows, in which searches look at them, and how
/// many there are in each leaf.
///
/// A search with it is much faster than with the filter that it was made of: it leaves out leaves that hold nothing,
/// and where it allows few rows compares just those. It is made once for an index by
/// [`Packed::row_set`](crate::Packed::row_set); for any other index it is the filter that it was made of.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, Search};
/// use ohyeah_core::{Metric, Packed};
///
/// let vectors: Vec<f32> = (0..1000).map(|x| x as f32).collect();
/// let index = Packed::build(Metric::Euclidean, &vectors, 1, &BuildOptions::new())?;
/// let hundreds = index.row_set(|id| id % 100 == 0)?;
/// let found = index.search(&[340.0], &Search::top(2).filter(&hundreds))?;
/// assert_eq!([found[0].id, found[1].id], [300, 400]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RowSet {
    ids: IdSet,
    /// The rows as if they were ids.
    rows: IdSet,
    of_leaf: Vec<u32>,
    count: usize,
    /// Whether leaves have about the share of it that they would have of rows drawn by lot, and its rows lie in them as others do.
    is_even: bool,
    /// What tells the index from others, and how many rows it has.
    index: u64,
    of: usize,
}

impl RowSet {
    /// The rows, whose leaves lie at these places, of which a filter allows the ids.
    pub(crate) fn new(filter: &impl Filter, ids: &[u32], leaves: impl Iterator<Item = Range<u32>>, index: u64) -> Self {
        let mut set = Self {
            ids: IdSet::new(),
            rows: IdSet::new(),
            of_leaf: Vec::new(),
            count: 0,
            is_even: true,
            index,
            of: ids.len(),
        };
        let mut leaf_rows = Vec::new();
        // A damaged file may say that a row has any id; there are no more ids than rows.
        set.ids.reserve(ids.len() as u32);
        set.rows.reserve(ids.len() as u32);
        for leaf in leaves {
            let before = set.count;
            leaf_rows.push(leaf.end.saturating_sub(leaf.start));
            for row in leaf {
                let id = ids.get(row as usize).copied().filter(|id| (*id as usize) < ids.len());
                if let Some(id) = id.filter(|id| filter.allows(*id)) {
                    set.ids.insert(id);
                    set.rows.insert(row);
                    set.count += 1;
                }
            }
            set.of_leaf.push((set.count - before) as u32);
        }
        set.is_even = is_even(&set.of_leaf, &leaf_rows);
        set
    }

    /// How many rows are allowed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether leaves have about the share of it that they would have of rows drawn by lot, and its rows lie in them as others do: what
    /// is near a query is then allowed as much as all else.
    pub(crate) const fn is_even(&self) -> bool {
        self.is_even
    }

    /// Notes that its rows do not lie in their leaves as others do.
    pub(crate) const fn set_uneven(&mut self) {
        self.is_even = false;
    }

    /// Whether it was made for the index with so many rows that this tells from others: damage may make two alike.
    pub(crate) const fn is_of(&self, index: u64, rows: usize) -> bool {
        self.index == index && self.of == rows
    }

    /// How many rows of a leaf are allowed.
    #[inline]
    pub(crate) fn of_leaf(&self, leaf: u32) -> u32 {
        self.of_leaf.get(leaf as usize).copied().unwrap_or(0)
    }

    /// Which of the 32 rows from one on are allowed, a bit for each.
    #[inline]
    pub(crate) fn mask(&self, first: u32) -> u32 {
        let word = |at: u32| self.rows.words.get(at as usize).copied().unwrap_or(0);
        let (at, shift) = (first / BITS, first % BITS);
        let low = word(at) >> shift;
        (if shift > 32 { low | word(at + 1) << (BITS - shift) } else { low }) as u32
    }

    /// The allowed rows, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.rows.iter()
    }
}

/// The part of a set's variance that may lie between leaves.
const MOST_BETWEEN: f64 = 0.05;
/// Standard deviations by which it may be more by chance.
const MOST_DEVIATIONS: f64 = 6.0;

/// Whether the counts of leaves, of which each has so many rows, are about those of a draw of as many as there are in all: by the
/// correlation ratio η², the part of the variance that lies between leaves. That is χ²/N of Pearson's test, less what chance adds to it.
fn is_even(counts: &[u32], rows: &[u32]) -> bool {
    let [count, all] = [counts, rows].map(|of| of.iter().map(|x| f64::from(*x)).sum::<f64>());
    let share = count / all.max(1.0);
    let variance_of_row = share * (1.0 - share);
    if variance_of_row <= 0.0 {
        return true;
    }
    let (mut chi_squared, mut mean, mut variance) = (0.0, 0.0, 0.0);
    for (count, rows) in counts.iter().zip(rows).filter(|(_, rows)| **rows > 0) {
        let of_leaf = f64::from(*rows) * variance_of_row;
        let missing = f64::from(*count) - share * f64::from(*rows);
        chi_squared += missing * missing / of_leaf;
        mean += 1.0;
        // Of a binomial count: of few that are expected, squares scatter more.
        variance += 2.0 + 1.0 / of_leaf;
    }
    chi_squared <= mean + (MOST_DEVIATIONS * libm::sqrt(variance)).max(MOST_BETWEEN * all)
}

impl Filter for &RowSet {
    #[inline]
    fn allows(&self, id: u32) -> bool {
        self.ids.contains(id)
    }

    fn rows(&self) -> Option<&RowSet> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_those_of_the_rows() {
        let ids: Vec<u32> = (0..500).map(|row| (row * 7 + 3) % 500).collect();
        let allows = |id: u32| id.is_multiple_of(3) || id > 490;
        let leaves = [0..1, 1..40, 40..40, 40..333, 333..500];
        let set = RowSet::new(&allows, &ids, leaves.clone().into_iter(), 1);
        for first in 0..520 {
            for lane in 0..32 {
                let expected = ids.get((first + lane) as usize).is_some_and(|id| allows(*id));
                assert_eq!(set.mask(first) >> lane & 1 == 1, expected, "{first} {lane}");
            }
        }
        for (leaf, rows) in (0..).zip(leaves) {
            assert_eq!(set.of_leaf(leaf) as usize, rows.filter(|row| allows(ids[*row as usize])).count());
        }
        assert!((0..500).all(|id| (&set).allows(id) == allows(id)));
        assert_eq!(set.len(), set.iter().count());
    }

    /// Rows drawn by lot are even, those of some leaves, or of all but some, are not.
    #[test]
    fn what_is_drawn_by_lot_is_even() {
        use rand_core::{Rng, SeedableRng};
        use rand_xoshiro::SplitMix64;

        let (leaves, rows) = (200_u32, 90_u32);
        let ids: Vec<u32> = (0..leaves * rows).collect();
        let places = || (0..leaves).map(|leaf| leaf * rows..(leaf + 1) * rows);
        for one_of in [2, 10, 100, 1000] {
            for seed in 0..50 {
                let allows = |id: u32| SplitMix64::seed_from_u64(u64::from(id) * 1000 + seed).next_u64() % one_of == 0;
                assert!(RowSet::new(&allows, &ids, places(), 1).is_even(), "one of {one_of}, {seed}");
            }
        }
        for (name, allows) in
            [("all", &(|_| true) as &dyn Fn(u32) -> bool), ("none", &|_| false), ("every other", &|id| id % 2 == 0)]
        {
            assert!(RowSet::new(&allows, &ids, places(), 1).is_even(), "{name}");
        }
        for (name, allows) in [
            ("a tenth of the leaves", &(|id| id / rows < leaves / 10) as &dyn Fn(u32) -> bool),
            ("one leaf", &|id| id / rows == 7),
            ("all but one leaf", &|id| id / rows != 7),
            ("half of the leaves", &|id| id / rows % 2 == 0),
        ] {
            assert!(!RowSet::new(&allows, &ids, places(), 1).is_even(), "{name}");
        }
    }
}
