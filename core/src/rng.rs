//! Random numbers: one stream a tree, so that neither the number of threads nor the order in which they finish can
//! change a byte.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// The stream of one tree: xoshiro256++ whose state is drawn from a mix of seed and tree.
pub(crate) fn tree_stream(seed: u64, tree: u64) -> Xoshiro256PlusPlus {
    let mixed = SplitMix64::seed_from_u64(seed).next_u64();
    Xoshiro256PlusPlus::seed_from_u64(mixed ^ SplitMix64::seed_from_u64(tree).next_u64())
}

/// A random number in `0..n`; none where `n` is 0. The remainder of 64 bits, as Annoy draws it: the bias is below
/// `n` / 2⁶⁴.
pub(crate) fn below<R: Rng>(rng: &mut R, n: usize) -> Option<usize> {
    rng.next_u64().checked_rem(n as u64).map(|x| x as usize)
}
