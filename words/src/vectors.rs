//! Words and the vector of each.

use std::fmt;

use ohyeah::Backend;
use rayon::prelude::*;

use crate::{
    dot::Scorer,
    vocabulary::{Insert, Vocabulary},
};

/// Words in a fixed order, usually the most frequent first, and one vector of the same length for each.
///
/// A word's *id* is its row number. Every number is finite: reading and [`from_parts`](Self::from_parts) refuse others, so
/// no query has to think of them. A vector of zeros is allowed and is similar to nothing.
///
/// In memory this is the matrix, row after row, and about 30 bytes a word.
///
/// # Examples
///
/// ```
/// use ohyeah_words::WordVectors;
///
/// let vectors = WordVectors::from_parts(["cat", "dog", "car"], vec![1.0, 0.1, 0.9, 0.2, 0.1, 1.0], 2)?;
/// assert_eq!(vectors.get("dog"), Some(&[0.9, 0.2][..]));
/// assert_eq!(vectors.id("car"), Some(2));
/// assert!(!vectors.contains("cow"));
/// # Ok::<(), ohyeah_words::PartsError>(())
/// ```
#[derive(Clone)]
pub struct WordVectors {
    vocabulary: Vocabulary,
    vectors: Vec<f32>,
    dimensions: usize,
    /// Euclidean length of each row. Kept as the norm and not as its inverse: that of a subnormal vector would overflow.
    norms: Vec<f32>,
    scorer: Scorer,
}

impl WordVectors {
    /// Puts words and vectors together: row `i` of `vectors`, `dimensions` numbers long, belongs to the `i`th word.
    ///
    /// # Errors
    ///
    /// [`PartsError`] when the lengths do not fit each other, a word comes twice, or a number is not finite.
    pub fn from_parts<W: AsRef<str>>(
        words: impl IntoIterator<Item = W>,
        vectors: Vec<f32>,
        dimensions: usize,
    ) -> Result<Self, PartsError> {
        if dimensions == 0 {
            return Err(PartsError::NoDimensions);
        }
        let mut vocabulary = Vocabulary::default();
        for (row, word) in words.into_iter().enumerate() {
            match vocabulary.insert(word.as_ref()) {
                Insert::New => {}
                Insert::Known(first) => return Err(PartsError::Duplicate { word: word.as_ref().into(), first, row }),
                Insert::Full => return Err(PartsError::TooManyWords),
            }
        }
        if vocabulary.len().checked_mul(dimensions) != Some(vectors.len()) {
            return Err(PartsError::Length { words: vocabulary.len(), dimensions, numbers: vectors.len() });
        }
        if let Some(at) = vectors.iter().position(|x| !x.is_finite()) {
            let (row, column) = (at / dimensions, at % dimensions);
            return Err(PartsError::NotFinite { word: vocabulary.word(row as u32).into(), row, column });
        }
        Ok(Self::assemble(vocabulary, vectors, dimensions))
    }

    /// [`from_parts`](Self::from_parts) for parts that are known to fit.
    pub(crate) fn assemble(mut vocabulary: Vocabulary, mut vectors: Vec<f32>, dimensions: usize) -> Self {
        debug_assert_eq!(vocabulary.len() * dimensions, vectors.len());
        vocabulary.shrink();
        vectors.shrink_to_fit();
        let scorer = Scorer::detect();
        let norms = norms(&vectors, dimensions, scorer);
        Self { vocabulary, vectors, dimensions, norms, scorer }
    }

