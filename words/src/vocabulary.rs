//! The words: one string, the place where each ends, and a table from spelling to number.
//!
//! Three million words are common, so no word owns an allocation and the table holds no strings: an entry is the word's
//! number, four bytes, and a look-up compares with the arena. That is about 25 bytes a word all told, where a
//! `HashMap<String, u32>` takes near 90.

use std::{fmt, hash::BuildHasher};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};

/// Words numbered in the order they came, and found by their spelling.
#[derive(Clone, Default)]
pub(crate) struct Vocabulary {
    arena: String,
    /// `ends[i]` is where word `i` stops in the arena; it starts where the word before it stops.
    ends: Vec<usize>,
    ids: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// What became of a word that was offered to the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insert {
    /// It is new, and has the next number.
    New,
    /// It was there already, under this number.
    Known(u32),
    /// All four billion numbers are taken.
    Full,
}

impl Vocabulary {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn word(&self, id: u32) -> &str {
        word_at(&self.arena, &self.ends, id)
    }

    pub(crate) fn id(&self, word: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(word);
        self.ids.find(hash, |&id| self.word(id) == word).copied()
    }

    pub(crate) fn insert(&mut self, word: &str) -> Insert {
        let Ok(next) = u32::try_from(self.ends.len()) else { return Insert::Full };
        let Self { arena, ends, ids, hasher } = self;
        let hash = hasher.hash_one(word);
        let same = |&id: &u32| word_at(arena, ends, id) == word;
        let rehash = |&id: &u32| hasher.hash_one(word_at(arena, ends, id));
        match ids.entry(hash, same, rehash) {
            Entry::Occupied(entry) => Insert::Known(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(next);
                arena.push_str(word);
                ends.push(arena.len());
                Insert::New
            }
        }
    }

    pub(crate) fn shrink(&mut self) {
        self.arena.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

fn word_at<'a>(arena: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &arena[start..ends[id]]
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary")
            .field("words", &self.len())
            .field("bytes", &self.arena.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_order_and_are_found() {
        let mut vocabulary = Vocabulary::default();
        let words: Vec<String> = (0..5000).map(|i| format!("word-{i}")).chain([String::new(), "ß".into()]).collect();
        for word in &words {
            assert_eq!(vocabulary.insert(word), Insert::New);
        }
        for (id, word) in words.iter().enumerate() {
            assert_eq!(vocabulary.id(word), Some(id as u32));
            assert_eq!(vocabulary.word(id as u32), word);
            assert_eq!(vocabulary.insert(word), Insert::Known(id as u32));
        }
        assert_eq!(vocabulary.id("word"), None);
        assert_eq!(vocabulary.len(), words.len());
    }
}
