//! The metrics whose planes do not go through the origin: Euclidean and Manhattan. They share layout and split; only the
//! distance differs.

use rand_core::Rng;

use super::{Distance, Rules, not_negative};
use crate::Backend;
use crate::forest::layout::{NodeFormat, OffsetHeader, plain_item};
use crate::forest::node::{Row, vectors};
use crate::forest::sketch::bounds::{Bounds, Plane, roundings};
use crate::forest::split::input::{Mean, SplitInput, SplitNode};
use crate::forest::split::two_means::{TwoMeans, plane_between_means};
use crate::metric::{Euclidean, Manhattan, Metric};

impl Distance for Euclidean {
    const METRIC: Metric = Metric::Euclidean;
}

impl Distance for Manhattan {
    const METRIC: Metric = Metric::Manhattan;
}

/// Half way between the means: Σ −vᵢ·(pᵢ + qᵢ)/2.
fn offset(normal: &[f32], p: &[f32], q: &[f32]) -> f32 {
    normal.iter().zip(p.iter().zip(q)).fold(0.0, |sum, (v, (p, q))| sum - v * (p + q) / 2.0)
}

macro_rules! offset_metric {
    ($metric:ident, $kernel:ident, $reported:expr, { $($bounds:tt)* }) => {
        impl NodeFormat for $metric {
            type Element = f32;
            type Header = OffsetHeader;
        }

        impl Rules for $metric {
            fn item_header(_: Backend, _: &[f32]) -> OffsetHeader {
                plain_item()
            }

            fn distances<const N: usize>(backend: Backend, from: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N] {
                backend.$kernel(from.vector, vectors(rows))
            }

            fn reported(distance: f32) -> f32 {
                $reported(not_negative(distance))
            }

            fn margins<const N: usize>(backend: Backend, split: Row<'_, Self>, rows: [&[f32]; N]) -> [f32; N] {
                backend.dot_many(split.vector, rows).map(|dot| dot + split.header.offset)
            }

            fn plane(split: Row<'_, Self>) -> Plane {
                Plane { offset: split.header.offset, slope: 0.0 }
            }

            $($bounds)*

            fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>) {
                plane_between_means(rng, input, node);
            }
        }

        impl TwoMeans for $metric {
            const COSINE: bool = false;

            fn length(_: Backend, _: Row<'_, Self>) -> f32 {
                1.0
            }

            fn refresh(_: Backend, _: &mut Mean<Self>) {}

            fn place(plane: &mut OffsetHeader, normal: &[f32], p: &[f32], q: &[f32]) {
                plane.offset = offset(normal, p, q);
            }
        }
    };
}

offset_metric!(Euclidean, squared_l2_many, libm::sqrtf, {
    fn tail(backend: Backend, item: Row<'_, Self>) -> f32 {
        backend.dot(item.vector, item.vector)
    }

    const BOUNDED: bool = true;

    /// |p|² + |q|² − 2·p·q. The distance itself is computed in another way: both ways lose a little of the squares' sum.
    fn bounds(dots: &Bounds, own: f32, dimensions: usize) -> [[f32; 4]; 2] {
        let lost = 4.0 * roundings(dimensions) as f32;
        [(dots.high, -1.0), (dots.low, 1.0)].map(|(products, sign)| {
            let mut distances = [0.0; 4];
            for (distance, (product, tail)) in distances.iter_mut().zip(products.into_iter().zip(dots.tail)) {
                let squares = own + tail;
                *distance = squares - 2.0 * product + sign * (lost * squares + f32::MIN_POSITIVE);
            }
            distances
        })
    }
});
// A sum of magnitudes does not follow from a dot product.
offset_metric!(Manhattan, l1_many, core::convert::identity, {});
