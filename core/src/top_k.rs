//! The nearest few of many.

use alloc::vec::Vec;

/// An item found, and how far it lies.
///
/// ```
/// use ohyeah_core::packed::{BuildOptions, Search};
/// use ohyeah_core::{Euclidean, Neighbour, Packed};
///
/// let index = Packed::build(Euclidean, &[0.0, 0.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// let found = index.search(&[0.0, 0.0], &Search::top(2).exact())?;
/// assert_eq!(found[1], Neighbour { id: 1, distance: 5.0 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The item's id.
    pub id: u32,
    /// The distance in the metric's own terms (see [`Metric`](crate::Metric)); for dot, the product itself.
    pub distance: f32,
}

/// A float as an integer that has the same order; NaN after everything, both zeros alike.
#[inline]
fn ordered(x: f32) -> u32 {
    let bits = if x.is_nan() { f32::NAN.to_bits() } else { (x + 0.0).to_bits() };
    // Negative numbers: larger bits are smaller numbers. Positive ones: move them above the negative ones.
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// The float of an [`ordered`] integer.
#[inline]
fn unordered(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

/// One key that sorts by distance, then id.
#[inline]
pub(crate) fn key(distance: f32, id: u32) -> u64 {
    u64::from(ordered(distance)) << 32 | u64::from(id)
}

/// The two parts of a [`key`].
#[inline]
pub(crate) fn split_key(key: u64) -> (f32, u32) {
    (unordered((key >> 32) as u32), key as u32)
}

/// Keeps the `n` smallest (distance, id) of those pushed.
///
/// No heap: keys below the threshold are appended, and when there are twice too many a selection cuts them back and
/// lowers the threshold. Soon nearly every push is one comparison.
#[derive(Debug, Default)]
pub(crate) struct TopK {
    keys: Vec<u64>,
    n: usize,
    /// Once there are `n`: only smaller keys are worth keeping.
    threshold: Option<u64>,
    /// The distance of the threshold: beyond it a push ends after one comparison.
    farthest: f32,
}

/// Small `n` would cut too often.
const FEWEST_BEFORE_CUT: usize = 64;
/// Room that is made before it is needed.
const MOST_RESERVED: usize = 4096;

impl TopK {
    /// Empties it, to keep `n`.
    pub(crate) fn reset(&mut self, n: usize) {
        self.keys.clear();
        // It is cut before it needs more. Where many are wanted, it grows with what comes.
        self.keys.reserve(n.saturating_mul(2).clamp(FEWEST_BEFORE_CUT, MOST_RESERVED));
        self.n = n;
        self.threshold = None;
        self.farthest = f32::INFINITY;
    }

    #[inline]
    pub(crate) fn push(&mut self, distance: f32, id: u32) {
        if distance > self.farthest {
            return;
        }
        let key = key(distance, id);
        if self.threshold.is_some_and(|threshold| key >= threshold) {
            return;
        }
        self.keys.push(key);
        if self.keys.len() >= self.n.saturating_mul(2).max(FEWEST_BEFORE_CUT) {
            self.cut();
        }
    }

    #[cold]
    #[inline(never)]
    fn cut(&mut self) {
        if self.n == 0 {
            self.keys.clear();
            self.threshold = Some(0);
            self.farthest = f32::NEG_INFINITY;
        } else if self.keys.len() > self.n {
            let (_, last, _) = self.keys.select_nth_unstable(self.n - 1);
            self.threshold = Some(*last);
            self.farthest = split_key(*last).0;
            self.keys.truncate(self.n);
        }
    }

    /// A push of a greater distance changes nothing.
    #[inline]
    pub(crate) fn farthest(&self) -> f32 {
        self.farthest
    }

    /// The greatest of the `n` distances; infinite where there are fewer.
    pub(crate) fn limit(&mut self) -> f32 {
        if self.keys.len() >= self.n {
            self.cut();
            // As many as `n` are not cut, but none of them need be kept sorted.
            return self.keys.iter().max().map_or(self.farthest, |key| split_key(*key).0);
        }
        f32::INFINITY
    }

    /// The nearest, in order of distance, then id.
    pub(crate) fn finish(&mut self) -> impl Iterator<Item = Neighbour> + '_ {
        self.cut();
        self.keys.sort_unstable();
        self.keys.iter().map(|key| {
            let (distance, id) = split_key(*key);
            Neighbour { id, distance }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::{Rng, SeedableRng};

    #[test]
    fn integers_keep_the_order_of_floats() {
        let floats = [f32::NEG_INFINITY, f32::MIN, -1.0, -1e-45, 0.0, 1e-45, 1.0, f32::MAX, f32::INFINITY, f32::NAN];
        assert!(floats.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert_eq!(ordered(-0.0), ordered(0.0));
        assert_eq!(ordered(-f32::NAN), ordered(f32::NAN));
        assert!(floats.iter().all(|x| unordered(ordered(*x)).to_bits() == x.to_bits()));
    }

    #[test]
    fn keeps_what_a_sort_would() {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
        let mut top = TopK::default();
        for (total, n) in [(0, 5), (3, 5), (64, 0), (1000, 0), (1000, 1), (1000, 15), (5000, 700), (100, usize::MAX)] {
            // Few different distances: ties are common, and go by id.
            let all: Vec<_> = (0..total).map(|id| ((rng.next_u32() % 50) as f32 - 25.0, id)).collect();
            top.reset(n);
            for (distance, id) in &all {
                top.push(*distance, *id);
            }
            let mut expected = all;
            expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
            expected.truncate(n);
            let found: Vec<_> = top.finish().map(|x| (x.distance, x.id)).collect();
            assert_eq!(found, expected);
        }
    }
}
