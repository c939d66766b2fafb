//! Every way a file can be wrong that people have met, and the one line they get for it.

use std::io::Write;

use flate2::write::GzEncoder;
use ohyeah_words::{Format, Loaded, Place, ReadError, ReadErrorKind as Kind, Reader};

fn read(bytes: impl AsRef<[u8]>) -> Result<Loaded, ReadError> {
    Reader::new().read_slice(bytes.as_ref())
}

/// The message for a file; also that a pipe, which has no size, gives an error too.
#[track_caller]
fn message(bytes: impl AsRef<[u8]>) -> String {
    Reader::new().read(bytes.as_ref()).expect_err("a pipe must fail as well");
    let message = read(bytes).expect_err("must fail").to_string();
    assert!(!message.contains('\n'));
    message
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A binary file of three words and two dimensions.
fn binary(header: &str, rows: &[(&[u8], [f32; 2])]) -> Vec<u8> {
    let mut bytes = format!("{header}\n").into_bytes();
    for (word, vector) in rows {
        bytes.extend_from_slice(word);
        bytes.push(b' ');
        bytes.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
    }
    bytes
}

const ROWS: [(&[u8], [f32; 2]); 3] = [(b"cat", [0.1, 0.2]), (b"dog", [0.3, 0.4]), (b"cow", [0.5, 0.6])];

#[test]
fn missing_file_and_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.bin");
    let error = Reader::new().open(&path).unwrap_err();
    assert_eq!(error.path(), Some(path.as_path()));
    assert_eq!(error.to_string(), format!("{}: there is no such file; check the name", path.display()));
    let error = Reader::new().open(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("is a folder; give the name of a file"), "{error}");
    // Root may read everything, so the system is not asked.
    let forbidden = Kind::Io(std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(forbidden.to_string(), "may not be read; change its permissions");
}

#[test]
fn empty() {
    assert_eq!(message(""), "the file is empty; word2vec or GloVe vectors are expected");
    assert!(matches!(read(gzip(b"")).unwrap_err().kind(), Kind::Empty));
}

#[test]
fn other_delimiters_and_sparse_vectors_are_named_with_their_line() {
    for (file, line, by) in [
        ("cat 0.1, 0.2, 0.31\nox 0.1, 0.2, 0.3\n", "line 1: \"cat 0.1, 0.2, 0.31\"", "','"),
        ("cat,0.1,0.2\n", "line 1: \"cat,0.1,0.2\"", "','"),
        ("\"cat\",\"0.1\",\"0.2\"\n", "line 1: ", "','"),
        ("word,0,1,2\ncat,0.1,0.2,0.3\n", "line 1: ", "','"),
        ("2 3\ncat,0.1,0.2,0.3\ndog,1,2,3\n", "line 2: ", "','"),
        ("2 3\ncat 0.1, 0.2, 0.3\ndog 1, 2, 3\n", "line 2: ", "','"),
        ("cat;0.1;0.2\n", "line 1: ", "';'"),
        ("cat 0.1 | 0.2\n", "line 1: ", "'|'"),
    ] {
        let message = message(file);
        assert!(message.starts_with(line) && message.contains(&format!("separated by {by}")), "{file:?}: {message}");
    }
    for file in ["3 5\n的 0:0.5 9:0.0221\n了 1:0.2 2:0.3 4:0.4\n", "的 0:0.5 9:0.0221\n", "1 1\n是 0:0.2\n"] {
        let message = message(file);
        assert!(message.contains("0:0.") && message.contains("the vectors are sparse"), "{file:?}: {message}");
    }
}

#[test]
fn what_resembles_a_number_is_shown() {
    for (file, shown) in [
        ("cat 1_000 2\n", "\"1_000\""),
        ("cat 0x1p3 2\n", "\"0x1p3\""),
        ("cat 0.1 x 0.2\n", "\"0.1\""),
        ("cat 1,5 2\n", "\"1,5\""),
        ("cat 0.1 [0.2 0.3\n", "\"0.1\""),
        ("cat 1 2\ndog 1_000 1 2\n", "\"1_000\""),
        ("2 2\ncat 1 2\ndog 0x1p3 1\n", "\"0x1p3\""),
    ] {
        let message = message(file);
        assert!(message.starts_with("line ") && message.contains(shown), "{file:?}: {message}");
    }
    assert!(message("I have 3\n").contains("neither a header"));
}

#[test]
fn wrong_header() {
    for line in ["hello world", "-3 2", "3 0", "3 -2", "99999999999999999999 2", "3", "{\"words\": 3}"] {
        let message = message(format!("{line}\ncat 0.1 0.2\n"));
        assert!(message.starts_with("line 1: ") && message.contains("neither a header"), "{line}: {message}");
    }
    // Two numbers that are not both whole look like a row of GloVe; the next line then tells.
    let message = message("3 2.0\ncat 0.1 0.2\n");
    assert!(message.starts_with("line 2: too many numbers: 2 after the word, expected 1, as in line 1"), "{message}");
}

#[test]
fn a_header_larger_than_the_file() {
    for file in [binary("9000000 2", &ROWS), b"9000000 2\ncat 0.1 0.2\n".to_vec(), binary("3 9000000", &ROWS)] {
        let error = read(&file).unwrap_err();
        assert!(matches!(error.kind(), Kind::HeaderTooLarge { size, .. } if *size == file.len() as u64), "{error}");
        message(&file);
    }
}

#[test]
fn truncated() {
    let file = binary("3 2", &ROWS);
    // Enough bytes are missing for the header to be impossible.
    let error = read(&file[..file.len() - 8]).unwrap_err();
    assert!(matches!(error.kind(), Kind::HeaderTooLarge { .. }), "{error}");
    let error = read(&file[..file.len() - 1]).unwrap_err();
    assert!(matches!(error.kind(), Kind::Truncated { rows: 2, expected: 3, byte: 39 }), "{error}");
    let error = Reader::new().read(&file[..file.len() - 8]).unwrap_err();
    assert!(matches!(error.kind(), Kind::Truncated { rows: 2, expected: 3, byte: 32 }), "{error}");
    let error = read("3 2\ncat 0.1 0.2\ndog 0.3 0.4\n").unwrap_err();
    assert!(matches!(error.kind(), Kind::Truncated { rows: 2, expected: 3, byte: 28 }), "{error}");
    // The last line is cut inside, not behind.
    assert!(message("2 2\ncat 0.1 0.2\ndog 0.3").starts_with("line 3: too few numbers: 1 after the word"));
    // What is there can be had.
    let loaded = Reader::new().limit(2).read_slice(&file[..file.len() - 1]).unwrap();
    assert_eq!(loaded.vectors.len(), 2);
}

#[test]
fn rows_of_the_wrong_length() {
    let short = message("3 2\ncat 0.1 0.2\ndog 0.3\ncow 0.5 0.6\n");
    let expected =
        "line 3: too few numbers: 1 after the word, expected 2, as the header says; repair or remove the line";
    assert_eq!(short, expected);
    let long = message("3 2\ncat 0.1 0.2\ndog 0.3 0.4 0.5\ncow 0.5 0.6\n");
    assert!(long.starts_with("line 3: too many numbers: 3 after the word, expected 2, as the header says"), "{long}");
    // gensim spreads a single number over all dimensions.
    assert!(message("2 3\ncat 1 2 3\ndog 0.3000000\n").starts_with("line 3: too few numbers"));
    // GloVe: the first line decides.
    assert!(
        message("cat 0.1 0.2\ndog 0.3\n")
            .contains("line 2: too few numbers: 1 after the word, expected 2, as in line 1")
    );
}

#[test]
fn not_a_number() {
    let message = message("2 2\ncat 0.1 0.2\ndog 0.3 O.4\n");
    assert_eq!(message, "line 3 (\"dog\"): \"O.4\" is not a number; repair or remove the line");
    // Also in the first row, by which text is told from binary.
    let error = read("2 2\ncat x y\ndog 0.3 0.4\n").unwrap_err();
    assert!(matches!(error.kind(), Kind::NotANumber { place: Place::Line(2), .. }), "{error}");
}

#[test]
fn nan_and_infinity() {
    for bad in ["nan", "NaN", "inf", "-inf", "Infinity", "1e39"] {
        let message = message(format!("2 2\ncat 0.1 0.2\ndog 0.3 {bad}\n"));
        assert!(message.starts_with("line 3 (\"dog\"): number 2 is NaN, infinite or too large"), "{message}");
    }
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let message = message(binary("2 2", &[ROWS[0], (b"dog", [bad, 1.0])]));
        assert!(message.starts_with("row 2 (byte 16) (\"dog\"): number 1 is NaN"), "{message}");
    }
}

