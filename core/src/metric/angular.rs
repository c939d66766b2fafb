use rand_core::Rng;
use wide::f64x4;

use super::{Distance, Metric, not_negative};
use crate::Backend;
use crate::forest::node::{AngularHeader, Header, Row, vectors};
use crate::forest::rules::Rules;
use crate::forest::split::{Mean, SplitInput, SplitNode, TwoMeans, plane_between_means};

/// √(2 − 2·cos θ): the angle between vectors, whatever their lengths. A zero vector lies √2 from everything, and so
/// does one that is shorter than 10⁻²³, whose square is zero.
#[derive(Clone, Copy, Debug)]
pub enum Angular {}

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

/// The squared length of a row; files from old versions of Annoy do not hold it.
fn squared_length(backend: Backend, row: Row<'_, Angular>) -> f32 {
    match row.header.squared_length() {
        0.0 => backend.dot(row.vector, row.vector),
        squared => squared,
    }
}

impl Rules for Angular {
    type Element = f32;
    type Header = AngularHeader;

    fn item_header(backend: Backend, vector: &[f32]) -> AngularHeader {
        AngularHeader::item(backend.dot(vector, vector))
    }

    /// The header holds the squared length, or nothing in files from old versions of Annoy.
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

    fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>) {
        plane_between_means(rng, input, node);
    }
}

impl TwoMeans for Angular {
    const COSINE: bool = true;

    fn length(backend: Backend, row: Row<'_, Self>) -> f32 {
        libm::sqrtf(squared_length(backend, row))
    }

    fn refresh(backend: Backend, mean: &mut Mean<Self>) {
        mean.header = Self::item_header(backend, &mean.vector);
    }
}
