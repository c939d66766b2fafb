//! The subcommands.

pub(crate) mod convert;
pub(crate) mod info;
pub(crate) mod similar;
