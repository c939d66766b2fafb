//! The dot product, by a trick of Bachrach et al. ("Speeding up the Xbox recommender system using a Euclidean
//! transformation for inner-product spaces", 2014): give each vector one more coordinate, the *factor*, that makes all
//! equally long. Then the largest dot product is the smallest angle, and the angular split works.
//!
//! Annoy has written two layouts. [`Dot`] is that of its main branch; [`DotLegacy`] that of 1.17.3 and earlier, the last
//! that was published, whose trees also look at the factor in a way of their own.

use bytemuck::Zeroable;
use rand_core::Rng;

use super::angular::from_cosines;
use super::{Distance, Rules};
use crate::Backend;
use crate::forest::layout::{DotHeader, DotLegacyHeader, NodeFormat, plain_item};
use crate::forest::node::{Row, vectors};
use crate::forest::sketch::bounds::{Bounds, Plane};
use crate::forest::split::input::{Mean, SplitInput, SplitNode};
use crate::forest::split::two_means::{TwoMeans, divide, plane_between_means, pull};
use crate::metric::{Dot, DotLegacy, Metric};

impl Distance for Dot {
    const METRIC: Metric = Metric::Dot;
}

impl Distance for DotLegacy {
    const METRIC: Metric = Metric::Dot;
}

fn negated_dots<const N: usize>(backend: Backend, from: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    backend.dot_many(from, rows).map(|dot| -dot)
}

fn negated_bounds(dots: &Bounds) -> [[f32; 4]; 2] {
    [dots.high, dots.low].map(|products| products.map(|x| -x))
}

/// √(|v|² + factor²), the last step in f64 as Annoy does it.
fn length(backend: Backend, vector: &[f32], factor: f32) -> f32 {
    let factor = f64::from(factor);
    libm::sqrt(f64::from(backend.dot(vector, vector)) + factor * factor) as f32
}

fn normalise(backend: Backend, vector: &mut [f32], factor: &mut f32) {
    let length = length(backend, vector, *factor);
    if length > 0.0 {
        divide(vector, length);
        *factor /= length;
    }
}

/// Sets each item's factor to √(M² − |v|²), where M is the greatest length; `set(header, factor, M)`.
fn prepare<D: Rules<Element = f32>>(
    backend: Backend,
    items: &mut [f32],
    dimensions: usize,
    set: impl Fn(&mut D::Header, f32, f32),
) {
    let header = size_of::<D::Header>() / size_of::<f32>();
    let squared = |node: &[f32]| backend.dot(&node[header..], &node[header..]);
    let greatest = items.chunks_exact(header + dimensions).map(|node| libm::sqrtf(squared(node))).fold(0.0, f32::max);
    for node in items.chunks_exact_mut(header + dimensions) {
        let length = libm::sqrtf(squared(node));
        let factor = libm::sqrtf((greatest * greatest - length * length).max(0.0));
        set(bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(&mut node[..header])), factor, greatest);
    }
}

impl NodeFormat for Dot {
    type Element = f32;
    type Header = DotHeader;
}

impl Rules for Dot {
    fn item_header(backend: Backend, vector: &[f32]) -> DotHeader {
        let mut header: DotHeader = plain_item();
        header.squared_length = backend.dot(vector, vector);
        header
    }

    fn prepare(backend: Backend, items: &mut [f32], dimensions: usize) {
        prepare::<Self>(backend, items, dimensions, |header, factor, greatest| {
            header.factor = factor;
            header.squared_length = greatest * greatest;
            // Annoy marks holes too, and files should not differ in it.
            header.built = 1;
        });
    }

    fn distances<const N: usize>(backend: Backend, from: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N] {
        negated_dots(backend, from.vector, vectors(rows))
    }

    fn reported(distance: f32) -> f32 {
        -distance
    }

    /// The query's own factor is 0.
    fn margins<const N: usize>(backend: Backend, split: Row<'_, Self>, rows: [&[f32]; N]) -> [f32; N] {
        backend.dot_many(split.vector, rows)
    }

    fn item_margins<const N: usize>(backend: Backend, split: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N] {
        let mut margins = backend.dot_many(split.vector, vectors(rows));
        for (margin, row) in margins.iter_mut().zip(rows) {
            *margin += split.header.factor * row.header.factor;
        }
        margins
    }

