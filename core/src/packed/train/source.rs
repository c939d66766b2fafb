//! The vectors that an index is built over.

use alloc::vec;
use alloc::vec::Vec;

use crate::packed::error::InputError;
use crate::packed::file::layout::{MOST_DIMENSIONS, can_pack};
use crate::packed::quantise::space::{IndexSpace, check_vector, fits_products};
use crate::parallel::{self, Join};
use crate::{Backend, Metric};

/// Vectors side by side, read in the index space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowSource<'a> {
    pub(crate) vectors: &'a [f32],
    pub(crate) dimensions: usize,
    pub(crate) space: IndexSpace<'a>,
}

/// Where no number that distances are made of is as much, their squares and products leave the range of f32.
const LEAST_APART: f32 = 1e-17;

/// Rows that a thread takes at a time.
const CHUNK: usize = 1024;

impl<'a> RowSource<'a> {
    /// Vectors that can be packed, with the origin at zero.
    pub(crate) fn new(
        metric: Metric,
        vectors: &'a [f32],
        dimensions: usize,
        backend: Backend,
    ) -> Result<Self, InputError> {
        if !can_pack(metric) {
            return Err(InputError::Metric(metric));
        }
        if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return Err(InputError::Dimensions(dimensions));
        }
        if !vectors.len().is_multiple_of(dimensions) {
            return Err(InputError::Length { numbers: vectors.len(), dimensions });
        }
        let source = Self { vectors, dimensions, space: IndexSpace { metric, origin: &[] } };
        if i32::try_from(source.len()).is_err() {
            return Err(InputError::TooMany);
        }
        for (id, row) in (0..).zip(vectors.chunks_exact(dimensions)) {
            check_vector(metric, row, dimensions, backend).map_err(|error| InputError::Vector { id, error })?;
        }
        // All alike is well.
        if source.has_numbers_from(f32::from_bits(1)) && !source.has_numbers_from(LEAST_APART) {
            return Err(InputError::TooSmall);
        }
        Ok(source)
    }

    /// Whether any number that distances are made of is at least this.
    fn has_numbers_from(&self, least: f32) -> bool {
        let Some(first) = self.vectors.get(..self.dimensions) else { return false };
        let mut rows = self.vectors.chunks_exact(self.dimensions);
        match self.metric() {
            Metric::Euclidean => {
                rows.any(|row| row.iter().zip(first).any(|(x, of_first)| (x - of_first).abs() >= least))
            }
            Metric::Dot => self.vectors.iter().any(|x| x.abs() >= least),
            _ => true,
        }
    }

    /// The same vectors, seen from an origin.
    pub(crate) const fn seen_from<'o>(self, origin: &'o [f32]) -> RowSource<'o>
    where
        'a: 'o,
    {
        RowSource { space: IndexSpace { metric: self.space.metric, origin }, ..self }
    }

    pub(crate) const fn metric(&self) -> Metric {
        self.space.metric
    }

    pub(crate) fn len(&self) -> usize {
        self.vectors.len() / self.dimensions
    }

    /// A vector as it was given.
    pub(crate) fn vector(&self, id: u32) -> &'a [f32] {
        let start = id as usize * self.dimensions;
        &self.vectors[start..start + self.dimensions]
    }

    /// Writes a vector in the index space.
    pub(crate) fn read(&self, id: u32, to: &mut [f32]) {
        let to = &mut to[..self.dimensions];
        to.copy_from_slice(self.vector(id));
        self.space.to_index_space(to);
    }

    /// The least and the greatest number of each dimension in the index space.
    pub(crate) fn ranges<J: Join>(&self) -> Vec<[f32; 2]> {
        let nothing = || vec![[f32::INFINITY, f32::NEG_INFINITY]; self.dimensions];
        let chunks = self.len().div_ceil(CHUNK);
        let each = parallel::map::<J, _>(0..chunks, &|chunk| {
            let (mut ranges, mut row) = (nothing(), vec![0.0; self.dimensions]);
            for id in chunk * CHUNK..self.len().min((chunk + 1) * CHUNK) {
                self.read(id as u32, &mut row);
                widen(&mut ranges, row.iter().map(|x| [*x, *x]));
            }
            ranges
        });
        let mut all = nothing();
        for ranges in each {
            widen(&mut all, ranges.into_iter());
        }
        all
    }

    /// Where the index should see vectors from: the middle of the ranges of euclidean ones, else zero.
    pub(crate) fn middle<J: Join>(&self) -> Vec<f32> {
        if self.metric() != Metric::Euclidean {
            return vec![0.0; self.dimensions];
        }
        let middle = |[low, high]: [f32; 2]| if low <= high { low / 2.0 + high / 2.0 } else { 0.0 };
        let origin: Vec<f32> = self.ranges::<J>().into_iter().map(middle).collect();
        // From an origin as near to zero as vectors have to be, none is farther than twice that.
        if fits_products(&origin) { origin } else { vec![0.0; self.dimensions] }
    }
}

fn widen(ranges: &mut [[f32; 2]], by: impl Iterator<Item = [f32; 2]>) {
    for ([low, high], [less, more]) in ranges.iter_mut().zip(by) {
        *low = low.min(less);
        *high = high.max(more);
    }
}
