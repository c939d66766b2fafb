//! The rows read so far.

use std::borrow::Cow;

use super::{Warnings, error::ReadErrorKind};
use crate::{
    WordVectors,
    vocabulary::{Insert, Vocabulary},
};

/// Words and vectors that grow block by block.
#[derive(Debug)]
pub(super) struct Table {
    vocabulary: Vocabulary,
    vectors: Vec<f32>,
    dimensions: usize,
    pub(super) warnings: Warnings,
}

impl Table {
    pub(super) fn new(dimensions: usize) -> Self {
        Self { vocabulary: Vocabulary::default(), vectors: Vec::new(), dimensions, warnings: Warnings::default() }
    }

    /// Makes room for `rows` at once. Only for a number that the size of the file vouches for.
    pub(super) fn reserve(&mut self, rows: u64) -> Result<(), ReadErrorKind> {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let out = || ReadErrorKind::OutOfMemory { bytes: rows as u128 * self.dimensions as u128 * 4 };
        let numbers = rows.checked_mul(self.dimensions).ok_or_else(out)?;
        self.vectors.try_reserve_exact(numbers).map_err(|_| out())
    }

    /// Adds `rows` rows of zeros for the caller to fill, and to [`name`](Self::name) afterwards.
    pub(super) fn grow(&mut self, rows: usize) -> Result<&mut [f32], ReadErrorKind> {
        let old = self.vectors.len();
        let out = || ReadErrorKind::OutOfMemory { bytes: rows as u128 * self.dimensions as u128 * 4 };
        let numbers = rows.checked_mul(self.dimensions).ok_or_else(out)?;
        self.vectors.try_reserve(numbers).map_err(|_| out())?;
        self.vectors.resize(old + numbers, 0.0);
        Ok(&mut self.vectors[old..])
    }

    /// Names the rows that [`grow`](Self::grow) added. A word that is known already loses its new row: the rows behind it
    /// move up, so that what is left is without gaps. (gensim 4 keeps the gap, as rows of zeros without a name.)
    pub(super) fn name<'a>(&mut self, words: impl Iterator<Item = Cow<'a, str>>) -> Result<(), ReadErrorKind> {
        let d = self.dimensions;
        let first = self.vocabulary.len();
        for (offset, word) in words.enumerate() {
            if let Cow::Owned(_) = word {
                self.warnings.replaced += 1;
            }
            match self.vocabulary.insert(&word) {
                Insert::New => {
                    let (from, to) = (first + offset, self.vocabulary.len() - 1);
                    if from != to {
                        self.vectors.copy_within(from * d..(from + 1) * d, to * d);
                    }
                }
                Insert::Known(_) => self.warnings.duplicate(&word),
                Insert::Full => return Err(ReadErrorKind::TooManyWords),
            }
        }
        self.vectors.truncate(self.vocabulary.len() * d);
        Ok(())
    }

    pub(super) fn finish(self) -> (WordVectors, Warnings) {
        (WordVectors::assemble(self.vocabulary, self.vectors, self.dimensions), self.warnings)
    }
}
