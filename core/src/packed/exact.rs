//! Comparing vectors in full.

use super::rows::{dot, dot_and_square, squared_distance};
use crate::{Metric, Neighbour};

/// Distances from a query, in f64, so that they are the same on every machine; see [`dot`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact<'q> {
    metric: Metric,
    query: &'q [f32],
    squared: f64,
}

impl<'q> Exact<'q> {
    pub(crate) fn new(metric: Metric, query: &'q [f32]) -> Self {
        Self { metric, query, squared: dot(query, query) }
    }

    /// What orders by distance: the squared distance, or minus the product.
    #[inline]
    pub(crate) fn order(&self, vector: &[f32]) -> f32 {
        (match self.metric {
            Metric::Euclidean => squared_distance(self.query, vector),
            Metric::Dot => -dot(self.query, vector),
            _ => {
                let [product, squared] = dot_and_square(self.query, vector);
                let lengths = squared * self.squared;
                if lengths > 0.0 { 2.0 - 2.0 * product / libm::sqrt(lengths) } else { 2.0 }
            }
        }) as f32
    }
}

/// The distance of what orders.
pub(crate) fn reported(metric: Metric, found: Neighbour) -> Neighbour {
    let distance = match metric {
        Metric::Dot => 0.0 - found.distance,
        _ => libm::sqrtf(found.distance.max(0.0)),
    };
    Neighbour { distance, ..found }
}
