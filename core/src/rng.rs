//! Random numbers: one stream a tree, so that neither the number of threads nor the order in which they finish can
//! change a byte; and Annoy's generator, for Annoy's trees.

use core::convert::Infallible;

use rand_core::{Rng, SeedableRng, TryRng, utils};
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

/// The generator of Annoy: George Marsaglia's KISS in 64 bits (posted to comp.lang.c on 2009-02-28), a sum of a
/// multiply-with-carry, an xorshift and a congruential generator.
///
/// ```
/// use ohyeah_core::Kiss64;
/// use rand_core::Rng;
///
/// let mut rng = Kiss64::new(Kiss64::DEFAULT_SEED);
/// assert_eq!(rng.next_u64(), 8_932_985_056_925_012_148);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kiss64 {
    x: u64,
    y: u64,
    z: u64,
    carry: u64,
}

impl Kiss64 {
    /// The seed of an Annoy index for which none was set.
    pub const DEFAULT_SEED: u64 = 1_234_567_890_987_654_321;

    /// The generator of this seed, in the state that Annoy starts with.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { x: seed, y: 362_436_362_436_362_436, z: 1_066_149_217_761_810, carry: 123_456_123_456_123_456 }
    }
}

impl TryRng for Kiss64 {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u64() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.z = self.z.wrapping_mul(6_906_969_069).wrapping_add(1_234_567);
        self.y ^= self.y << 13;
        self.y ^= self.y >> 17;
        self.y ^= self.y << 43;
        let t = (self.x << 58).wrapping_add(self.carry);
        self.carry = self.x >> 6;
        self.x = self.x.wrapping_add(t);
        self.carry += u64::from(self.x < t);
        Ok(self.x.wrapping_add(self.y).wrapping_add(self.z))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        utils::fill_bytes_via_next_word(bytes, || self.try_next_u64())
    }
}
