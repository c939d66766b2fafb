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
    /// What tells the index from others, and how many rows it has.
    index: u64,
    of: usize,
}

impl RowSet {
    /// The rows, whose leaves lie at these places, of which a filter allows the ids.
    pub(crate) fn new(filter: &impl Filter, ids: &[u32], leaves: impl Iterator<Item = Range<u32>>, index: u64) -> Self {
        let mut set =
            Self { ids: IdSet::new(), rows: IdSet::new(), of_leaf: Vec::new(), count: 0, index, of: ids.len() };
        // A damaged file may say that a row has any id; there are no more ids than rows.
        set.ids.reserve(ids.len() as u32);
        set.rows.reserve(ids.len() as u32);
        for leaf in leaves {
            let before = set.count;
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
}
