//! The file of a packed index: its layout, its sections as slices, and memory that holds one.

pub(crate) mod buf;
pub(crate) mod layout;
pub(crate) mod view;