    /// Computes with `backend` from now on, instead of the fastest one of this machine: for tests and comparisons.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        let scorer = Scorer(backend);
        if scorer != self.scorer {
            self.scorer = scorer;
            self.norms = norms(&self.vectors, self.dimensions, scorer);
        }
        self
    }

    /// Number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.vocabulary.len()
    }

    /// Whether there is no word at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of each vector, at least 1.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The word in row `id`.
    ///
    /// # Panics
    ///
    /// If `id` is not below [`len`](Self::len), as indexing a slice does.
    #[must_use]
    pub fn word(&self, id: u32) -> &str {
        self.vocabulary.word(id)
    }

    /// The row of `word`.
    #[must_use]
    pub fn id(&self, word: &str) -> Option<u32> {
        self.vocabulary.id(word)
    }

    /// Whether `word` has a vector.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.id(word).is_some()
    }

    /// The vector of `word`.
    #[must_use]
    pub fn get(&self, word: &str) -> Option<&[f32]> {
        self.id(word).map(|id| self.vector(id))
    }

    /// The vector in row `id`.
    ///
    /// # Panics
    ///
    /// If `id` is not below [`len`](Self::len), as indexing a slice does.
    #[must_use]
    pub fn vector(&self, id: u32) -> &[f32] {
        &self.vectors[id as usize * self.dimensions..][..self.dimensions]
    }

    /// The Euclidean length of the vector in row `id`.
    ///
    /// # Panics
    ///
    /// If `id` is not below [`len`](Self::len), as indexing a slice does.
    #[must_use]
    pub fn norm(&self, id: u32) -> f32 {
        self.norms[id as usize]
    }

    /// All vectors, row after row.
    #[must_use]
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// All words, in the order of their rows.
    #[must_use]
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        // A length that did not fit would have been refused by the vocabulary.
        (0..self.len() as u32).map(|id| self.word(id))
    }

    pub(crate) fn norms(&self) -> &[f32] {
        &self.norms
    }

    pub(crate) fn scorer(&self) -> Scorer {
        self.scorer
    }
}

fn norms(vectors: &[f32], dimensions: usize, scorer: Scorer) -> Vec<f32> {
    vectors.par_chunks_exact(dimensions).with_min_len(1024).map(|row| scorer.norm(row)).collect()
}

impl fmt::Debug for WordVectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordVectors")
            .field("words", &self.len())
            .field("dimensions", &self.dimensions)
            .finish_non_exhaustive()
    }
}

/// Why words and numbers cannot be put together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PartsError {
    /// Vectors of length 0 were asked for.
    NoDimensions,
    /// There is not one vector for each word.
    Length {
        /// Number of words given.
        words: usize,
        /// Length of a vector.
        dimensions: usize,
        /// Number of numbers given; it must be `words * dimensions`.
        numbers: usize,
    },
    /// A word comes twice.
    Duplicate {
        /// The word.
        word: String,
        /// The row where it came first.
        first: u32,
        /// The row where it came again.
        row: usize,
    },
    /// A number is NaN or infinite.
    NotFinite {
        /// The word whose vector holds it.
        word: String,
        /// Its row.
        row: usize,
        /// The number's place in the row.
        column: usize,
    },
    /// There are more words than a `u32` can number.
    TooManyWords,
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDimensions => write!(f, "vectors must have at least one dimension"),
            Self::Length { words, dimensions, numbers } => {
                write!(f, "{words} words of {dimensions} dimensions need {words} x {dimensions} numbers, not {numbers}")
            }
            Self::Duplicate { word, first, row } => {
                write!(f, "row {row}: the word {word:?} is already in row {first}; leave one of them out")
            }
            Self::NotFinite { word, row, column } => {
                write!(f, "row {row} ({word:?}): number {column} is NaN or infinite; leave the row out or repair it")
            }
            Self::TooManyWords => write!(f, "more than {} words cannot be numbered; split them", u32::MAX),
        }
    }
}

impl core::error::Error for PartsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let parts = |words: &[&str], vectors: &[f32], dimensions| {
            WordVectors::from_parts(words, vectors.to_vec(), dimensions).unwrap_err()
        };
        assert_eq!(parts(&["a"], &[], 0), PartsError::NoDimensions);
        assert_eq!(parts(&["a"], &[1.0, 2.0], 1), PartsError::Length { words: 1, dimensions: 1, numbers: 2 });
        let twice = PartsError::Duplicate { word: "a".into(), first: 0, row: 2 };
        assert_eq!(parts(&["a", "b", "a"], &[1.0; 3], 1), twice);
        let nan = PartsError::NotFinite { word: "b".into(), row: 1, column: 1 };
        assert_eq!(parts(&["a", "b"], &[1.0, 2.0, 3.0, f32::NAN], 2), nan);
    }

    #[test]
    fn none_is_fine() {
        let vectors = WordVectors::from_parts([""; 0], vec![], 3).unwrap();
        assert!(vectors.is_empty());
        assert_eq!(vectors.words().len(), 0);
    }
}
