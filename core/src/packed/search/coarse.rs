//! Which leaves are scanned: those whose centroids have the best products with the query.

use alloc::vec::Vec;

use crate::Metric;
use crate::packed::file::view::View;
use crate::packed::quantise::sq7::{QuantisedQuery, tile_width};
use crate::simd::TILE_ROWS;
use crate::simd::in_f64::dot;
use crate::top_k::{key, split_key};

/// What the biases of leaves are multiplied with for a query: its length for dot, where one that is twice as long has the same
/// answers.
pub(crate) fn bias_scale(metric: Metric, query: &[f32]) -> f32 {
    let length = if metric == Metric::Dot { libm::sqrt(dot(query, query)) as f32 } else { 1.0 };
    // 0 times minus infinity is not a number.
    if length > 0.0 { length } else { 1.0 }
}

/// Compares a query with all centroids.
pub(super) fn score_leaves(
    view: &View<'_>,
    query: &QuantisedQuery,
    bias_scale: f32,
    scores: &mut Vec<[f32; TILE_ROWS]>,
) {
    let width = tile_width(view.shape.dimensions);
    let biases = view.centroid_biases.as_chunks::<TILE_ROWS>().0;
    scores.clear();
    for (tile, biases) in view.centroids.chunks_exact(width).zip(biases) {
        let mut sums = [[0; TILE_ROWS]];
        view.backend.tile_u7(&query.codes, tile, &mut sums);
        let mut of_tile = [0.0; TILE_ROWS];
        for ((score, sum), bias) in of_tile.iter_mut().zip(&sums[0]).zip(biases) {
            *score = query.step * *sum as f32 + bias_scale * bias;
        }
        scores.push(of_tile);
    }
}

/// Groups of scores of a tile that share a maximum.
const GROUPS: usize = 4;

/// The keys of the `n` leaves with the best scores, in no order. A leaf whose score is minus infinity is none.
pub(crate) fn best_leaves(scores: &[[f32; TILE_ROWS]], n: usize, keys: &mut Vec<u64>) {
    keys.clear();
    let limit = lower_limit(scores, n, keys);
    for (first, of_tile) in (0..).step_by(TILE_ROWS).zip(scores) {
        if of_tile.iter().any(|score| *score >= limit) {
            for (leaf, score) in (first..).zip(of_tile) {
                if *score >= limit && *score > f32::NEG_INFINITY {
                    keys.push(key(-score, leaf));
                }
            }
        }
    }
    if keys.len() > n {
        keys.select_nth_unstable(n.max(1) - 1);
        keys.truncate(n.max(1));
    }
}

/// A score that at least `n` leaves reach, and not many more: as many groups as reach the n-th greatest of the groups' maxima
/// have a score that does.
fn lower_limit(scores: &[[f32; TILE_ROWS]], n: usize, keys: &mut Vec<u64>) -> f32 {
    if !(1..scores.len() * GROUPS / 2).contains(&n) {
        return f32::NEG_INFINITY;
    }
    for of_tile in scores {
        // The greatest of lanes 0, 4, 8 and 12, of 1, 5, 9 and 13, and so on.
        for group in 0..GROUPS {
            let greatest = (group..TILE_ROWS).step_by(GROUPS).fold(f32::NEG_INFINITY, |a, lane| a.max(of_tile[lane]));
            keys.push(key(-greatest, 0));
        }
    }
    let (_, last, _) = keys.select_nth_unstable(n - 1);
    let limit = -split_key(*last).0;
    keys.clear();
    limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_leaves_are_those_of_a_sort() {
        let scores: Vec<[f32; TILE_ROWS]> = (0..40_u32)
            .map(|tile| {
                core::array::from_fn(|lane| {
                    let number = (tile * 16 + lane as u32).wrapping_mul(2_654_435_761) % 977;
                    if number.is_multiple_of(10) { f32::NEG_INFINITY } else { number as f32 }
                })
            })
            .collect();
        let mut sorted: Vec<(f32, usize)> = scores.as_flattened().iter().map(|score| -score).zip(0..).collect();
        sorted.retain(|(minus_score, _)| *minus_score < f32::INFINITY);
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut keys = Vec::new();
        for n in [1, 2, 7, 40, 79, 80, 81, 400, 640, 1000] {
            best_leaves(&scores, n, &mut keys);
            keys.sort_unstable();
            let found: Vec<usize> = keys.iter().map(|key| *key as u32 as usize).collect();
            let expected: Vec<usize> = sorted.iter().take(n).map(|(_, leaf)| *leaf).collect();
            assert_eq!(found, expected, "{n}");
        }
    }
}
