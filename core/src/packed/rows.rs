//! The vectors that an index is built over, as it sees them.

use alloc::vec::Vec;

use crate::Metric;
use crate::parallel::{self, Join};

/// Vectors side by side; for the angular metric each is read at length one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) metric: Metric,
    pub(crate) vectors: &'a [f32],
    pub(crate) dimensions: usize,
}

/// Rows that a thread takes at a time.
const CHUNK: usize = 1024;

impl<'a> Rows<'a> {
    pub(crate) fn len(&self) -> usize {
        self.vectors.len() / self.dimensions
    }

    pub(crate) fn row(&self, id: u32) -> &'a [f32] {
        let start = id as usize * self.dimensions;
        self.vectors.get(start..start + self.dimensions).unwrap_or(&[])
    }

    /// A row as the index sees it.
    pub(crate) fn read(&self, id: u32, to: &mut [f32]) {
        let row = self.row(id);
        to[..row.len()].copy_from_slice(row);
        if self.metric == Metric::Angular {
            normalise(to);
        }
    }

    /// The least and the greatest number of each dimension.
    pub(crate) fn ranges<J: Join>(&self) -> Vec<[f32; 2]> {
        let chunks = self.len().div_ceil(CHUNK);
        let each = parallel::map::<J, _>(0..chunks, &|chunk| {
            let mut ranges = alloc::vec![[f32::INFINITY, f32::NEG_INFINITY]; self.dimensions];
            let mut row = alloc::vec![0.0; self.dimensions];
            for id in chunk * CHUNK..self.len().min((chunk + 1) * CHUNK) {
                self.read(id as u32, &mut row);
                widen(&mut ranges, row.iter().map(|x| [*x, *x]));
            }
            ranges
        });
        let mut all = alloc::vec![[f32::INFINITY, f32::NEG_INFINITY]; self.dimensions];
        for ranges in each {
            widen(&mut all, ranges.into_iter());
        }
        all
    }
}

fn widen(ranges: &mut [[f32; 2]], by: impl Iterator<Item = [f32; 2]>) {
    for ([low, high], [less, more]) in ranges.iter_mut().zip(by) {
        *low = low.min(less);
        *high = high.max(more);
    }
}

/// Scales a vector to length one, unless it is zero.
pub(crate) fn normalise(vector: &mut [f32]) {
    let length = libm::sqrt(dot(vector, vector));
    if length > 0.0 {
        for x in vector {
            *x = (f64::from(*x) / length) as f32;
        }
    }
}

/// Sums that run side by side.
const LANES: usize = 8;

/// The dot product in f64, where the product of two f32 is exact: whether it is fused with the addition changes nothing, and
/// the result is the same on every machine.
#[inline]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |x, y| x * y)
}

/// The squared distance in f64. The difference of two f32 is rounded once; the rest is as in [`dot`], but for the square, so
/// nothing is fused here either.
#[inline]
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |x, y| (x - y) * (x - y))
}

#[inline]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
            *lane += term(f64::from(*x), f64::from(*y));
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += term(f64::from(*x), f64::from(*y));
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for j in 0..width {
            lanes[j] += lanes[j + width];
        }
    }
    lanes[0]
}
