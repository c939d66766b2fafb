//! AVX2 with FMA.

mod floats;
mod integers;

pub(in crate::simd) use floats::{axpby, dot, dot_f64, l1, squared_l2, squared_l2_f64};
pub(in crate::simd) use integers::{
    best_of_tile, dot_i8, dot_u7, hamming, lanes_above, rows_reaching, scan_4bit, tile_u7,
};
