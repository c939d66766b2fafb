//! Inputs that once made a fuzz target fail, and those that fuzzing starts from.

#![allow(clippy::expect_used, clippy::panic)]

mod oracle;

use std::fs;
use std::path::Path;

/// Replays the files of a target.
fn replay(target: &str, body: impl Fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    // A package that was published on its own has no fuzz folder beside it.
    for folder in ["regressions", "seeds"].map(|folder| fuzz.join(folder).join(target)).iter().filter(|x| x.is_dir()) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            println!("{}", path.display());
            body(&fs::read(&path).expect("a file"));
        }
    }
}

#[test]
fn kernels() {
    replay("kernels", oracle::kernels::any_bytes);
}

#[test]
fn open_forest() {
    replay("open_forest", oracle::forest::any_bytes);
}
