//! The examples run, and what they assert holds.

#![allow(clippy::expect_used, clippy::panic)]

use std::env;
use std::process::Command;

/// Runs an example, which `cargo test` has built beside the tests.
fn run(name: &str) {
    let test = env::current_exe().expect("a test has a path");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps").join("examples");
    let path = folder.join(name).with_extension(env::consts::EXE_EXTENSION);
    let output = Command::new(&path).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}: cargo build --examples", path.display()));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.stdout.is_empty(), "{name} says what it did");
}

#[test]
fn similar_words() {
    run("similar_words");
}
