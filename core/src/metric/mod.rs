//! Metrics: what near means.
//!
//! Inside, a metric is a type ([`Angular`], [`Euclidean`], …) so that a search is compiled for it; at the edges, where a
//! file or a command names one, it is the enum [`Metric`].

pub(crate) mod bits;
mod types;

use alloc::borrow::Cow;
use core::fmt;
use core::str::FromStr;

pub use types::{Angular, Dot, DotLegacy, Euclidean, Hamming, Manhattan};

use crate::Backend;
use crate::error::VectorError;

/// A metric by name, for the edges of a program. The numbers are part of file formats and do not change.
///
/// ```
/// use ohyeah_core::{Angular, Metric};
///
/// assert_eq!("euclidean".parse(), Ok(Metric::Euclidean));
/// assert_eq!(Metric::from(Angular).name(), "angular");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Metric {
    /// √(2 − 2·cos θ), the Euclidean distance of the vectors scaled to length one: 0 the same direction, 2 opposite.
    Angular = 0,
    /// √Σ(aᵢ − bᵢ)².
    Euclidean = 1,
    /// Σ|aᵢ − bᵢ|.
    Manhattan = 2,
    /// The number of differing bits.
    Hamming = 3,
    /// The dot product Σaᵢ·bᵢ, largest first.
    Dot = 4,
}

impl Metric {
    /// Every metric, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Angular, Self::Euclidean, Self::Manhattan, Self::Hamming, Self::Dot];

    /// The name that Annoy, the command line and [`FromStr`] use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Angular => "angular",
            Self::Euclidean => "euclidean",
            Self::Manhattan => "manhattan",
            Self::Hamming => "hamming",
            Self::Dot => "dot",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no metric's.
///
/// ```
/// use ohyeah_core::Metric;
///
/// let error = "cosine".parse::<Metric>().unwrap_err();
/// assert!(error.to_string().starts_with("no such metric: use angular"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownMetric;

impl fmt::Display for UnknownMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such metric: use angular, euclidean, manhattan, hamming or dot")
    }
}

impl core::error::Error for UnknownMetric {}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        Self::ALL.into_iter().find(|metric| metric.name() == name).ok_or(UnknownMetric)
    }
}

/// What vectors are made of: `f32`, or `u64` words of bits.
///
/// ```
/// use ohyeah_core::Element;
///
/// assert_eq!(u64::from_numbers(&[1.0, 0.0, 1.0])[..], [0b101]);
/// assert_eq!(f32::from_numbers(&[1.0, 0.5])[..], [1.0, 0.5]);
/// ```
pub trait Element: bytemuck::Pod + PartialEq + fmt::Debug + Send + Sync + sealed::Sealed {
    /// Whether it is a number a distance can be computed from: not NaN, not infinite.
    fn is_finite(self) -> bool;

    /// Whether these are the elements of a vector of so many dimensions.
    ///
    /// # Errors
    ///
    /// What is wrong with it. Of those vectors that pass, all distances are finite.
    fn check(vector: &[Self], dimensions: usize, backend: Backend) -> Result<(), VectorError>;

    /// A vector of these elements from plain numbers: themselves, or [`Hamming::pack`].
    fn from_numbers(numbers: &[f32]) -> Cow<'_, [Self]>;

    /// The vector itself where its elements are numbers, none where they are bits.
    fn as_floats(vector: &[Self]) -> Option<&[f32]>;

    /// The numbers of a vector: themselves, or [`Hamming::unpack`].
    fn to_numbers(vector: &[Self], dimensions: usize) -> Cow<'_, [f32]>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for u64 {}
}

/// The square of the greatest length, 2⁶²: that of the difference of two vectors is at most 2¹²⁶, and an `f32` with room to
/// spare.
const GREATEST_SQUARED_LENGTH: f32 = (1_u128 << 124) as f32;

/// Whether numbers are as many as a vector's, and finite.
pub(crate) fn check_numbers(numbers: &[f32], dimensions: usize) -> Result<(), VectorError> {
    if numbers.len() != dimensions {
        return Err(VectorError::WrongLength { expected: dimensions, found: numbers.len() });
    }
    match numbers.iter().position(|x| !x.is_finite()) {
        Some(position) => Err(VectorError::NotFinite { position }),
        None => Ok(()),
    }
}

impl Element for f32 {
    fn is_finite(self) -> bool {
        self.is_finite()
    }

    fn check(vector: &[f32], dimensions: usize, backend: Backend) -> Result<(), VectorError> {
        check_numbers(vector, dimensions)?;
        if backend.dot(vector, vector) <= GREATEST_SQUARED_LENGTH { Ok(()) } else { Err(VectorError::TooLong) }
    }

    fn from_numbers(numbers: &[f32]) -> Cow<'_, [f32]> {
        Cow::Borrowed(numbers)
    }

    fn as_floats(vector: &[f32]) -> Option<&[f32]> {
        Some(vector)
    }

    fn to_numbers(vector: &[f32], _: usize) -> Cow<'_, [f32]> {
        Cow::Borrowed(vector)
    }
}

impl Element for u64 {
    fn is_finite(self) -> bool {
        true
    }

    fn check(vector: &[u64], dimensions: usize, _: Backend) -> Result<(), VectorError> {
        let expected = bits::words(dimensions);
        if vector.len() != expected {
            return Err(VectorError::WrongLength { expected, found: vector.len() });
        }
        let used = dimensions % u64::BITS as usize;
        let spare = used > 0 && vector.last().is_some_and(|word| word >> used != 0);
        if spare { Err(VectorError::SpareBits) } else { Ok(()) }
    }

    fn from_numbers(numbers: &[f32]) -> Cow<'_, [u64]> {
        Cow::Owned(bits::pack(numbers))
    }

    fn as_floats(_: &[u64]) -> Option<&[f32]> {
        None
    }

    fn to_numbers(vector: &[u64], dimensions: usize) -> Cow<'_, [f32]> {
        Cow::Owned(bits::unpack(vector, dimensions))
    }
}
