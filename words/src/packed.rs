//! Similar words from a packed index alone, without a file of vectors.

use std::fmt;

use ohyeah::{Packed, PackedSearch};

/// The `n` words of an angular index with keys that are most similar to a weighted sum of words at length one, with their
/// cosines; those words are not among them. `recall` says how many of the right ones to find, none to find them all.
///
/// # Errors
///
/// A word that is not in the index, or words that cancel each other.
pub fn similar_in<'i, S: AsRef<[u8]>>(
    index: &'i Packed<S>,
    terms: &[(&str, f32)],
    n: usize,
    recall: Option<f32>,
) -> Result<Vec<(&'i str, f32)>, SimilarError> {
    let mut ids = Vec::new();
    let mut sum = vec![0.0_f64; index.dimensions()];
    for (word, weight) in terms {
        let id = index.id(word).ok_or_else(|| SimilarError::UnknownWord((*word).into()))?;
        let vector = index.vector(id).unwrap_or(&[]);
        let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        if length > 0.0 {
            for (sum, x) in sum.iter_mut().zip(vector) {
                *sum += f64::from(*weight) * f64::from(*x) / length;
            }
        }
        ids.push(id);
    }
    let query: Vec<f32> = sum.iter().map(|x| *x as f32).collect();
    if query.iter().all(|x| *x == 0.0) {
        return Err(SimilarError::Nothing);
    }
    let search = PackedSearch::top(n.saturating_add(ids.len()));
    let search = match recall {
        Some(recall) => search.recall(recall),
        None => search.exact(),
    };
    let found = index.search(&query, &search).map_err(|error| SimilarError::Search(error.to_string()))?;
    let found = found.iter().filter(|found| !ids.contains(&found.id)).take(n);
    Ok(found.filter_map(|found| Some((index.key(found.id)?, 1.0 - found.distance * found.distance / 2.0))).collect())
}

/// Why similar words could not be found in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimilarError {
    /// The index does not have the word.
    UnknownWord(String),
    /// The words cancel each other or have vectors of zeros.
    Nothing,
    /// The index could not be searched.
    Search(String),
}

impl fmt::Display for SimilarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWord(word) => write!(f, "the word {word:?} is not in the index; check the spelling"),
            Self::Nothing => f.write_str(
                "the words cancel each other or have vectors of zeros, so no word is more similar than another; ask for others",
            ),
            Self::Search(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for SimilarError {}
