//! Arrays, and the words that stand in a file of their own.

mod harness;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use harness::{Folder, fails, succeeds, text};

fn npy(rows: usize, numbers: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 2), }}\n");
    let mut bytes = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn folder() -> Folder {
    Folder::new().with("a.npy", npy(3, &[1.0, 0.0, 1.0, 0.1, 0.0, 1.0])).with("words.txt", "cat\ndog\ncar\n")
}

#[test]
fn no_input_is_replaced_by_an_output() {
    let folder = folder().with("q.oy", "4 2\ncat 1 0.1\ndog 0.9 0.2\ncar 0.1 1\nbus 0 1\n");
    fs::copy(folder.path("words.txt"), folder.path("words.jsonl")).unwrap();
    fs::copy(folder.path("words.txt"), folder.path("words.oy")).unwrap();
    #[cfg(unix)]
    fs::hard_link(folder.path("words.txt"), folder.path("other.txt")).unwrap();
    let before = |name: &str| fs::read(folder.path(name)).unwrap();
    let (words, queries) = (before("words.txt"), before("q.oy"));
    for (line, what) in [
        ("convert @a.npy @words.txt --words @words.txt", "the file of --words"),
        #[cfg(unix)]
        ("convert @a.npy @other.txt --words @words.txt", "the file of --words"),
        ("dictionary @a.npy -o @words.jsonl --words @words.jsonl", "the file of --words"),
        ("build @a.npy -o @words.oy --words @words.oy", "the file of --words"),
        ("build @v.txt -o @./q.oy --queries @q.oy", "the file of --queries"),
    ] {
        let output = folder.run(line);
        assert!(fails(&output, 1).ends_with(&format!("this is {what}; choose another name")), "{line}");
    }
    assert!(before("words.txt") == words && before("words.jsonl") == words && before("words.oy") == words);
    assert_eq!(before("q.oy"), queries);
}

#[test]
fn words_are_read_as_vectors_are() {
    let folder = folder().with("mark.txt", "\u{feff}cat\r\ndog\r\ncar\r\n").with("empty.txt", "cat\n\ncar\n");
    let folder = folder.with("words.gz", gzip(b"cat\ndog\ncar\n")).with("cut.gz", &gzip(b"cat\ndog\ncar\n")[..20]);
    let plain = folder.run("similar @a.npy cat --words @words.txt");
    let expected = succeeds(&plain);
    assert!(expected.starts_with("dog\t"));
    for words in ["mark.txt", "words.gz"] {
        assert_eq!(succeeds(&folder.run(&format!("similar @a.npy cat --words @{words}"))), expected, "{words}");
    }
    let empty = folder.run("similar @a.npy cat --words @empty.txt");
    assert_eq!(empty.status.code(), Some(0));
    assert!(text(&empty.stderr).contains("empty.txt: line 2 is empty"), "{}", text(&empty.stderr));
    assert!(fails(&folder.run("similar @a.npy cat --words @cut.gz"), 1).contains("cut.gz: damaged or cut short"));
    assert!(fails(&folder.run("similar - cat --words -"), 1).contains("cannot hold the vectors and their words"));

    let mut command = folder.command("similar @a.npy cat --words -");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"cat\ndog\ncar\n").unwrap();
    assert_eq!(succeeds(&child.wait_with_output().unwrap()), expected);
}

#[test]
fn a_packed_array_is_an_array() {
    let folder = folder();
    fs::write(folder.path("a.npy.gz"), gzip(&fs::read(folder.path("a.npy")).unwrap())).unwrap();
    let plain = folder.run("similar @a.npy cat --words @words.txt");
    assert_eq!(succeeds(&folder.run("similar @a.npy.gz cat --words @words.txt")), succeeds(&plain));
    for name in ["a.npy", "a.npy.gz"] {
        succeeds(&folder.run(&format!("build @{name} -o @{name}.oy --no-words")));
        succeeds(&folder.run(&format!("build @{name} -o @{name}.ann --no-words")));
    }
    for kind in ["oy", "ann"] {
        let index = |name: &str| fs::read(folder.path(&format!("{name}.{kind}"))).unwrap();
        assert!(index("a.npy") == index("a.npy.gz"));
    }
}
