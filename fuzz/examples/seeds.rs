//! Writes `seeds/`: small inputs of each target from which the fuzzer starts.   cargo run --example seeds

use std::fs;
use std::path::Path;

use ohyeah_core::forest::{BuildOptions, Items};
use ohyeah_core::{Angular, Distance, Dot, DotLegacy, Element, Euclidean, Hamming, Manhattan};
use ohyeah_words::{Format, WordVectors, Writer};

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

/// A few items with a hole, two trees: one file whose roots are leaves, and one with splits.
fn forest<D: Distance>(kind: u8, name: &str) {
    for (dimensions, ids) in [(2, 4_u16), (3, 24)] {
        let mut items = Items::<D>::new(dimensions).unwrap();
        for id in (0..ids).filter(|id| id % 7 != 3) {
            let numbers: Vec<f32> =
                (0..dimensions as u16).map(|i| f32::from((id * 37 + i * 11) % 19) / 9.5 - 1.0).collect();
            items.add(u32::from(id), &D::Element::from_numbers(&numbers)).unwrap();
        }
        let built = items.build(&BuildOptions::new().trees(2)).unwrap();
        let bytes = [&[kind, dimensions as u8 - 1], built.as_bytes()].concat();
        write("open_forest", &format!("{name}-{ids}"), &bytes);
    }
}

fn main() {
    forest::<Angular>(0, "angular");
    forest::<Euclidean>(1, "euclidean");
    forest::<Manhattan>(2, "manhattan");
    forest::<Hamming>(3, "hamming");
    forest::<Dot>(4, "dot");
    forest::<DotLegacy>(5, "dot-legacy");

    let special = [0.0, -0.0, 1.0, f32::MAX, f32::MIN_POSITIVE, 1e-45, f32::INFINITY, f32::NAN];
    let bytes: Vec<u8> = special.iter().cycle().take(140).flat_map(|x| x.to_le_bytes()).collect();
    write("kernels", "special", &[&[3], bytes.as_slice()].concat());
    let bytes: Vec<u8> = (0..66_u8).flat_map(|x| (f32::from(x) - 30.0).to_le_bytes()).collect();
    write("kernels", "ordinary", &[&[0], bytes.as_slice()].concat());

    let words = ["the", "ñandú", "猫"];
    let vectors = WordVectors::from_parts(words, vec![1.0, -0.25, 1e-9, 3e38, -0.0, 0.1], 2).unwrap();
    for (target, format) in [("word2vec_binary", Format::Binary), ("word2vec_text", Format::Text)] {
        let mut bytes = Vec::new();
        Writer::new().format(format).write(&vectors, &mut bytes).unwrap();
        write(target, "small", &bytes);
    }
    write("word2vec_text", "glove", b"the 1 -0.25\ncat 1e-9 3e38\n");
    write("word2vec_text", "odd", b"\xef\xbb\xbf2 1\r\na  1\t\nb 0x2\r\n");
    write("word2vec_binary", "newlines", b"2 1\na \0\0\x80\x3f\nb \0\0\0\0\n");
}
