//! Comparing vectors in full, as they were given.

use crate::{Backend, Metric, Neighbour};

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
            _ => {
                let product = self.backend.dot_f64(self.query, vector);
                let lengths = self.backend.dot_f64(vector, vector) * self.squared;
                if lengths > 0.0 { 2.0 - 2.0 * product / libm::sqrt(lengths) } else { 2.0 }
            }
        }) as f32
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
