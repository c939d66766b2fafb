//! Which items may be answers.

use alloc::vec;
use alloc::vec::Vec;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
}