#[test]
fn not_utf8() {
    for file in [binary("2 2", &[ROWS[0], (b"d\xffg", [0.3, 0.4])]), b"2 2\ncat 0.1 0.2\nd\xffg 0.3 0.4\n".to_vec()] {
        let message = message(&file);
        assert!(message.contains("(\"d\u{fffd}g\"): the word is not UTF-8; read with lossy decoding"), "{message}");
        let loaded = Reader::new().lossy(true).read_slice(&file).unwrap();
        assert!(loaded.vectors.contains("d\u{fffd}g"));
        assert_eq!(loaded.warnings.replaced, 1);
    }
}

#[test]
fn binary_that_lost_step() {
    // A number too many in each row: all behind the first one is out of step.
    let rows: Vec<u8> =
        (0..9_u8).flat_map(|row| [&[b'a' + row, b' '][..], &[b' ', 1, 0xff, 0x80].repeat(3)].concat()).collect();
    let message = message([b"9 2\n", &rows[..]].concat());
    assert!(
        message.starts_with("row 2 (byte 14): the word is empty; is the header's number of dimensions right?"),
        "{message}"
    );
}

/// Where any byte may be part of a word, nothing else tells of rows that are out of step.
#[test]
fn a_binary_word_without_a_clear_end() {
    let numbers = [0.5_f32, -1.25].map(f32::to_le_bytes).concat();
    let rows: Vec<u8> = [&b"New Yo\x01rk"[..], b"caf\xe9", b"San Jos\xe9", b"cat"]
        .iter()
        .flat_map(|word| [word, &b" "[..], &numbers].concat())
        .collect();
    let file = [b"4 2\n", &rows[..]].concat();
    let error = Reader::new().format(Format::Binary).lossy(true).read_slice(&file).unwrap_err().to_string();
    assert!(error.starts_with("row 1 (byte 4) (\"New\"): where the word ends cannot be told"), "{error}");
}

