//! Dot products that no vector of finite numbers can spoil.
//!
//! Sums in `f32` are what gensim reports and what the kernels are fast at. They fail in two corners: squares of numbers
//! above 1e19 overflow, and squares of numbers below 1e-19 vanish, which would make a NaN or a zero vector of an honest
//! one. Both show in the lengths or the sum, so the plain sum is tried first and `f64` repairs the rare row.

use ohyeah::Backend;

/// The instruction set to use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scorer(pub(crate) Backend);

impl Scorer {
    pub(crate) fn detect() -> Self {
        Self(Backend::detect())
    }

    /// The sum of products, possibly infinite or NaN.
    pub(crate) fn dot(self, a: &[f32], b: &[f32]) -> f32 {
        self.0.dot(a, b)
    }

    /// One vector against four rows.
    pub(crate) fn dot_4(self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        self.0.dot_many(a, rows)
    }

    /// The Euclidean length; 0 for a vector of zeros only (or one so short that `f32` has no number for its length).
    pub(crate) fn norm(self, row: &[f32]) -> f32 {
        let square = self.dot(row, row);
        // Below this the squares have lost bits, or all, to underflow.
        if square.is_finite() && square > 1e-30 {
            return square.sqrt();
        }
        let square: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        (square.sqrt() as f32).min(f32::MAX)
    }
}

/// The cosine of two vectors given with their lengths, `dot` being their product in `f32`: within ±1, and 0 if a length
/// is 0.
pub(crate) fn cosine(dot: f32, a: (&[f32], f32), b: (&[f32], f32)) -> f32 {
    if a.1 == 0.0 || b.1 == 0.0 {
        return 0.0;
    }
    // The product of two very short vectors underflows, and the greatest norm stands for greater ones.
    let in_range = a.1.min(b.1) > 1e-12 && a.1.max(b.1) < f32::MAX && dot.is_finite();
    if in_range {
        // In `f32` the product of the norms could overflow where their quotients with `dot` would not.
        let cosine = f64::from(dot) / (f64::from(a.1) * f64::from(b.1));
        return cosine.clamp(-1.0, 1.0) as f32;
    }
    careful_cosine(a.0, b.0)
}

#[cold]
fn careful_cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum() };
    let cosine = dot(a, b) / dot(a, a).sqrt() / dot(b, b).sqrt();
    cosine.clamp(-1.0, 1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_at_both_ends_of_f32_do_not_matter() {
        let scorer = Scorer::detect();
        let direction = [0.3_f32, -0.4, 0.5, 0.1];
        for scale in [1e-44, 1e-40, 1e-30, 1e-20, 1e-10, 1.0, 1e10, 1e20, 1e30, 3e38] {
            let row = direction.map(|x| x * scale);
            let norm = scorer.norm(&row);
            assert!(norm > 0.0 && norm.is_finite(), "{scale:e}: {norm}");
            for other in [1e-40, 1e-20, 1.0, 1e20, 1e38] {
                let other = direction.map(|x| -x * other);
                let dot = scorer.dot(&row, &other);
                let found = cosine(dot, (&row, norm), (&other, scorer.norm(&other)));
                // At 1e-44 a component has three bits left.
                let tolerance = if scale < 1e-42 { 0.1 } else { 1e-4 };
                assert!((found + 1.0).abs() < tolerance, "{scale:e}: {found}");
            }
        }
        assert_eq!(scorer.norm(&[0.0; 4]), 0.0);
        assert_eq!(cosine(0.0, (&[0.0; 4], 0.0), (&direction, 1.0)), 0.0);
    }
}
