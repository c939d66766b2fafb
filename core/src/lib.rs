//! `no_std` core.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;
pub mod simd;

pub use simd::Backend;
