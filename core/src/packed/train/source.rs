//! The vectors that an index is built over, as it sees them.

use alloc::vec::Vec;

use crate::Metric;
use crate::parallel::{self, Join};
use crate::simd::in_f64::dot;

/// Vectors side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) metric: Metric,
    pub(crate) vectors: &'a [f32],
    pub(crate) dimensions: usize,
    /// See [`see`]; empty while it is not known.
    pub(crate) origin: &'a [f32],
}

/// Makes of a vector, one of the index or one that is searched for, what the index sees.
///
/// For the angular metric that is the vector at length one. For the euclidean one it is the vector from an origin in the middle
/// of all: distances are differences of squares there, and those of vectors far from zero would be nothing but rounding.
pub(crate) fn see(metric: Metric, origin: &[f32], vector: &mut [f32]) {
    match metric {
        Metric::Angular => normalise(vector),
        Metric::Euclidean => {
            for (x, origin) in vector.iter_mut().zip(origin) {
                *x -= origin;
            }
        }
        _ => {}
    }
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
        see(self.metric, self.origin, to);
    }

    /// The least and the greatest number of each dimension, as the index sees them.
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