#[test]
fn rows_without_end_take_no_memory() {
    for header in ["1 4000000000\n", "1 18446744073709551615\n", "3 16777217\n"] {
        let endless = std::io::Read::chain(header.as_bytes(), std::io::repeat(0));
        let error = Reader::new().read(endless).unwrap_err().to_string();
        assert!(error.starts_with("line 1: the header promises vectors of "), "{error}");
    }
    for format in [Format::Binary, Format::Text] {
        let endless = std::io::Read::chain(&b"1 100\n"[..], std::io::repeat(0));
        let error = Reader::new().format(format).read(endless).unwrap_err();
        assert!(matches!(error.kind(), Kind::TooLong { .. }), "{error}");
    }
}

#[test]
fn the_first_fault_in_the_file_is_reported_however_many_threads_there_are() {
    let row = |i| format!("w{i} 0.5 {}\n", if i % 5000 == 4999 { "x" } else { "1" });
    let file = "20000 2\n".to_owned() + &(0..20_000).map(row).collect::<Vec<_>>().concat();
    for threads in [1, 2, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| message(&file)).starts_with("line 5001 "));
    }
}

#[test]
fn endless_words_and_lines_are_given_up() {
    let mut file = b"5 2\n".to_vec();
    file.resize(3 << 20, b'x');
    let error = Reader::new().format(Format::Binary).read(&file[..]).unwrap_err();
    assert!(matches!(error.kind(), Kind::TooLong { place: Place::Row { row: 1, byte: 4 }, .. }), "{error}");
    file.resize(40 << 20, b'x');
    let error = Reader::new().format(Format::Text).read(&file[..]).unwrap_err();
    assert!(matches!(error.kind(), Kind::TooLong { place: Place::Line(2), .. }), "{error}");
}

#[test]
fn duplicates_keep_the_first_and_leave_no_gap() {
    let rows = [ROWS[0], ROWS[1], (b"cat", [9.0, 9.0]), ROWS[2], (b"dog", [9.0, 9.0])];
    let text = "cat 0.1 0.2\ndog 0.3 0.4\ncat 9 9\ncow 0.5 0.6\ndog 9 9\n";
    for file in [binary("5 2", &rows), text.into(), format!("5 2\n{text}").into_bytes()] {
        let loaded = read(&file).unwrap();
        assert!(loaded.vectors.words().eq(["cat", "dog", "cow"]));
        assert_eq!(loaded.vectors.vectors(), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
        assert_eq!(loaded.warnings.duplicates, 2);
        assert_eq!(loaded.warnings.to_string(), "2 duplicate words left out, the first of each kept (such as \"cat\")");
    }
}

#[test]
fn zero_vectors_do_not_poison() {
    let vectors = read("4 2\ncat 1 0\nnil 0 0\ndog 1 0.5\nanti -1 0\n").unwrap().vectors;
    let similar = |word| vectors.most_similar(word, 9).unwrap();
    let ids = |word| similar(word).iter().map(|n| n.id).collect::<Vec<_>>();
    assert_eq!(ids("cat"), [2, 1, 3]);
    assert_eq!(ids("nil"), [0, 2, 3]);
    assert!(similar("nil").iter().all(|n| n.cosine == 0.0));
    assert_eq!(vectors.similarity("nil", "cat"), Ok(0.0));
    assert_eq!(vectors.similarity("nil", "nil"), Ok(0.0));
    assert!(vectors.doesnt_match(&["cat", "dog", "nil"]).unwrap().ranking.iter().all(|(_, cosine)| cosine.is_finite()));
}

#[test]
fn rows_behind_the_promised_ones_are_told() {
    for file in [binary("2 2", &ROWS), b"2 2\ncat 0.1 0.2\ndog 0.3 0.4\ncow 0.5 0.6\n".to_vec()] {
        let loaded = read(&file).unwrap();
        assert_eq!(loaded.vectors.len(), 2);
        assert!(loaded.warnings.trailing);
        assert!(Reader::new().limit(1).read_slice(&file).unwrap().warnings.is_empty());
    }
}
