//! Sets of ids.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{BitAnd, BitOr, BitXor, Sub};

use super::Filter;

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
    pub(super) words: Vec<u64>,
}

pub(super) const BITS: u32 = u64::BITS;

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
}
