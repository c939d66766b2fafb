//! Vectors, filters and numbers as Python programs give them.

mod filters;
mod numbers;
mod options;
mod texts;
mod vectors;

pub(crate) use filters::{Allowed, filter, filter_of, ids_or_masks, item_ids};
pub(crate) use numbers::{Seed, Whole, c_int, id};
pub(crate) use options::{check_recall, metric, packed_metric, padded};
pub(crate) use texts::text_of;
pub(crate) use vectors::{Queries, check_rows, keys_of_frame, matrix, queries, rows, rows_of, with_numbers};
