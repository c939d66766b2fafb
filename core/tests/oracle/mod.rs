//! What the answers should be, computed in ways that share no code with the crate. Ordinary tests and fuzz targets both
//! include this folder, and each uses its part of it.

#![allow(dead_code)]

pub(crate) mod brute;
pub(crate) mod data;
pub(crate) mod forest;
pub(crate) mod kernels;
pub(crate) mod threads;
