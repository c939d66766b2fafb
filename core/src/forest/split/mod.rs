//! Splitting a set of items: choosing a plane ([`two_means`]) and finding on which side of it each item lies ([`sides`]).

pub(crate) mod input;
pub(super) mod sides;
pub(crate) mod two_means;
