//! The angle: planes through the origin.

use rand_core::Rng;
use wide::f64x4;

use super::{Distance, Rules, not_negative};
use crate::Backend;
use crate::forest::layout::{AngularHeader, Header, NodeFormat};
use crate::forest::node::{Row, vectors};
use crate::forest::sketch::bounds::Bounds;
use crate::forest::split::input::{Mean, SplitInput, SplitNode};
use crate::forest::split::two_means::{TwoMeans, draw, plane_between_means};
use crate::metric::{Angular, Metric};

impl Distance for Angular {
    const METRIC: Metric = Metric::Angular;
}

/// 2 − 2·cos from dot products and the squared lengths of both sides; 2 where a length is zero.
///
/// In f64, where the product of two squares neither overflows nor vanishes. Roots are taken four at a time: one by one
/// they would cost as much as the dot products.
pub(super) fn from_cosines<const N: usize>(dots: [f32; N], own: f32, others: [f32; N]) -> [f32; N] {
    let mut distances = [2.0; N];
    let rows = dots.chunks(4).zip(others.chunks(4)).zip(distances.chunks_mut(4));
    for ((dots, others), distances) in rows {
        let mut squared = [0.0; 4];
        for (squared, other) in squared.iter_mut().zip(others) {
            *squared = f64::from(own) * f64::from(*other);
        }
        let lengths = f64x4::new(squared).sqrt().to_array();
        for ((distance, dot), length) in distances.iter_mut().zip(dots).zip(lengths) {
            if length > 0.0 {
                *distance = (2.0 - 2.0 * f64::from(*dot) / length) as f32;
            }
        }
    }
    distances
}

/// 1/√x, or 0 where x is 0: the cosine with a zero vector is 0.
fn inverse_root(x: f32) -> f32 {
    if x > 0.0 { 1.0 / libm::sqrtf(x) } else { 0.0 }
}

/// The squared length of a row; files from old versions of Annoy do not hold it.
fn squared_length(backend: Backend, row: Row<'_, Angular>) -> f32 {
    match row.header.squared_length() {
        0.0 => backend.dot(row.vector, row.vector),
        squared => squared,
    }
}

impl NodeFormat for Angular {
    type Element = f32;
    type Header = AngularHeader;
}

impl Rules for Angular {
    fn item_header(backend: Backend, vector: &[f32]) -> AngularHeader {
        AngularHeader::item(backend.dot(vector, vector))
    }

    /// The header holds the squared length, or 0 in files from old versions of Annoy.
    fn check_item(backend: Backend, item: Row<'_, Self>) -> bool {
        let (computed, held) = (backend.dot(item.vector, item.vector), item.header.squared_length());
        // Equal first: where the square overflows both are infinite, and their difference is no number.
        let same = held == 0.0 || held == computed || (held - computed).abs() <= computed * 1e-3;
        same && item.header.children()[1] == 0 && item.vector.iter().all(|x| x.is_finite())
    }

    fn distances<const N: usize>(backend: Backend, from: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N] {
        let length = squared_length(backend, from);
        let dots = backend.dot_many(from.vector, vectors(rows));
        from_cosines(dots, length, rows.each_ref().map(|row| squared_length(backend, *row)))
    }

    fn reported(distance: f32) -> f32 {
        libm::sqrtf(not_negative(distance))
    }

    fn margins<const N: usize>(backend: Backend, split: Row<'_, Self>, rows: [&[f32]; N]) -> [f32; N] {
        backend.dot_many(split.vector, rows)
    }

    fn tail(backend: Backend, item: Row<'_, Self>) -> f32 {
        squared_length(backend, item)
    }

    const BOUNDED: bool = true;

    /// The distance's own formula, each step of which keeps an order.
    fn bounds(dots: &Bounds, own: f32, _: usize) -> [[f32; 4]; 2] {
        [dots.high, dots.low].map(|products| from_cosines(products, own, dots.tail))
    }

    fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>) {
        plane_between_means(rng, input, node);
    }
}

impl TwoMeans for Angular {
    const COSINE: bool = true;

    /// [`two_means`](crate::forest::split::two_means::two_means), without waiting for each pull.
    ///
    /// Which mean an item pulls depends on which the one before it pulled, and if each waited for its dot products with means that
    /// have just been moved, the processor would idle most of the time. So the products of the next item with both means
    /// and with this one are computed before it is known which mean this one moves: as a mean moves along a line, to m·keep +
    /// x·add, so do its product with the next item and its own square.
    fn find_means<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, means: &mut [Mean<Self>; 2]) -> Option<()> {
        let backend = input.backend;
        let pulls = draw(rng, input, means)?;
        let mut squares = means.each_ref().map(|mean| backend.dot(&mean.vector, &mean.vector));
        let mut lengths = squares.map(inverse_root);
        let mut counts = [1.0_f32; 2];
        let mut item = input.row(*pulls.first()?)?;
        let mut products = backend.dot_many(item.vector, [&means[0].vector, &means[1].vector]);
        for i in 0..pulls.len() {
            input.prefetch(&pulls, i);
            // After the last item comes the first again, whose products are not used.
            let next = input.row(pulls[(i + 1) % pulls.len()])?;
            let [p, q, own] = backend.dot_many(next.vector, [&means[0].vector, &means[1].vector, item.vector]);
            let mut after = [p, q];
            let square = squared_length(backend, item);
            let length = inverse_root(square);
            if length > 0.0 {
                let distance = |mean: usize| counts[mean] * (2.0 - 2.0 * (products[mean] * length * lengths[mean]));
                let (p, q) = (distance(0), distance(1));
                if p != q {
                    let nearer = usize::from(q < p);
                    let (keep, share) = (counts[nearer] / (counts[nearer] + 1.0), 1.0 / (counts[nearer] + 1.0));
                    let add = length * share;
                    backend.axpby(add, item.vector, keep, &mut means[nearer].vector);
                    squares[nearer] =
                        keep * keep * squares[nearer] + add * (2.0 * keep * products[nearer] + add * square);
                    lengths[nearer] = inverse_root(squares[nearer]);
                    after[nearer] = keep * after[nearer] + add * own;
                    counts[nearer] += 1.0;
                }
            }
            (item, products) = (next, after);
        }
        Some(())
    }

    fn length(backend: Backend, row: Row<'_, Self>) -> f32 {
        libm::sqrtf(squared_length(backend, row))
    }

    fn refresh(backend: Backend, mean: &mut Mean<Self>) {
        mean.header = Self::item_header(backend, &mean.vector);
    }
}
