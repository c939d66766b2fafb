//! The space in which an index works: vectors at length one for the angular metric, from an origin in their middle for the
//! euclidean one, and as they are for dot.

use crate::Backend;
use crate::Metric;
use crate::error::VectorError;
use crate::metric::Element;
use crate::simd::in_f64::dot;

/// How vectors, those of the index and those that are searched for, come into the index space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexSpace<'a> {
    pub(crate) metric: Metric,
    /// Where euclidean vectors are seen from: distances are computed from differences of squares, and those of vectors far from
    /// zero would be nothing but rounding. Empty or zero for the other metrics.
    pub(crate) origin: &'a [f32],
}

impl IndexSpace<'_> {
    /// Moves a vector into the index space.
    pub(crate) fn to_index_space(self, vector: &mut [f32]) {
        match self.metric {
            Metric::Angular => normalise(vector),
            Metric::Euclidean => {
                for (x, origin) in vector.iter_mut().zip(self.origin) {
                    *x -= origin;
                }
            }
            _ => {}
        }
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

/// The greatest length *l* of a vector whose products with 7-bit codes are finite: 2*l* from an origin, times √*d* times a range of
/// 4*l*, twice as much where the query's codes are rounded up; below 2¹²⁸ where *d* is 2048, and the most that there can be.
pub(crate) const fn longest_packed(dimensions: usize) -> f32 {
    (if dimensions <= 2048 { 1_u64 << 59 } else { 1 << 57 }) as f32
}

/// Whether a vector is no longer than that.
pub(crate) fn fits_products(vector: &[f32]) -> bool {
    let longest = f64::from(longest_packed(vector.len()));
    dot(vector, vector) <= longest * longest
}

/// Whether an index can have, and search for, a vector. Of directions the lengths do not matter.
pub(crate) fn check_vector(
    metric: Metric,
    vector: &[f32],
    dimensions: usize,
    backend: Backend,
) -> Result<(), VectorError> {
    Element::check(vector, dimensions, backend)?;
    let fits = metric == Metric::Angular || fits_products(vector);
    if fits { Ok(()) } else { Err(VectorError::TooLong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// See [`longest_packed`]: the greatest numbers of dimensions on both sides of its step.
    #[test]
    fn products_with_codes_are_finite() {
        for dimensions in [2048, 65535] {
            let longest = f64::from(longest_packed(dimensions));
            let product = 2.0 * (2.0 * longest) * libm::sqrt(dimensions as f64) * (4.0 * longest);
            assert!(product < f64::from(f32::MAX), "{dimensions}");
        }
    }

    #[test]
    fn each_metric_has_its_space() {
        let moved = |metric, vector: [f32; 2]| {
            let mut vector = vector;
            IndexSpace { metric, origin: &[1.0, -2.0] }.to_index_space(&mut vector);
            vector
        };
        assert_eq!(moved(Metric::Angular, [3.0, 4.0]), [0.6, 0.8]);
        assert_eq!(moved(Metric::Angular, [0.0, 0.0]), [0.0, 0.0]);
        assert_eq!(moved(Metric::Euclidean, [3.0, 4.0]), [2.0, 6.0]);
        assert_eq!(moved(Metric::Dot, [3.0, 4.0]), [3.0, 4.0]);
    }
}