    fn tail(_: Backend, item: Row<'_, Self>) -> f32 {
        item.header.factor
    }

    fn plane(split: Row<'_, Self>) -> Plane {
        Plane { offset: 0.0, slope: split.header.factor }
    }

    const BOUNDED: bool = true;

    fn bounds(dots: &Bounds, _: f32, _: usize) -> [[f32; 4]; 2] {
        negated_bounds(dots)
    }

    fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>) {
        plane_between_means(rng, input, node);
    }
}

impl TwoMeans for Dot {
    const COSINE: bool = true;

    fn mean_distances(backend: Backend, item: Row<'_, Self>, means: &[Row<'_, Self>; 2]) -> [f32; 2] {
        let mut dots = backend.dot_many(item.vector, vectors(means));
        for (dot, mean) in dots.iter_mut().zip(means) {
            *dot += item.header.factor * mean.header.factor;
        }
        from_cosines(dots, item.header.squared_length, means.each_ref().map(|mean| mean.header.squared_length))
    }

    fn length(backend: Backend, row: Row<'_, Self>) -> f32 {
        length(backend, row.vector, row.header.factor)
    }

    fn refresh(backend: Backend, mean: &mut Mean<Self>) {
        let factor = mean.header.factor;
        mean.header.squared_length = backend.dot(&mean.vector, &mean.vector) + factor * factor;
    }

    fn normalise(backend: Backend, header: &mut DotHeader, vector: &mut [f32]) {
        normalise(backend, vector, &mut header.factor);
    }

    fn pull(backend: Backend, mean: &mut Mean<Self>, count: f32, item: Row<'_, Self>, length: f32) {
        pull(backend, &mut mean.vector, count, item.vector, length);
        let factor = core::slice::from_mut(&mut mean.header.factor);
        pull(backend, factor, count, &[item.header.factor], length);
    }

    fn between(plane: &mut DotHeader, p: &DotHeader, q: &DotHeader) {
        *plane = DotHeader::zeroed();
        plane.factor = p.factor - q.factor;
    }
}

impl NodeFormat for DotLegacy {
    type Element = f32;
    type Header = DotLegacyHeader;
}

impl Rules for DotLegacy {
    fn item_header(_: Backend, _: &[f32]) -> DotLegacyHeader {
        plain_item()
    }

    fn prepare(backend: Backend, items: &mut [f32], dimensions: usize) {
        prepare::<Self>(backend, items, dimensions, |header, factor, _| {
            header.factor = factor;
        });
    }

    fn distances<const N: usize>(backend: Backend, from: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N] {
        negated_dots(backend, from.vector, vectors(rows))
    }

    fn reported(distance: f32) -> f32 {
        -distance
    }

    /// Adds the square of the plane's factor, where the product of two factors was meant. Trees were built so, and are
    /// searched so: the right formula would look on the wrong sides.
    fn margins<const N: usize>(backend: Backend, split: Row<'_, Self>, rows: [&[f32]; N]) -> [f32; N] {
        let factor = split.header.factor;
        backend.dot_many(split.vector, rows).map(|dot| dot + factor * factor)
    }

    fn plane(split: Row<'_, Self>) -> Plane {
        Plane { offset: split.header.factor * split.header.factor, slope: 0.0 }
    }

    const BOUNDED: bool = true;

    fn bounds(dots: &Bounds, _: f32, _: usize) -> [[f32; 4]; 2] {
        negated_bounds(dots)
    }

    fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>) {
        plane_between_means(rng, input, node);
    }
}

impl TwoMeans for DotLegacy {
    const COSINE: bool = true;

    /// Without the factor: the means' factors stay those of the first two items.
    fn length(backend: Backend, row: Row<'_, Self>) -> f32 {
        length(backend, row.vector, 0.0)
    }

    fn refresh(_: Backend, _: &mut Mean<Self>) {}

    fn normalise(backend: Backend, header: &mut DotLegacyHeader, vector: &mut [f32]) {
        normalise(backend, vector, &mut header.factor);
    }

    fn between(plane: &mut DotLegacyHeader, p: &DotLegacyHeader, q: &DotLegacyHeader) {
        *plane = DotLegacyHeader::zeroed();
        plane.factor = p.factor - q.factor;
    }
}
