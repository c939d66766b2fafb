//! What the target promises.

/// Proof that NEON may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simd) struct Neon(());

impl Neon {
    /// Always there, as the target has it; but Miri has not.
    pub(in crate::simd) const fn detect() -> Option<Self> {
        if cfg!(miri) { None } else { Some(Self(())) }
    }
}
