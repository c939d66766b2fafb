//! Which items may be answers.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{BitAnd, BitOr, BitXor, Range, Sub};

/// Says which ids may be answers. Closures `Fn(u32) -> bool` and [`IdSet`] are filters.
///
/// ```
/// use ohyeah_core::Filter;
///
/// struct Shop(u32);
///
/// impl Filter for Shop {
///     fn allows(&self, id: u32) -> bool {
///         id % 50 == self.0
///     }
/// }
///
/// assert!(Shop(7).allows(107) && (|id| id > 3).allows(4));
/// ```
pub trait Filter {
    /// Whether the item may be an answer.
    fn allows(&self, id: u32) -> bool;

    /// What was made ready for an index; see [`packed::RowSet`](crate::packed::RowSet).
    #[doc(hidden)]
    fn rows(&self) -> Option<&RowSet> {
        None
    }
}

/// No filter.
///
/// ```
/// use ohyeah_core::{All, Filter};
///
/// assert!(All.allows(u32::MAX));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct All;

impl Filter for All {
    #[inline]
    fn allows(&self, _: u32) -> bool {
        true
    }
}

impl<F: Fn(u32) -> bool> Filter for F {
    #[inline]
    fn allows(&self, id: u32) -> bool {
        self(id)
    }
}

/// A set of ids, one bit each.
///
/// ```
/// use ohyeah_core::{Filter, IdSet};
///
/// let even: IdSet = (0..100).step_by(2).collect();
/// assert!(even.allows(4) && !even.allows(5) && !even.allows(1000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct IdSet {
    words: Vec<u64>,
}

const BITS: u32 = u64::BITS;

impl IdSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: Vec::new() }
    }

    /// Adds an id; says whether it was missing. Memory grows to one bit for each id up to this one.
    pub fn insert(&mut self, id: u32) -> bool {
        let word = (id / BITS) as usize;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let bit = 1 << (id % BITS);
        let missing = self.words[word] & bit == 0;
        self.words[word] |= bit;
        missing
    }

    /// Takes an id out; says whether it was there.
    pub fn remove(&mut self, id: u32) -> bool {
        let present = self.contains(id);
        if present {
            self.words[(id / BITS) as usize] &= !(1 << (id % BITS));
        }
        present
    }

    /// How many ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The ids below `n` that are not in the set.
    ///
    /// ```
    /// use ohyeah_core::IdSet;
    ///
    /// let odd: IdSet = (1..100).step_by(2).collect();
    /// assert_eq!(odd.complement(10).iter().collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
    /// ```
    #[must_use]
    pub fn complement(&self, n: u32) -> Self {
        let word = |at: u32| {
            let present = self.words.get(at as usize).copied().unwrap_or(0);
            let left = n - at * BITS;
            !present & if left < BITS { (1 << left) - 1 } else { u64::MAX }
        };
        Self { words: (0..n.div_ceil(BITS)).map(word).collect() }
    }

    /// Combines the words of two sets, as many as the longer has.
    fn zip(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let word = |words: &[u64], at: usize| words.get(at).copied().unwrap_or(0);
        let length = self.words.len().max(other.words.len());
        Self { words: (0..length).map(|at| combine(word(&self.words, at), word(&other.words, at))).collect() }
    }

    /// Whether the id is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: u32) -> bool {
        self.words.get((id / BITS) as usize).is_some_and(|word| word >> (id % BITS) & 1 == 1)
    }

    /// The set's ids, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            core::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(at as u32 * BITS + bit)
            })
        })
    }

    /// Makes room for the ids below `n`, so that adding them cannot allocate.
    pub(crate) fn reserve(&mut self, n: u32) {
        self.words.reserve((n.div_ceil(BITS) as usize).saturating_sub(self.words.len()));
        self.words.resize(self.words.len().max(n.div_ceil(BITS) as usize), 0);
    }

    /// Takes these ids out, in time proportional to their number and not to the size of the set.
    pub(crate) fn clear_words_of(&mut self, ids: &[u32]) {
        for id in ids {
            if let Some(word) = self.words.get_mut((id / BITS) as usize) {
                *word = 0;
            }
        }
    }
}

impl PartialEq for IdSet {
    /// Whether the ids are the same.
    fn eq(&self, other: &Self) -> bool {
        self.zip(other, |a, b| a ^ b).is_empty()
    }
}

