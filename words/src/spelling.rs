//! Words that are spelled like another: what to offer to someone who mistyped.
//!
//! The distance is optimal string alignment, in which a letter missing, added, changed or swapped with its neighbour
//! counts one. Case does not count at first, so that `nasa` finds `NASA`; it decides between words that are equally near,
//! and then frequency does, which is the order of the rows.
//!
//! Millions of words would take seconds, so most are ruled out before: a word whose length differs by more than the
//! allowed distance, and one whose set of letters differs too much. Each edit changes that set by two letters at most.

use rayon::prelude::*;

use crate::WordVectors;
use crate::alike::alike;

impl WordVectors {
    /// The words of the vocabulary spelled most like `word`, at most `most`, the nearest first: those that differ in their Unicode
    /// normal form, in case or in what stands around them (`/c/en/cat`, `duck|NOUN`), and then others. There is none when nothing is
    /// near: more than about a third of the letters would have to change.
    ///
    /// # Examples
    ///
    /// ```
    /// # let vectors = ohyeah_words::WordVectors::from_parts(["Paris", "Parish", "London"], vec![1.0; 3], 1)?;
    /// assert_eq!(vectors.nearest_spellings("pariss", 2), ["Paris", "Parish"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn nearest_spellings(&self, word: &str, most: usize) -> Vec<&str> {
        nearest_spellings(word, most, self.len(), |id| self.word(id))
    }
}

/// How many are offered for a word that is not there.
pub(crate) const OFFERED: usize = 5;

/// [`WordVectors::nearest_spellings`] among so many words, by number.
pub(crate) fn nearest_spellings<'w>(
    word: &str,
    most: usize,
    count: usize,
    word_of: impl Fn(u32) -> &'w str + Sync,
) -> Vec<&'w str> {
    let alike = alike(word, most, count, &word_of);
    let folded = word.to_lowercase();
    let length = folded.chars().count();
    // A single letter changed into another is no longer the word at all, and one added to none says nothing.
    let allowed = if length < 2 { 0 } else { (length / 3).max(1) };
    let letters = letters_of(&folded);
    let near = |id: u32| {
        let candidate = word_of(id);
        // Bytes first: no character is shorter than one or, folded, much longer than four.
        if candidate.len() > 4 * (length + allowed) {
            return None;
        }
        let (candidate_length, candidate_letters) = outline(candidate);
        let changed = (letters ^ candidate_letters).count_ones() as usize;
        if candidate_length.abs_diff(length) > allowed || changed > 2 * allowed {
            return None;
        }
        let distance = strsim::osa_distance(&folded, &candidate.to_lowercase());
        (distance <= allowed).then(|| (distance, strsim::osa_distance(word, candidate), id))
    };
    let mut found: Vec<_> = (0..count as u32).into_par_iter().with_min_len(4096).filter_map(near).collect();
    found.sort_unstable();
    let others = found.into_iter().map(|(_, _, id)| id).filter(|id| !alike.contains(id));
    alike.iter().copied().chain(others).take(most).map(&word_of).collect()
}

/// Number of characters and set of letters of a word, case folded, without making the folded word where it is ASCII.
fn outline(word: &str) -> (usize, u64) {
    if word.is_ascii() {
        return (word.len(), word.bytes().fold(0, |set, byte| set | bit(u32::from(byte.to_ascii_lowercase()))));
    }
    let folded = word.to_lowercase();
    (folded.chars().count(), letters_of(&folded))
}

fn letters_of(folded: &str) -> u64 {
    folded.chars().fold(0, |set, letter| set | bit(u32::from(letter)))
}

fn bit(letter: u32) -> u64 {
    1 << (letter % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_come_by_distance_then_case_then_frequency() {
        let words = ["bat", "cat", "cart", "CAT", "dog", "catalogue", "katze", "añb", "a", "b", "C", "of"];
        let vectors = WordVectors::from_parts(words, vec![1.0; words.len()], 1).unwrap();
        assert_eq!(vectors.nearest_spellings("cta", 9), ["cat", "CAT"]);
        assert_eq!(vectors.nearest_spellings("caT", 9), ["cat", "CAT", "bat", "cart"]);
        assert_eq!(vectors.nearest_spellings("nat", 2), ["bat", "cat"]);
        assert_eq!(vectors.nearest_spellings("anb", 9), ["añb"]);
        assert_eq!(vectors.nearest_spellings("xyzzy", 9), Vec::<&str>::new());
        assert_eq!(vectors.nearest_spellings("fo", 9), ["of"]);
        assert_eq!(vectors.nearest_spellings("c", 9), ["C"]);
        for word in ["", "x", " ", "\u{1b}"] {
            assert_eq!(vectors.nearest_spellings(word, 9), Vec::<&str>::new());
        }
    }
}
