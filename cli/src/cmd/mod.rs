//! The subcommands.

pub(crate) mod build;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod dictionary;
pub(crate) mod info;
pub(crate) mod similar;
pub(crate) mod verify;
