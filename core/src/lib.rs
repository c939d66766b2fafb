//! no_std core.
#![no_std]
extern crate alloc;
