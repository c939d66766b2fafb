//! The exact answer: the cosine with every row.

use std::ops::Range;

use rayon::prelude::*;

use super::{SimilarWord, top::Top};
use crate::{
    WordVectors,
    dot::{Scorer, cosine},
};

/// Rows that one task scores; a few hundred kilobytes of matrix.
const ROWS: usize = 1024;

/// The `n` rows with the highest cosine to `query`, the best first, equal ones by ascending row.
///
/// Only these `rows` are looked at, as far as there are so many, and those in `exclude`, which is sorted, are passed over.
/// `query` need not have length 1. Runs on rayon's current thread pool; the answer is the same for any number of threads.
///
/// # Panics
///
/// If `query` does not have the dimensions of the vectors.
#[must_use]
pub fn top(vectors: &WordVectors, query: &[f32], n: usize, rows: Range<usize>, exclude: &[u32]) -> Vec<SimilarWord> {
    if n == 0 {
        return Vec::new();
    }
    let scan = Scan::new(vectors, query);
    let end = rows.end.min(vectors.len());
    let start = rows.start.min(end);
    (0..(end - start).div_ceil(ROWS))
        .into_par_iter()
        .fold(
            || Top::new(n),
            |mut best, block| {
                let first = start + block * ROWS;
                scan.block(first..end.min(first + ROWS), |neighbour| {
                    if exclude.binary_search(&neighbour.id).is_err() {
                        best.push(neighbour);
                    }
                });
                best
            },
        )
        .reduce(|| Top::new(n), Top::merge)
        .into_sorted()
}

/// The cosine of `query` with every row, in order.
///
/// # Panics
///
/// If `query` does not have the dimensions of the vectors.
#[must_use]
pub fn cosines(vectors: &WordVectors, query: &[f32]) -> Vec<f32> {
    let scan = Scan::new(vectors, query);
    let mut cosines = vec![0.0; vectors.len()];
    cosines.par_chunks_mut(ROWS).enumerate().for_each(|(block, cosines)| {
        let first = block * ROWS;
        scan.block(first..first + cosines.len(), |SimilarWord { id, cosine }| cosines[id as usize - first] = cosine);
    });
    cosines
}

/// One query against rows of a matrix.
struct Scan<'a> {
    vectors: &'a WordVectors,
    scorer: Scorer,
    query: &'a [f32],
    norm: f32,
}

impl<'a> Scan<'a> {
    fn new(vectors: &'a WordVectors, query: &'a [f32]) -> Self {
        assert_eq!(query.len(), vectors.dimensions(), "the query must have the dimensions of the vectors");
        let scorer = vectors.scorer();
        Self { vectors, scorer, query, norm: scorer.norm(query) }
    }

    /// Scores rows, four at a time so that the query is loaded once for them.
    fn block(&self, rows: Range<usize>, mut each: impl FnMut(SimilarWord)) {
        let d = self.vectors.dimensions();
        let (fours, rest) = self.vectors.vectors()[rows.start * d..rows.end * d].split_at((rows.len() / 4) * 4 * d);
        let norms = &self.vectors.norms()[rows.clone()];
        let mut index = 0;
        let mut score = |row: &[f32], dot: f32| {
            let cosine = cosine(dot, (self.query, self.norm), (row, norms[index]));
            each(SimilarWord { id: (rows.start + index) as u32, cosine });
            index += 1;
        };
        for four in fours.chunks_exact(4 * d) {
            let four: [&[f32]; 4] = std::array::from_fn(|i| &four[i * d..(i + 1) * d]);
            let dots = self.scorer.dot_4(self.query, four);
            four.into_iter().zip(dots).for_each(|(row, dot)| score(row, dot));
        }
        rest.chunks_exact(d).for_each(|row| score(row, self.scorer.dot(self.query, row)));
    }
}
