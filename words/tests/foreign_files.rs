//! Files of other kinds, which are named with what to do.

use std::io::Write;

use flate2::write::GzEncoder;
use ohyeah_words::{Compression, Foreign, Loaded, ReadError, ReadErrorKind as Kind, Reader};

fn read(bytes: impl AsRef<[u8]>) -> Result<Loaded, ReadError> {
    Reader::new().read_slice(bytes.as_ref())
}

#[track_caller]
fn message(bytes: impl AsRef<[u8]>) -> String {
    read(bytes).expect_err("must fail").to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn other_kinds_of_file_are_named() {
    let named = |bytes: &[u8], expected: Foreign| match read(bytes).unwrap_err().kind() {
        Kind::Foreign(kind) => assert_eq!(*kind, expected),
        kind => panic!("{kind}"),
    };
    named(b"\x80\x04\x95\x10\x00", Foreign::Pickle);
    named(&[0xba, 0x16, 0x4f, 0x2f, 0x0c, 0, 0, 0], Foreign::FastText);
    named(b"\x93NUMPY\x01\x00", Foreign::Numpy);
    named(b"PK\x03\x04", Foreign::Zip);
    let zip = |name: &str| [&b"PK\x03\x04"[..], &[0; 22], &[name.len() as u8, 0, 0, 0], name.as_bytes()].concat();
    named(&zip("glove.6B.50d.txt"), Foreign::Zip);
    named(&zip("arr_0.npy"), Foreign::NumpyArchive);
    named(&zip("archive/data.pkl"), Foreign::Torch);
    named(b"7z\xbc\xaf\x27\x1c\0\x04", Foreign::SevenZip);
    named(b"Rar!\x1a\x07\x01\0", Foreign::Rar);
    named(b"\x89HDF\r\n\x1a\n", Foreign::Hdf5);
    named(b"PAR1\x15\x04\x15\xa0", Foreign::Parquet);
    named(b"ARROW1\0\0", Foreign::Arrow);
    named(b"\x10\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\"}}", Foreign::Safetensors);
    named(b"GGUF\x03\0\0\0", Foreign::Gguf);
    named(b"SQLite format 3\0\x10\0", Foreign::Sqlite);
    named(b"ccopy_reg\n_reconstructor\np0\n", Foreign::Pickle);
    named(&ohyeah::packed::MAGIC, Foreign::PackedIndex);
    named(&[0x04, 0x22, 0x4d, 0x18, 0x64], Foreign::Lz4);
    named(b"\x1f\x9d\x90", Foreign::Compress);
    named(b"\x78\x9c\x4b", Foreign::Zlib);
    named(b"\xff\xfea\0 \0", Foreign::Utf16);
    named(b"\n<!DOCTYPE html><html>", Foreign::Html);
    named(b"<?xml version=\"1.0\"?>\n<html lang=en>", Foreign::Html);
    named(b"<html>\n<p>1 2</p>", Foreign::Html);
    named(b"PAR1\xff\xfe\x15\x04", Foreign::Parquet);
    named(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", Foreign::LfsPointer);
    named(&gzip(&gzip(b"1 1\na 1\n")), Foreign::CompressedTwice(Compression::Gzip));
    // Words that begin like a mark.
    let words = [
        "PAR1",
        "GGUF",
        "FEA1",
        "BZh",
        "PK",
        "x",
        "ARROW",
        "ARROW1",
        "PAR1\u{e9}",
        "GGUF\u{e9}",
        "BZh91AY",
        "<html>",
        "<html",
        "<?xml",
    ];
    for word in words {
        assert!(read(format!("{word} 1 2\n")).unwrap().vectors.contains(word));
    }
    assert!(message(b"\x80\x04\x95").contains("save_word2vec_format"));
}

#[test]
fn archives_and_folders_are_named_at_any_limit() {
    for header in [true, false] {
        let archive = tar(if header { b"2 2\ncat 1 2\ndog 3 4\n" } else { b"cat 1 2\ndog 3 4\n" }, true);
        for file in [gzip(&archive), archive.clone(), tar(b"cat 1 2\n", false)] {
            let limited = Reader::new().limit(1).read_slice(&file).unwrap_err();
            assert!(matches!(limited.kind(), Kind::Foreign(Foreign::Tar)), "{limited}");
            assert!(message(&file).contains("a tar archive; unpack it (tar xf)"));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("vocab")).unwrap();
    std::fs::write(folder.path().join("meta.json"), "{}").unwrap();
    assert!(Reader::new().open(folder.path()).unwrap_err().to_string().contains("a model of spaCy"));
}

/// An archive of a file, as GNU tar writes it, or as those before POSIX did, which had no mark.
fn tar(content: &[u8], posix: bool) -> Vec<u8> {
    let mut header = [0; 512];
    header[..5].copy_from_slice(b"w.vec");
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156] = b'0';
    if posix {
        header[257..265].copy_from_slice(b"ustar  \0");
    }
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = [&header[..], content].concat();
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    bytes
}
