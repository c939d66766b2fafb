//! Similar words from a packed index alone, without a file of vectors.

use std::collections::HashMap;

use ohyeah::packed::{PackedScratch, RowSet, Search};
use ohyeah::{Metric, Packed};

use crate::query::{QueryError, SimilarWord};
use crate::spelling::{OFFERED, nearest_spellings};

/// A packed index with keys that is asked for similar words.
///
/// ```
/// use ohyeah::packed::BuildOptions;
/// use ohyeah::{Metric, Packed};
/// use ohyeah_words::PackedWords;
///
/// let vectors = [1.0, 0.1, 0.9, 0.2, 0.1, 1.0];
/// let options = BuildOptions::new().keys(&["cat", "dog", "car"]);
/// let index = Packed::build(Metric::Angular, &vectors, 2, &options)?;
/// let words = PackedWords::new(&index);
/// assert_eq!(words.similar(&[("cat", 1.0)], 1, None)?[0].word, "dog");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PackedWords<'i, S> {
    index: &'i Packed<S>,
    ids: Option<HashMap<&'i str, u32>>,
    rows: Option<RowSet>,
}

/// A word of an index and how similar it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimilarKey<'i> {
    /// The word.
    pub word: &'i str,
    /// The cosine between its vector and the query, within ±1; 0 for vectors of zeros.
    pub cosine: f32,
    /// What the index sorts by: the distance, or for the dot metric the product.
    pub distance: f32,
}

impl<'i, S: AsRef<[u8]>> PackedWords<'i, S> {
    /// All words of an index. One that is built without keys has none.
    #[must_use]
    pub const fn new(index: &'i Packed<S>) -> Self {
        Self { index, ids: None, rows: None }
    }

    /// Finds words by a table, which pays for many queries: without one, all words are looked at for each.
    #[must_use]
    pub fn with_table(mut self) -> Self {
        let mut ids = HashMap::with_capacity(self.index.len());
        for id in 0..self.index.len() as u32 {
            if let Some(key) = self.index.key(id) {
                ids.entry(key).or_insert(id);
            }
        }
        self.ids = Some(ids);
        self
    }

    /// Looks only among the first `rows` words.
    ///
    /// # Errors
    ///
    /// The storage no longer gives the bytes that were opened.
    pub fn restrict(mut self, rows: usize) -> Result<Self, QueryError> {
        let first = |id: u32| (id as usize) < rows;
        self.rows = Some(self.index.row_set(first).map_err(QueryError::Packed)?);
        Ok(self)
    }

    /// The `n` words most similar to a weighted sum of words, which are not among them. `recall` says how many of the right ones to
    /// find, none to find them all.
    ///
    /// For the angular metric it is the sum of the vectors at length one. For others it is that of the vectors as they are, divided
    /// by the sum of the weights where that is above 0: of two words, it is the middle between them.
    ///
    /// # Errors
    ///
    /// A word that is not in the index, a recall that is none, or words that cancel each other.
    pub fn similar(
        &self,
        terms: &[(&str, f32)],
        n: usize,
        recall: Option<f32>,
    ) -> Result<Vec<SimilarKey<'i>>, QueryError> {
        let index = self.index;
        if terms.is_empty() {
            return Err(QueryError::NoInput);
        }
        let (query, ids) = self.query(terms)?;
        if index.metric() != Metric::Euclidean && query.iter().all(|x| *x == 0.0) {
            return Err(QueryError::NoDirection);
        }
        let all = n.saturating_add(ids.len());
        let search = Search::top(all);
        let search = match recall {
            // The words that are asked for are mostly found, and left out: of the others as few may be missing as was asked.
            Some(recall) if all > 0 => search.recall(1.0 - (1.0 - recall) * (n as f32 / all as f32)),
            _ => search.exact(),
        };
        let mut scratch = PackedScratch::new();
        let found = match &self.rows {
            Some(rows) => index.search_in(&mut scratch, &query, &search.filter(rows)),
            None => index.search_in(&mut scratch, &query, &search),
        };
        let found = found.map_err(QueryError::Packed)?;
        let found = found.iter().filter(|found| !ids.contains(&found.id)).take(n);
        let similar = |found: &ohyeah::Neighbour| {
            let cosine = match index.metric() {
                Metric::Angular => SimilarWord::from_angular(*found).cosine,
                _ => cosine(&query, index.vector(found.id)?),
            };
            Some(SimilarKey { word: index.key(found.id)?, cosine, distance: found.distance })
        };
        Ok(found.filter_map(similar).collect())
    }

    /// The vector that is searched for, and the ids of the words in it.
    fn query(&self, terms: &[(&str, f32)]) -> Result<(Vec<f32>, Vec<u32>), QueryError> {
        let index = self.index;
        let mut ids = Vec::with_capacity(terms.len());
        let mut sum = vec![0.0_f64; index.dimensions()];
        for (word, weight) in terms {
            let id = match &self.ids {
                Some(ids) => ids.get(word).copied(),
                None => index.id(word),
            };
            let id = id.ok_or_else(|| unknown(index, word))?;
            let vector = index.vector(id).unwrap_or(&[]);
            let length = if index.metric() == Metric::Angular { norm(vector) } else { 1.0 };
            if length > 0.0 {
                for (sum, x) in sum.iter_mut().zip(vector) {
                    *sum += f64::from(*weight) * f64::from(*x) / length;
                }
            }
            ids.push(id);
        }
        let weight: f64 = terms.iter().map(|(_, weight)| f64::from(*weight)).sum();
        let scale = if index.metric() == Metric::Angular || weight <= 0.0 { 1.0 } else { weight.recip() };
        Ok((sum.iter().map(|x| (x * scale) as f32).collect(), ids))
    }
}

fn norm(vector: &[f32]) -> f64 {
    vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (lengths, dot) = (norm(a) * norm(b), a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>());
    if lengths > 0.0 { (dot / lengths).clamp(-1.0, 1.0) as f32 } else { 0.0 }
}

fn unknown<S: AsRef<[u8]>>(index: &Packed<S>, word: &str) -> QueryError {
    // A storage need not be one that threads may share, but its bytes are.
    let keys: Vec<&str> = (0..index.len() as u32).map(|id| index.key(id).unwrap_or("")).collect();
    let nearest = nearest_spellings(word, OFFERED, keys.len(), |id| keys[id as usize]);
    QueryError::UnknownWord { word: word.into(), nearest: nearest.into_iter().map(Into::into).collect() }
}
