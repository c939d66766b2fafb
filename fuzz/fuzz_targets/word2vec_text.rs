//! Any bytes as a word2vec text file: what can be read can be written and read again, and the rest is told in one line.

#![no_main]

#[path = "../../words/tests/bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::word2vec_text(bytes));
