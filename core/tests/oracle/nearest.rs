//! Brute force in f64.

use ohyeah_core::Metric;

fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    match metric {
        Metric::Dot => -dot(a, b),
        Metric::Euclidean => a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum::<f64>().sqrt(),
        _ => {
            let lengths = (dot(a, a) * dot(b, b)).sqrt();
            if lengths > 0.0 { (2.0 - 2.0 * dot(a, b) / lengths).max(0.0).sqrt() } else { 2.0_f64.sqrt() }
        }
    }
}

/// The nearest by brute force, nearest first.
pub(crate) fn nearest(metric: Metric, vectors: &[f32], query: &[f32], n: usize) -> Vec<(f64, u32)> {
    let mut all: Vec<(f64, u32)> =
        vectors.chunks_exact(query.len()).map(|row| distance(metric, query, row)).zip(0..).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.truncate(n);
    all
}
