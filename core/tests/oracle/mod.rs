//! What the answers should be, computed in ways that share no code with the crate. Ordinary tests and fuzz targets both
//! include this folder, and each uses its part of it.

#![allow(dead_code)]

pub(crate) mod brute;
pub(crate) mod data;
pub(crate) mod forest;
pub(crate) mod kernels;
pub(crate) mod threads;

/// Calls a function for each metric as its type parameter.
#[allow(unused_macros)]
macro_rules! every_metric {
    ($check:ident $(($($argument:expr),*))?) => {
        $check::<ohyeah_core::Angular>($($($argument),*)?);
        $check::<ohyeah_core::Euclidean>($($($argument),*)?);
        $check::<ohyeah_core::Manhattan>($($($argument),*)?);
        $check::<ohyeah_core::Hamming>($($($argument),*)?);
        $check::<ohyeah_core::Dot>($($($argument),*)?);
        $check::<ohyeah_core::DotLegacy>($($($argument),*)?);
    };
}
#[allow(unused_imports)]
pub(crate) use every_metric;
