//! What a sketch tells of four rows: bounds on their dot products, and the sides of a plane that follow.

use wide::f32x4;

/// The rounding error in f32 of a dot product of so many terms, as a share of the product of the lengths: a lane of a kernel adds one term in 32,
/// the lanes fold in five steps, and what is computed here adds a few steps more.
pub(crate) fn roundings(terms: usize) -> f64 {
    (terms as f64 / 32.0 + 24.0) * f64::from(f32::EPSILON)
}

/// Between what numbers four dot products lie.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub(crate) low: [f32; 4],
    pub(crate) high: [f32; 4],
    /// The rows' [`Rules::tail`].
    pub(crate) tail: [f32; 4],
}

impl Bounds {
    pub(super) const NONE: Self = Self { low: [f32::NAN; 4], high: [f32::NAN; 4], tail: [f32::NAN; 4] };
}

/// A plane as a sketch's rows see it: the margin of an item is the dot product, plus the offset, plus the slope times the
/// item's tail.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plane {
    pub(crate) offset: f32,
    pub(crate) slope: f32,
}

impl Plane {
    /// Which of four items lie on side 1 for sure, and which on side 0: a bit for each. Adding rounds, but never over zero:
    /// signs are right.
    #[inline]
    pub(crate) fn sides(self, dots: &Bounds) -> [u32; 2] {
        let more = f32x4::new(dots.tail) * self.slope + self.offset;
        let [low, high] = [dots.low, dots.high].map(|dots| f32x4::new(dots) + more);
        [low.simd_gt(f32x4::ZERO), high.simd_lt(f32x4::ZERO)].map(f32x4::to_bitmask)
    }
}
