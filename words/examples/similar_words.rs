//! Similar words, from vectors and from an index alone.   `cargo run --example similar_words`

use std::path::Path;

use ohyeah::packed::BuildOptions;
use ohyeah::{Angular, Packed, ParBuild};
use ohyeah_words::{PackedWords, Reader};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/glove-20k-100d.bin");
    let vectors = Reader::new().open(path)?.vectors;
    for neighbour in vectors.most_similar("cat", 3)? {
        println!("{}\t{:.4}", vectors.word(neighbour.id), neighbour.cosine);
    }

    // king − man + woman, from an index that holds the words and needs no other file.
    let words: Vec<&str> = vectors.words().collect();
    let options = BuildOptions::new().keys(&words);
    let index = Packed::par_build(Angular, vectors.vectors(), vectors.dimensions(), &options)?;
    let terms = [("king", 1.0), ("woman", 1.0), ("man", -1.0)];
    let similar = PackedWords::new(&index).similar(&terms, 3, Some(0.99))?;
    assert_eq!(similar[0].word, "queen");
    for found in similar {
        println!("{}\t{:.4}", found.word, found.cosine);
    }
    Ok(())
}
