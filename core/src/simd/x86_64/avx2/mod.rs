//! AVX2 with FMA.

mod bits;
mod bytes;
mod codes;
mod floats;
mod scores;

pub(in crate::simd) use bits::hamming;
pub(in crate::simd) use bytes::{dot_i8, dot_u7, dot_u7_lines, tile_u7};
pub(in crate::simd) use codes::scan_4bit;
pub(in crate::simd) use floats::{
    axpby, dot, dot_and_square_rows, dot_f64, l1, squared_l2, squared_l2_f64, squared_l2_rows,
};
pub(in crate::simd) use scores::{best_of_tile, lanes_above, rows_reaching};
