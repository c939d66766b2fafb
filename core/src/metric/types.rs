//! Each metric as a type with one value, so that code is compiled for it.

use alloc::vec::Vec;

use super::{Metric, bits};

/// √(2 − 2·cos θ): the angle between vectors, whatever their lengths.
///
/// A zero vector lies √2 from everything, and so does one that is shorter than 10⁻²³, whose square is zero.
///
/// ```
/// use ohyeah_core::forest::BuildOptions;
/// use ohyeah_core::{Angular, Forest};
///
/// let forest = Forest::build(Angular, &[1.0, 0.0, 5.0, 0.0, 0.0, 2.0], 2, &BuildOptions::new())?;
/// assert_eq!(forest.distance(0, 1), Ok(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Angular;

/// √Σ(aᵢ − bᵢ)².
///
/// ```
/// use ohyeah_core::forest::BuildOptions;
/// use ohyeah_core::{Euclidean, Forest};
///
/// let forest = Forest::build(Euclidean, &[0.0, 0.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// assert_eq!(forest.distance(0, 1), Ok(5.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Euclidean;

/// Σ|aᵢ − bᵢ|.
///
/// ```
/// use ohyeah_core::forest::BuildOptions;
/// use ohyeah_core::{Forest, Manhattan};
///
/// let forest = Forest::build(Manhattan, &[0.0, 0.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// assert_eq!(forest.distance(0, 1), Ok(7.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manhattan;

/// The number of differing bits.
///
/// Vectors are `u64` words: element `e` is bit `e % 64`, from the lowest, of word `e / 64`, and the bits beyond the last
/// element are zero; [`Hamming::pack`] makes them.
///
/// ```
/// use ohyeah_core::forest::BuildOptions;
/// use ohyeah_core::{Forest, Hamming};
///
/// // Three vectors of 10 bits, a word each.
/// let forest = Forest::build(Hamming, &[0b00_0000_0111, 0b00_0000_0101, 0b11_1111_0000], 10, &BuildOptions::new())?;
/// assert_eq!(forest.distance(0, 1), Ok(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hamming;

/// The dot product Σaᵢ·bᵢ, largest first; trees in f + 1 dimensions, as Annoy builds them since August 2023.
///
/// ```
/// use ohyeah_core::forest::{BuildOptions, Search};
/// use ohyeah_core::{Dot, Forest};
///
/// let forest = Forest::build(Dot, &[1.0, 0.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// assert_eq!(forest.search(&[2.0, 1.0], &Search::top(1))?[0].distance, 10.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dot;

/// The dot product in the layout and with the trees of Annoy 1.17.3 and earlier.
///
/// ```
/// use ohyeah_core::forest::BuildOptions;
/// use ohyeah_core::{DotLegacy, Forest};
///
/// let forest = Forest::build(DotLegacy, &[1.0, 0.0, 3.0, 4.0], 2, &BuildOptions::new())?;
/// assert!(Forest::<DotLegacy, _>::open(forest.as_bytes(), 2).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DotLegacy;

macro_rules! named {
    ($($metric:ident => $name:ident),*) => {$(
        impl From<$metric> for Metric {
            fn from(_: $metric) -> Self {
                Self::$name
            }
        }
    )*};
}

named!(Angular => Angular, Euclidean => Euclidean, Manhattan => Manhattan, Hamming => Hamming, Dot => Dot, DotLegacy => Dot);

impl Hamming {
    /// Packs one number a bit into words, as Annoy does: a bit is set where the number is more than one half.
    #[must_use]
    pub fn pack(numbers: &[f32]) -> Vec<u64> {
        bits::pack(numbers)
    }

    /// The first `dimensions` bits as numbers 0 and 1.
    #[must_use]
    pub fn unpack(words: &[u64], dimensions: usize) -> Vec<f32> {
        bits::unpack(words, dimensions)
    }
}
