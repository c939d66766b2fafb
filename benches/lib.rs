//! Data for the benches: made up, and the same at each run.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// `n` vectors of `dimensions` numbers between −1 and 1, gathered around a few centres, so that trees find something to
/// split by.
#[must_use]
pub fn vectors(n: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut uniform = move || (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
    let centres: Vec<Vec<f32>> = (0..64).map(|_| (0..dimensions).map(|_| uniform()).collect()).collect();
    (0..n).map(|i| centres[i % centres.len()].iter().map(|x| 0.5 * x + 0.5 * uniform()).collect()).collect()
}

/// `n` strings of `words` times 64 bits.
#[must_use]
pub fn bits(n: usize, words: usize) -> Vec<Vec<u64>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    (0..n).map(|_| (0..words).map(|_| rng.next_u64()).collect()).collect()
}
