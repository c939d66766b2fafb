//! What the answers should be, computed in ways that share no code with the crate. Ordinary tests and fuzz targets both
//! include this folder.

pub(crate) mod kernels;
