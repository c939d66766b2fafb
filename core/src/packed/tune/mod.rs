//! What is measured on a sample of the rows once an index is written.

pub(crate) mod effort;
pub(crate) mod list_bias;
mod oracle;
