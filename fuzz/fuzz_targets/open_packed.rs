//! A packed index with any changes: opening, searching and finding the neighbours of all end without a panic.

#![no_main]

#[path = "../../core/tests/oracle/packed.rs"]
mod packed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| packed::tampered(bytes));
