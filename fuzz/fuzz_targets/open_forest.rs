//! Any bytes as a forest of any metric: opening and searching end without a panic.

#![no_main]

#[path = "../../core/tests/oracle/mod.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracle::forest::any_bytes(bytes));
