//! Files as different tools write them.

mod bodies;

use std::io::Write;

use bodies::{assert_round_trip, assert_same};
use flate2::write::GzEncoder;
use ohyeah_words::{Compression, Format, Loaded, Reader, WordVectors, WriteError, Writer};

fn read(bytes: impl AsRef<[u8]>) -> Loaded {
    Reader::new().read_slice(bytes.as_ref()).unwrap_or_else(|error| panic!("{error}"))
}

fn expected() -> WordVectors {
    WordVectors::from_parts(["cat", "dog"], vec![0.1, -2.0, 3e-5, 4.0], 2).unwrap()
}

fn binary(between: &str) -> Vec<u8> {
    let vectors = expected();
    let mut bytes = b"2 2\n".to_vec();
    for id in 0..2 {
        bytes.extend_from_slice(between.as_bytes());
        bytes.extend_from_slice(vectors.word(id).as_bytes());
        bytes.push(b' ');
        bytes.extend(vectors.vector(id).iter().flat_map(|x| x.to_le_bytes()));
    }
    bytes
}

#[test]
fn text_of_all_tools() {
    for text in [
        "2 2\ncat 0.1 -2\ndog 3e-5 4\n",
        "2 2\ncat 0.1 -2\ndog 3e-5 4",
        "2 2\r\ncat 0.1 -2\r\ndog 3e-5 4\r\n",
        "2 2 \ncat 0.1 -2 \ndog 3e-5 4 \n\n",
        "\u{feff}2 2\ncat 0.1 -2\ndog 3e-5 4\n",
        "2\t2\ncat\t0.1\t-2\n\ndog\t3E-5\t+4.000\n",
    ] {
        let loaded = read(text);
        assert_eq!((loaded.format, loaded.header, loaded.compression), (Format::Text, true, None), "{text:?}");
        assert!(loaded.warnings.is_empty(), "{text:?}: {}", loaded.warnings);
        assert_same(&loaded.vectors, &expected());
    }
    let glove = read("cat 0.1 -2\ndog 3e-5 4\n");
    assert!(!glove.header);
    assert_same(&glove.vectors, &expected());
}

#[test]
fn binary_with_and_without_newlines() {
    for between in ["", "\n", "\n\n\n"] {
        let loaded = read(binary(between));
        assert_eq!(loaded.format, Format::Binary, "{between:?}");
        assert_same(&loaded.vectors, &expected());
    }
    // word2vec's own tool ends the last row with a newline too, and that is no leftover.
    assert!(read([binary("\n"), b"\n".to_vec()].concat()).warnings.is_empty());
}

#[test]
fn gzip_by_content_and_in_several_members() {
    let pack = |bytes: &[u8]| {
        let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    };
    let file = binary("");
    let loaded = read([pack(&file[..9]), pack(&file[9..])].concat());
    assert_eq!(loaded.compression, Some(Compression::Gzip));
    assert_same(&loaded.vectors, &expected());
}

#[test]
fn words_may_end_in_a_number_where_a_header_or_a_tab_settles_it() {
    let loaded = read("4 3\ncat 0.1 0.2 0.31\nwindows 7 0.1 0.2 0.3\nweb 2.0 .5 .5 .5\na  b 1 2 3\n");
    assert!(loaded.vectors.words().eq(["cat", "windows 7", "web 2.0", "a  b"]));
    let warning = "2 words end in a number (such as \"windows 7\"), as the header leaves no other place for it";
    assert_eq!(loaded.warnings.to_string(), warning);
    for header in ["2\t3\n", "2 3\n", ""] {
        let loaded = read(format!("{header}apollo 11\t0.1\t0.2\t0.31\ncatch 22\t0.1 0.2 0.3\n"));
        assert!(loaded.vectors.words().eq(["apollo 11", "catch 22"]), "{header}");
        assert!(loaded.warnings.is_empty());
    }
}

#[test]
fn carriage_returns_alone_end_lines_too() {
    for text in ["2 2\rcat 0.1 -2\rdog 3e-5 4\r", "2 2\r\rcat 0.1 -2\r\rdog 3e-5 4", "cat 0.1 -2\rdog 3e-5 4\r"] {
        assert_same(&read(text).vectors, &expected());
    }
    let error = Reader::new().read_slice(b"2 2\rcat 0.1 -2\rdog 3e-5\r").unwrap_err().to_string();
    assert!(error.starts_with("line 3: too few numbers: 1"), "{error}");
}

#[test]
fn binary_words_with_spaces_and_without_letters() {
    let words = ["New York", "", "a b c", "cat", "Bay of Pigs", "dog ", "of", "las vegas", "b c"];
    for dimensions in [2, 3, 50] {
        for newline in ["", "\n"] {
            let number = |at: usize| ((at * 7919 % 1009) as f32 - 504.5) / 311.0;
            let mut file = format!("{} {dimensions}\n", words.len()).into_bytes();
            for (row, word) in words.iter().enumerate() {
                file.extend([word.as_bytes(), b" "].concat());
                file.extend((0..dimensions).flat_map(|column| number(row * dimensions + column).to_le_bytes()));
                file.extend_from_slice(newline.as_bytes());
            }
            let read = |block| Reader::new().format(Format::Binary).block(block).read_slice(&file).unwrap();
            for block in [1 << 20, 7] {
                let loaded = read(block);
                assert!(loaded.vectors.words().eq(words), "{:?}", loaded.vectors.words().collect::<Vec<_>>());
                assert!(loaded.warnings.is_empty());
                let numbers: Vec<f32> = (0..words.len() * dimensions).map(number).collect();
                assert_eq!(loaded.vectors.vectors(), numbers);
            }
        }
    }
}

