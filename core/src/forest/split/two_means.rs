//! Choosing a plane: the hyperplane half way between two means.
//!
//! A full k-means would be far too slow for every node of every tree. Annoy's two-means takes two random items and moves
//! them 200 times: a random item pulls the nearer mean towards itself, with a weight that makes the mean the average of all
//! that pulled it. The distance to a mean counts times the number of items it has, so that the smaller one catches up
//! and the split stays even. Ours differs on small sets alone: there each item is drawn once at the most ([`Pulls`]).

use alloc::vec::Vec;

use rand_core::Rng;

use super::input::{Mean, Pulls, SplitInput, SplitNode};
use crate::Backend;
use crate::forest::node::Row;
use crate::forest::rules::Rules;
use crate::rng::below;

/// How often a random item pulls a mean.
const PULLS: usize = 200;
/// A set of fewer items is a small one.
const SMALL: usize = 1000;
/// How many distinct items pull, of a small set.
const DISTINCT: usize = 120;
/// The metrics whose items are split by a plane between two means.
pub(crate) trait TwoMeans: Rules<Element = f32> {
    /// Whether only directions count: items pull as if they had length one.
    const COSINE: bool;

    /// Finds the means. None only where an id has no row, or there are fewer than two.
    fn find_means<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, means: &mut [Mean<Self>; 2]) -> Option<()> {
        two_means(rng, input, means)
    }

    /// The distance from an item to each mean.
    fn mean_distances(backend: Backend, item: Row<'_, Self>, means: &[Row<'_, Self>; 2]) -> [f32; 2] {
        Self::distances(backend, item, means)
    }

    /// The length of an item; only asked for where `COSINE`.
    fn length(backend: Backend, row: Row<'_, Self>) -> f32;

    /// Recomputes a mean's header after its vector changed.
    fn refresh(backend: Backend, mean: &mut Mean<Self>);

    /// Scales a mean, or a plane's normal, to length one.
    fn normalise(backend: Backend, _header: &mut Self::Header, vector: &mut [f32]) {
        let length = libm::sqrtf(backend.dot(vector, vector));
        if length > 0.0 {
            divide(vector, length);
        }
    }

    /// Moves a mean of `count` items by one more item, which is divided by its length.
    fn pull(backend: Backend, mean: &mut Mean<Self>, count: f32, item: Row<'_, Self>, length: f32) {
        pull(backend, &mut mean.vector, count, item.vector, length);
    }

    /// The parts of the plane's header that lie between the means' headers, before it is normalised.
    fn between(_plane: &mut Self::Header, _p: &Self::Header, _q: &Self::Header) {}

    /// Where the plane lies along its normal, once that is normalised.
    fn place(_plane: &mut Self::Header, _normal: &[f32], _p: &[f32], _q: &[f32]) {}
}

/// (mean·count + item / length) / (count + 1), with the two divisions made once and not for each element.
pub(crate) fn pull(backend: Backend, mean: &mut [f32], count: f32, item: &[f32], length: f32) {
    backend.axpby(1.0 / (length * (count + 1.0)), item, count / (count + 1.0), mean);
}

pub(crate) fn divide(vector: &mut [f32], by: f32) {
    for x in vector {
        *x /= by;
    }
}

/// Finds two means and puts the plane half way between them into `node`.
pub(crate) fn plane_between_means<D: TwoMeans, R: Rng>(
    rng: &mut R,
    input: &SplitInput<'_, D>,
    node: &mut SplitNode<D>,
) {
    if D::find_means(rng, input, &mut node.means).is_none() {
        return;
    }
    let [p, q] = &node.means;
    for (to, (p, q)) in node.vector.iter_mut().zip(p.vector.iter().zip(&q.vector)) {
        *to = p - q;
    }
    D::between(&mut node.header, &p.header, &q.header);
    D::normalise(input.backend, &mut node.header, &mut node.vector);
    D::place(&mut node.header, &node.vector, &p.vector, &q.vector);
}

/// Draws the two items with which the means begin, and those that pull them. None where there are fewer than two.
///
/// The items do not depend on the means: all are drawn at once, so that their memory can be asked for ahead.
pub(crate) fn draw<D: TwoMeans, R: Rng>(
    rng: &mut R,
    input: &SplitInput<'_, D>,
    means: &mut [Mean<D>; 2],
) -> Option<Vec<usize>> {
    let n = input.ids.len();
    let first = below(rng, n)?;
    let mut second = below(rng, n - 1)?;
    if second >= first {
        second += 1;
    }
    for (mean, at) in means.iter_mut().zip([first, second]) {
        mean.copy_from(input.row(at)?);
        if D::COSINE {
            D::normalise(input.backend, &mut mean.header, &mut mean.vector);
        }
        D::refresh(input.backend, mean);
    }
    if matches!(input.pulls, Pulls::Annoy) || n >= SMALL {
        return (0..PULLS).map(|_| below(rng, n)).collect();
    }
    let mut pulls: Vec<usize> = (0..n).collect();
    for at in 0..DISTINCT.min(n) {
        pulls.swap(at, at + below(rng, n - at)?);
    }
    pulls.truncate(DISTINCT);
    Some(pulls)
}

/// None only where an id has no row, or there are fewer than two.
pub(crate) fn two_means<D: TwoMeans, R: Rng>(
    rng: &mut R,
    input: &SplitInput<'_, D>,
    means: &mut [Mean<D>; 2],
) -> Option<()> {
    let backend = input.backend;
    let pulls = draw(rng, input, means)?;
    let mut counts = [1.0_f32; 2];
    for (i, at) in pulls.iter().enumerate() {
        input.prefetch(&pulls, i);
        let item = input.row(*at)?;
        let [p, q] = D::mean_distances(backend, item, &[means[0].row(), means[1].row()]);
        let (p, q) = (counts[0] * p, counts[1] * q);
        let length = if D::COSINE { D::length(backend, item) } else { 1.0 };
        // Not a plain comparison: a NaN length is to be skipped too.
        let pulls_something = length > 0.0;
        if !pulls_something || p == q || p.is_nan() || q.is_nan() {
            continue;
        }
        let nearer = usize::from(q < p);
        D::pull(backend, &mut means[nearer], counts[nearer], item, length);
        D::refresh(backend, &mut means[nearer]);
        counts[nearer] += 1.0;
    }
    Some(())
}
