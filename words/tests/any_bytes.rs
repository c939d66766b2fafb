//! Reading never panics, whatever the bytes: files cut at every byte, with every byte changed, and odd little ones.

mod bodies;

use std::io::Write;

use bodies::{any_vectors, word2vec_binary, word2vec_text};
use flate2::{Compression, write::GzEncoder};
use ohyeah_words::{Format, WordVectors, Writer};

fn small(format: Format) -> Vec<u8> {
    let words = ["the", "ñandú", "猫", "a.b", "7"];
    let numbers = [1.0, -0.25, 1e-9, 3e38, -0.0, 0.1, 1e-45, 16_777_216.0, 0.333_333_34, -2.5].to_vec();
    let vectors = WordVectors::from_parts(words, numbers, 2).unwrap();
    let mut bytes = Vec::new();
    Writer::new().format(format).write(&vectors, &mut bytes).unwrap();
    bytes
}

fn all(bytes: &[u8]) {
    any_vectors(bytes);
    word2vec_binary(bytes);
    word2vec_text(bytes);
}

#[test]
fn cut_anywhere() {
    for file in [small(Format::Text), small(Format::Binary)] {
        (0..=file.len()).for_each(|end| all(&file[..end]));
    }
}

#[test]
fn any_byte_changed() {
    for file in [small(Format::Text), small(Format::Binary)] {
        for at in 0..file.len() {
            for byte in [0, b'\n', b' ', b'9', b'-', b'\t', 0x80, 0xff, file[at] ^ 1, file[at] ^ 0x40] {
                let mut changed = file.clone();
                changed[at] = byte;
                all(&changed);
            }
        }
    }
}

#[test]
fn gzip_cut_and_changed() {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&small(Format::Binary)).unwrap();
    let file = packer.finish().unwrap();
    for at in 0..file.len() {
        any_vectors(&file[..at]);
        let mut changed = file.clone();
        changed[at] ^= 0x10;
        any_vectors(&changed);
    }
}

#[test]
fn odd_little_files() {
    let files: [&[u8]; 22] = [
        b"",
        b"\n",
        b" ",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf1 1\na 1\n",
        b"0 1",
        b"0 1\n\n",
        b"1 1\n",
        b"1 1\n\n\n\na 1",
        b"1 1\na 1\r\n",
        b"1 1\n 1\n",
        b"2 1\na 1\n\nb 2\n\n",
        b"1 1\na 1\nb 2\n",
        b"2 1\na 1\na 2\n",
        b"99999999999999999999 1\na 1\n",
        b"18446744073709551615 18446744073709551615\na 1\n",
        b"1 18446744073709551615\na 1\n",
        b"4611686018427387904 4\na 1\n",
        b"-1 5\na 1\n",
        b"a 1 2\nb 3\n",
        b". . . 1 2\nb 3 4\n",
        b"\x1f\x8b",
    ];
    files.into_iter().for_each(all);
}