#[test]
fn binary_words_with_spaces_beside_words_that_are_not_utf8() {
    let words: [&[u8]; 7] =
        [b"San Jos\xe9", b"caf\xe9", b"New York", b"\xe9t\xe9", b"a \xe9 b", b"cat", b"S\xe3o Paulo"];
    // In fewer dimensions a number may well pass for the next word.
    for dimensions in [8, 50] {
        let number = |at: usize| ((at * 7919 % 1009) as f32 - 504.5) / 311.0;
        let mut file = format!("{} {dimensions}\n", words.len()).into_bytes();
        for (row, word) in words.iter().enumerate() {
            file.extend([word, &b" "[..]].concat());
            file.extend((0..dimensions).flat_map(|column| number(row * dimensions + column).to_le_bytes()));
        }
        for block in [1 << 20, 7] {
            let loaded = Reader::new().format(Format::Binary).lossy(true).block(block).read_slice(&file).unwrap();
            let found: Vec<_> = loaded.vectors.words().collect();
            assert_eq!(found, words.map(String::from_utf8_lossy), "{dimensions}");
            let numbers: Vec<f32> = (0..words.len() * dimensions).map(number).collect();
            assert_eq!(loaded.vectors.vectors(), numbers);
        }
    }
}

#[test]
fn words_with_spaces() {
    let loaded = read("3 2\n. . . 1 2\nnew york 3 4\nnon\u{a0}breaking 5 6\n");
    assert!(loaded.vectors.words().eq([". . .", "new york", "non\u{a0}breaking"]));
    for format in [Format::Text, Format::Binary] {
        let write = |writer: Writer<'_>| {
            let mut bytes = Vec::new();
            writer.format(format).write(&loaded.vectors, &mut bytes).map(|()| bytes)
        };
        let error = write(Writer::new()).unwrap_err();
        assert!(matches!(error, WriteError::Unwritable { row: 0, .. }), "{error}");
        let bytes = write(Writer::new().replace_spaces('_')).unwrap();
        assert!(read(bytes).vectors.words().eq(["._._.", "new_york", "non\u{a0}breaking"]));
    }
}

#[test]
fn words_that_cannot_be_read_back_are_refused() {
    let refused = |words: &[&str], format| {
        let vectors = WordVectors::from_parts(words, vec![1.0; words.len()], 1).unwrap();
        let mut bytes = Vec::new();
        let error = Writer::new().format(format).replace_spaces('_').write(&vectors, &mut bytes).unwrap_err();
        assert!(bytes.is_empty());
        error
    };
    assert!(matches!(refused(&["a", ""], Format::Text), WriteError::EmptyWord { row: 1 }));
    assert!(matches!(refused(&["a", ""], Format::Binary), WriteError::EmptyWord { row: 1 }));
    assert!(matches!(refused(&["a b", "a_b"], Format::Text), WriteError::Collision { row: 0, .. }));
    assert!(matches!(refused(&["a\tb", "a b"], Format::Text), WriteError::Collision { row: 1, .. }));
    // 1.0 as text, were it not for the bytes of a float.
    let vectors = WordVectors::from_parts(["a"], vec![f32::from_le_bytes(*b"1.0\n")], 1).unwrap();
    let error = Writer::new().format(Format::Binary).write(&vectors, Vec::new()).unwrap_err();
    assert!(matches!(error, WriteError::Ambiguous), "{error}");
}

#[test]
fn the_empty_word_can_be_left_out() {
    let loaded = read("3 2\ncat 0.1 -2\n\n 7 8\ndog 3e-5 4\n");
    assert!(loaded.vectors.words().eq(["cat", "", "dog"]));
    for format in [Format::Text, Format::Binary] {
        let mut bytes = Vec::new();
        Writer::new().format(format).skip_empty(true).write(&loaded.vectors, &mut bytes).unwrap();
        assert_same(&read(bytes).vectors, &expected());
    }
}

#[test]
fn every_kind_of_number_comes_back() {
    let mut numbers: Vec<f32> = vec![0.0, -0.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::EPSILON, 0.1, 1e21, 1e-7];
    // Every exponent, with mantissas from all over.
    numbers.extend(
        (0..255_u32).flat_map(|e| (0..9).map(move |i| f32::from_bits((e << 23) | ((i * 0x000e_38e3) & 0x007f_ffff)))),
    );
    numbers.truncate(numbers.len() / 3 * 3);
    let words = (0..numbers.len() / 3).map(|i| format!("w{i}"));
    let vectors = WordVectors::from_parts(words, numbers, 3).unwrap();
    for format in [Format::Text, Format::Binary] {
        Writer::new().format(format).write(&vectors, &mut Vec::new()).expect("no number is a reason to refuse");
        assert_round_trip(&vectors, format);
    }
}

#[test]
fn large_files_take_many_blocks_and_any_number_of_threads() {
    let (rows, dimensions) = (30_000, 60);
    let words = (0..rows).map(|i| format!("word{i}"));
    let numbers = (0..rows * dimensions).map(|i| (i as f32 * 0.37).sin()).collect();
    let vectors = WordVectors::from_parts(words, numbers, dimensions).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.txt", "a.bin", "a.vec.gz", "a.bin.gz"] {
        let path = folder.path().join(name);
        Writer::new().save(&vectors, &path).unwrap();
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_same(&pool.install(|| Reader::new().open(&path)).unwrap().vectors, &vectors);
        }
        let mut seen = Vec::new();
        Reader::new().on_progress(|progress| seen.push((progress.bytes, progress.rows))).open(&path).unwrap();
        assert!(seen.is_sorted() && !seen.is_empty());
    }
    let error = Writer::new().save(&vectors, folder.path().join("a.dat")).unwrap_err();
    assert!(matches!(error, WriteError::UnknownExtension { .. }), "{error}");
}
