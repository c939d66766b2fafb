//! Vectors to build packed indexes of.

use ohyeah_core::Metric;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) const METRICS: [Metric; 3] = [Metric::Angular, Metric::Euclidean, Metric::Dot];

/// Points around centres, of several lengths; a few of them twice, and one of zeros.
pub(crate) fn vectors(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
    let centres: Vec<f32> = (0..40 * d).map(|_| 2.0 * uniform()).collect();
    let mut all = Vec::new();
    for at in 0..n {
        let scale = 1.0 + (at % 5) as f32 / 4.0;
        let centre = at * 7 % 40;
        all.extend((0..d).map(|j| scale * (centres[centre * d + j] + uniform())));
    }
    let (first, last) = all.split_at_mut(n / 2 * d);
    last[..3 * d].copy_from_slice(&first[..3 * d]);
    all[5 * d..6 * d].fill(0.0);
    all
}
