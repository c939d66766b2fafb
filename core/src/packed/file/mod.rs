//! The file of a packed index: its layout, its sections as slices, the rules that it keeps, and memory that holds one.

pub(crate) mod buf;
pub(crate) mod layout;
pub(crate) mod local;
pub(crate) mod sections;
mod verify;
pub(crate) mod view;

pub(crate) use verify::{check_for_graph, verify};
