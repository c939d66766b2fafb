//! What can be wrong with a vector. What can go wrong with an index is told in [`forest`](crate::forest) and [`packed`](crate::packed).

use core::fmt;

/// Why a vector is none of a collection's: nothing can be computed with it.
///
/// ```
/// use ohyeah_core::error::VectorError;
/// use ohyeah_core::forest::{ItemError, Items};
/// use ohyeah_core::Angular;
///
/// let mut items = Items::<Angular>::new(2)?;
/// let error = VectorError::NotFinite { position: 1 };
/// assert_eq!(items.add(0, &[1.0, f32::NAN]), Err(ItemError::Vector(error)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VectorError {
    /// The vector has another length than the collection's.
    WrongLength {
        /// Elements in a vector of the collection.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// An element is NaN or infinite.
    NotFinite {
        /// Its position in the vector.
        position: usize,
    },
    /// The vector's length is beyond 2⁶²: squares of distances to it would not be numbers of 32 bits.
    TooLong,
    /// Bits beyond the last dimension are set.
    SpareBits,
}

impl fmt::Display for VectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongLength { expected, found } => {
                write!(f, "vector has wrong length (expected {expected}, got {found})")
            }
            Self::NotFinite { position } => {
                write!(f, "the vector's element {position} is NaN or infinite: leave the vector out or mend it")
            }
            Self::TooLong => f.write_str(
                "the vector is longer than 4.6e18, or than 5.7e17 for a packed index (1.4e17 beyond 2,048 dimensions): \
                 scale all vectors down",
            ),
            Self::SpareBits => f.write_str("bits beyond the last dimension are set: clear them, or use Hamming::pack"),
        }
    }
}

impl core::error::Error for VectorError {}
