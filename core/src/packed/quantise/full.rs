//! Comparing vectors in full, as they were given.

use crate::simd::in_f64::squared_l2_scaled;
use crate::{Backend, Metric, Neighbour};

/// Squared distances between directions that are less than this have lost digits of an f32 where they were computed as 2 − 2·cosine:
/// the difference of the directions keeps them.
const CANCELLED: f64 = 1e-8;
/// Less than this is rounding: of two numbers in f64 for each dimension, 2⁻⁵³ of each.
const SAME: f64 = 1e-31;

/// Distances from a query, in f64, so that they are the same on every machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FullQuery<'q> {
    backend: Backend,
    metric: Metric,
    query: &'q [f32],
    squared: f64,
}

impl<'q> FullQuery<'q> {
    pub(crate) fn new(backend: Backend, metric: Metric, query: &'q [f32]) -> Self {
        Self { backend, metric, query, squared: backend.dot_f64(query, query) }
    }

    /// What orders by distance: the squared distance, or minus the product.
    #[inline]
    pub(crate) fn order(&self, vector: &[f32]) -> f32 {
        (match self.metric {
            Metric::Euclidean => self.backend.squared_l2_f64(self.query, vector),
            Metric::Dot => -self.backend.dot_f64(self.query, vector),
            _ => self.between_directions(vector),
        }) as f32
    }

    #[inline]
    fn between_directions(&self, vector: &[f32]) -> f64 {
        let product = self.backend.dot_f64(self.query, vector);
        let squared = self.backend.dot_f64(vector, vector);
        let lengths = squared * self.squared;
        if lengths <= 0.0 {
            return 2.0;
        }
        let order = 2.0 - 2.0 * product / libm::sqrt(lengths);
        if order < CANCELLED {
            let scales = [self.squared, squared].map(|squared| 1.0 / libm::sqrt(squared));
            let order = squared_l2_scaled(self.query, vector, scales);
            return if order < SAME { 0.0 } else { order };
        }
        order
    }
}

/// The distance of what orders.
pub(crate) fn reported(metric: Metric, found: Neighbour) -> Neighbour {
    let distance = match metric {
        Metric::Dot => 0.0 - found.distance,
        // Not `max`, which would make 0 of what is no number.
        _ if found.distance < 0.0 => 0.0,
        _ => libm::sqrtf(found.distance),
    };
    Neighbour { distance, ..found }
}
