//! Similar words from a packed index alone, without a file of vectors.

use ohyeah::packed::Search;
use ohyeah::{Metric, Packed};

use crate::QueryError;
use crate::spelling::{OFFERED, nearest_spellings};

/// The `n` words of an angular index with keys that are most similar to a weighted sum of words at length one, with their
/// cosines; those words are not among them. `recall` says how many of the right ones to find, none to find them all.
///
/// # Errors
///
/// An index that is not angular, a word that is not in the index, or words that cancel each other.
pub fn similar_in<'i, S: AsRef<[u8]>>(
    index: &'i Packed<S>,
    terms: &[(&str, f32)],
    n: usize,
    recall: Option<f32>,
) -> Result<Vec<(&'i str, f32)>, QueryError> {
    if index.metric() != Metric::Angular {
        // The distances of another metric are no function of the cosine.
        return Err(QueryError::NotAngular { metric: index.metric() });
    }
    let mut ids = Vec::new();
    let mut sum = vec![0.0_f64; index.dimensions()];
    for (word, weight) in terms {
        let id = index.id(word).ok_or_else(|| unknown(index, word))?;
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
        return Err(QueryError::NoDirection);
    }
    let search = Search::top(n.saturating_add(ids.len()));
    let search = match recall {
        Some(recall) => search.recall(recall),
        None => search.exact(),
    };
    let found = index.search(&query, &search).map_err(QueryError::Packed)?;
    let found = found.iter().filter(|found| !ids.contains(&found.id)).take(n);
    Ok(found.filter_map(|found| Some((index.key(found.id)?, 1.0 - found.distance * found.distance / 2.0))).collect())
}

fn unknown<S: AsRef<[u8]>>(index: &Packed<S>, word: &str) -> QueryError {
    // A storage need not be one that threads may share, but its bytes are.
    let keys: Vec<&str> = (0..index.len() as u32).map(|id| index.key(id).unwrap_or("")).collect();
    let nearest = nearest_spellings(word, OFFERED, keys.len(), |id| keys[id as usize]);
    QueryError::UnknownWord { word: word.into(), nearest: nearest.into_iter().map(Into::into).collect() }
}
