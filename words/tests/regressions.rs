//! Inputs that once made a fuzz target fail, and those that fuzzing starts from.

mod bodies;

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
fn word2vec_binary() {
    replay("word2vec_binary", bodies::word2vec_binary);
}

#[test]
fn word2vec_text() {
    replay("word2vec_text", bodies::word2vec_text);
}
