//! Questions about words that are given: how similar, which is odd, which are closer.

use super::{QueryError, exact, normalized};
use crate::{WordVectors, dot::cosine};

/// The word that fits least among others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OddOneOut<'w> {
    /// The words that have vectors, the most central first; the odd one is the last. Each with the cosine between it and
    /// the mean of all.
    pub ranking: Vec<(&'w str, f32)>,
    /// The words that have none and were left aside.
    pub unknown: Vec<&'w str>,
}

impl<'w> OddOneOut<'w> {
    /// The word that fits least.
    #[must_use]
    pub fn word(&self) -> &'w str {
        self.ranking.last().map_or("", |(word, _)| word)
    }
}

impl WordVectors {
    /// The cosine between two words, within ±1; 0 if the vector of one is all zeros.
    ///
    /// # Errors
    ///
    /// [`QueryError::UnknownWord`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let vectors = ohyeah_words::WordVectors::from_parts(["cat", "dog"], vec![3.0, 0.0, 3.0, 4.0], 2)?;
    /// assert_eq!(vectors.similarity("cat", "dog")?, 0.6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn similarity(&self, a: &str, b: &str) -> Result<f32, QueryError> {
        Ok(self.cosine(self.require(a)?, self.require(b)?))
    }

    /// Which of these words fits least with the others: the one farthest from the mean of their unit vectors. Words that
    /// are unknown are left aside; where two fit equally badly, it is the one that sorts first.
    ///
    /// # Errors
    ///
    /// [`QueryError::NoInput`] without words and [`QueryError::NoKnownWord`] if none has a vector.
    ///
    /// # Examples
    ///
    /// ```
    /// # let vectors = ohyeah_words::WordVectors::from_parts(
    /// #     ["cat", "dog", "car"], vec![1.0, 0.1, 0.9, 0.2, 0.1, 1.0], 2)?;
    /// assert_eq!(vectors.doesnt_match(&["cat", "car", "dog"])?.word(), "car");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn doesnt_match<'w>(&self, words: &[&'w str]) -> Result<OddOneOut<'w>, QueryError> {
        let (known, unknown): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| self.contains(word));
        if words.is_empty() {
            return Err(QueryError::NoInput);
        }
        if known.is_empty() {
            return Err(QueryError::NoKnownWord { words: unknown.into_iter().map(str::to_owned).collect() });
        }
        let mut mean = vec![0.0_f64; self.dimensions()];
        let ids: Vec<u32> = known.iter().filter_map(|word| self.id(word)).collect();
        for &id in ids.iter().filter(|&&id| self.norm(id) > 0.0) {
            let scale = f64::from(self.norm(id)).recip();
            mean.iter_mut().zip(self.vector(id)).for_each(|(sum, &x)| *sum += scale * f64::from(x));
        }
        let mean = normalized(&mean);
        let (scorer, length) = (self.scorer(), self.scorer().norm(&mean));
        let fit = |&id: &u32| {
            let row = self.vector(id);
            cosine(scorer.dot(&mean, row), (&mean, length), (row, self.norm(id)))
        };
        let mut ranking: Vec<(&str, f32)> = known.into_iter().zip(ids.iter().map(fit)).collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(a.0)));
        Ok(OddOneOut { ranking, unknown })
    }

    /// The words that are closer to `word` than `other` is, in the order of their rows, without `word` itself.
    ///
    /// # Errors
    ///
    /// [`QueryError::UnknownWord`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let vectors = ohyeah_words::WordVectors::from_parts(
    /// #     ["cat", "dog", "car"], vec![1.0, 0.1, 0.9, 0.2, 0.1, 1.0], 2)?;
    /// let closer = vectors.closer_than("cat", "car")?;
    /// assert_eq!(closer.into_iter().map(|id| vectors.word(id)).collect::<Vec<_>>(), ["dog"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn closer_than(&self, word: &str, other: &str) -> Result<Vec<u32>, QueryError> {
        let (word, other) = (self.require(word)?, self.require(other)?);
        let cosines = exact::cosines(self, self.vector(word));
        let limit = cosines[other as usize];
        let closer = (0..self.len() as u32).filter(|&id| id != word && cosines[id as usize] > limit);
        Ok(closer.collect())
    }

    fn cosine(&self, a: u32, b: u32) -> f32 {
        if a == b {
            // The rounding of lengths would leave a little less than 1.
            return if self.norm(a) > 0.0 { 1.0 } else { 0.0 };
        }
        let (scorer, x, y) = (self.scorer(), self.vector(a), self.vector(b));
        cosine(scorer.dot(x, y), (x, self.norm(a)), (y, self.norm(b)))
    }
}