impl Eq for IdSet {}

/// The ids that are in both sets.
///
/// ```
/// use ohyeah_core::IdSet;
///
/// let (even, small): (IdSet, IdSet) = ((0..100).step_by(2).collect(), (0..5).collect());
/// assert_eq!((&even & &small).iter().collect::<Vec<_>>(), [0, 2, 4]);
/// assert_eq!((&even | &small).len(), 52);
/// assert_eq!((&small - &even).iter().collect::<Vec<_>>(), [1, 3]);
/// ```
impl BitAnd for &IdSet {
    type Output = IdSet;

    fn bitand(self, other: Self) -> IdSet {
        self.zip(other, |a, b| a & b)
    }
}

/// The ids that are in one of the sets, or in both.
impl BitOr for &IdSet {
    type Output = IdSet;

    fn bitor(self, other: Self) -> IdSet {
        self.zip(other, |a, b| a | b)
    }
}

/// The ids that are in one of the sets alone.
impl BitXor for &IdSet {
    type Output = IdSet;

    fn bitxor(self, other: Self) -> IdSet {
        self.zip(other, |a, b| a ^ b)
    }
}

/// The ids of the first set that are not in the second.
impl Sub for &IdSet {
    type Output = IdSet;

    fn sub(self, other: Self) -> IdSet {
        self.zip(other, |a, b| a & !b)
    }
}

impl Filter for IdSet {
    #[inline]
    fn allows(&self, id: u32) -> bool {
        self.contains(id)
    }
}

impl Filter for &IdSet {
    #[inline]
    fn allows(&self, id: u32) -> bool {
        self.contains(id)
    }
}

impl Extend<u32> for IdSet {
    fn extend<T: IntoIterator<Item = u32>>(&mut self, ids: T) {
        for id in ids {
            self.insert(id);
        }
    }
}

impl FromIterator<u32> for IdSet {
    fn from_iter<T: IntoIterator<Item = u32>>(ids: T) -> Self {
        let mut set = Self { words: vec![] };
        set.extend(ids);
        set
    }
}

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
    /// What tells the index from others.
    index: u64,
}

impl RowSet {
    /// The rows, whose leaves lie at these places, of which a filter allows the ids.
    pub(crate) fn new(filter: &impl Filter, ids: &[u32], leaves: impl Iterator<Item = Range<u32>>, index: u64) -> Self {
        let mut set = Self { ids: IdSet::new(), rows: IdSet::new(), of_leaf: Vec::new(), count: 0, index };
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

    /// Whether it was made for the index that this tells from others.
    pub(crate) const fn is_of(&self, index: u64) -> bool {
        self.index == index
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
    fn a_set_holds_what_was_put_in() {
        let mut set: IdSet = [5, 63, 64, 1000].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [5, 63, 64, 1000]);
        assert!(!set.insert(64) && set.remove(64) && !set.remove(64) && !set.remove(1_000_000));
        assert!(set.contains(1000) && !set.contains(64) && !set.contains(u32::MAX));
        set.clear_words_of(&[1000, 5, u32::MAX]);
        assert_eq!(set.iter().count(), 0);
    }

    #[test]
    fn sets_combine_as_those_of_the_library_do() {
        use std::collections::BTreeSet;
        let of = |step: usize, end: u32| (step as u32 / 2..end).step_by(step).collect::<BTreeSet<u32>>();
        for (a, b) in [(of(3, 200), of(5, 700)), (of(1, 64), of(2, 65)), (of(7, 7), of(1, 1000))] {
            let set = |ids: &BTreeSet<u32>| ids.iter().copied().collect::<IdSet>();
            let (x, y) = (set(&a), set(&b));
            assert_eq!(&x & &y, set(&(&a & &b)));
            assert_eq!(&x | &y, set(&(&a | &b)));
            assert_eq!(&x ^ &y, set(&(&a ^ &b)));
            assert_eq!(&x - &y, set(&(&a - &b)));
            for n in [0, 1, 63, 64, 65, 500] {
                assert_eq!(x.complement(n), set(&(0..n).filter(|id| !a.contains(id)).collect()));
            }
            assert_eq!((x.len(), x.is_empty()), (a.len(), a.is_empty()));
        }
    }

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
