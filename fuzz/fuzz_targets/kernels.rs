//! Two vectors of any bits: every backend gives what the lane contract says, and lies near the sum in f64.

#![no_main]

#[path = "../../core/tests/oracle/mod.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracle::kernels::any_bytes(bytes));
