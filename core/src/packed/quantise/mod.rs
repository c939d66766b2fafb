//! Vectors in fewer bytes, and their products with a query.

pub(crate) mod full;
pub(crate) mod lut;
pub(crate) mod pq4;
pub(crate) mod sq7;
