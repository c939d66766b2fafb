//! Numbers on the command line, and what each option takes.

use std::{num::NonZeroUsize, str::FromStr};

/// `--threads`; a mistyped million of them would take all memory.
pub(crate) fn threads(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(n) if n.get() <= 1024 => Ok(n),
        _ => Err("a whole number is needed, from 1 to 1024".into()),
    }
}

/// `--top` and the like, of which none would leave nothing to do.
pub(crate) fn at_least_one<N: FromStr + Default + PartialEq>(text: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|n| *n != N::default());
    number.ok_or_else(|| "a whole number is needed, at least 1".into())
}

/// `--recall`
pub(crate) fn recall(text: &str) -> Result<f32, String> {
    let recall = text.parse().ok().filter(|recall| *recall > 0.0 && *recall <= 1.0);
    recall.ok_or_else(|| "a share is needed, above 0 and at most 1, which is all".into())
}

/// `--seed`
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a whole number is needed, from 0 to {}", u64::MAX))
}
