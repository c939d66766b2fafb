//! Vectors in fewer bytes, and their products with a query: in the index space (`space`) as 7-bit codes (`sq7`), where those tell too little also with a scale for each row (`lvq`), and as 4-bit
//! codes of residuals (`pq4`, cut into pieces as `subquantisation` says) with a look-up table for each query (`lut`), and in full (`full`).

pub(crate) mod full;
pub(crate) mod lut;
pub(crate) mod lvq;
pub(crate) mod pq4;
pub(crate) mod space;
pub(crate) mod sq7;
pub(crate) mod subquantisation;
