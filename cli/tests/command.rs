//! The binary over good and bad input: what it prints, how it exits, what it leaves behind.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

mod harness;

use harness::{Folder, fails, ohyeah, sample, succeeds, text};

#[test]
fn similar_words_of_the_sample() {
    let output = ohyeah(["similar".as_ref(), sample().as_os_str(), "cat".as_ref()]);
    let lines: Vec<&str> = succeeds(&output).lines().collect();
    assert_eq!(lines.len(), 10);
    assert_eq!(lines[..2], ["dog\t0.8798", "rabbit\t0.7424"]);
}

#[test]
fn sums_of_words_and_restrictions() {
    let folder = Folder::new();
    assert_eq!(succeeds(&folder.run("similar @v.txt cat --top 1")), "dog\t0.9929\n");
    assert_eq!(succeeds(&folder.run("similar @v.txt car dog --negative cat --top 1 --exact")), "bus\t0.9974\n");
    assert_eq!(succeeds(&folder.run("similar @v.txt bus --restrict 2 --top 9 --threads 2")).lines().count(), 2);
    assert_eq!(succeeds(&folder.run("similar @v.txt --negative cat --top 1")), "bus\t-0.0995\n");
    assert_eq!(succeeds(&folder.run("similar @v.txt cat --limit 2")), "dog\t0.9929\n");
}

#[test]
fn vectors_come_through_a_pipe_too() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ohyeah"));
    let command = command.args(["similar", "-", "cat", "--top", "1"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(sample()).unwrap()).unwrap();
    assert_eq!(text(&child.wait_with_output().unwrap().stdout), "dog\t0.8798\n");
}

#[test]
fn convert_there_and_back() {
    let folder = Folder::new();
    let original = fs::read(sample()).unwrap();
    let folder = folder.with("a.bin", &original);
    for line in
        ["convert @a.bin @b.txt.gz", "convert @b.txt.gz @c.bin.gz", "convert @c.bin.gz @d.vec", "convert @d.vec @d.bin"]
    {
        assert_eq!(succeeds(&folder.run(line)), "");
    }
    // The sample has a newline behind each row, and what is written here has none.
    let info = |name: &str| succeeds(&folder.run(&format!("info @{name}"))).to_owned();
    assert_eq!(info("a.bin"), info("d.bin"));
    assert!(info("b.txt.gz").starts_with("format      word2vec text, gzip\nwords       20000\ndimensions  100\n"));
    assert_eq!(succeeds(&folder.run("convert @d.bin @e.txt")), "");
    assert!(fs::read(folder.path("e.txt")).unwrap() == fs::read(folder.path("d.vec")).unwrap());
    assert_eq!(folder.names(), ["a.bin", "b.txt.gz", "c.bin.gz", "d.bin", "d.vec", "e.txt", "v.txt"]);
}

#[test]
fn convert_onto_itself_and_to_standard_output() {
    let folder = Folder::new();
    succeeds(&folder.run("convert @v.txt @v.txt"));
    assert_eq!(fs::read_to_string(folder.path("v.txt")).unwrap().lines().nth(1), Some("cat 1.0 0.1"));
    // Not where something would be lost.
    let before = fs::read(folder.path("v.txt")).unwrap();
    for option in ["--limit 2", "--lossy"] {
        let refused = folder.run(&format!("convert @v.txt @v.txt {option}"));
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).ends_with("this is the file of vectors itself; choose another name\n"));
    }
    assert!(fs::read(folder.path("v.txt")).unwrap() == before);
    let text = folder.run("convert @v.txt - --to text");
    assert!(succeeds(&text).starts_with("4 2\ncat 1.0 0.1\n"));
    assert_eq!(succeeds(&folder.run("dictionary @v.txt -o -")), succeeds(&folder.run("dictionary @v.txt")));
    #[cfg(unix)]
    assert_eq!(succeeds(&folder.run("convert @v.txt /dev/stdout --to text")), succeeds(&text));
}

#[test]
fn a_dictionarys_extension_must_tell_its_format() {
    let folder = Folder::new();
    let names = folder.names();
    for name in ["d.csv", "d.txt", "d.tsv.gz"] {
        let refused = folder.run(&format!("dictionary @v.txt -o @{name}"));
        assert_eq!(refused.status.code(), Some(1));
        let expected = format!("{name}: the extension does not tell the format; end the name in .jsonl or .tsv\n");
        assert!(text(&refused.stderr).ends_with(&expected), "{}", text(&refused.stderr));
    }
    assert_eq!(folder.names(), names);
    succeeds(&folder.run("dictionary @v.txt -o @d.TSV"));
    succeeds(&folder.run("dictionary @v.txt -o @d"));
    assert!(fs::read_to_string(folder.path("d.TSV")).unwrap().contains('\t'));
    assert!(fs::read_to_string(folder.path("d")).unwrap().starts_with('{'));
}

#[test]
fn info_tells_of_zero_vectors_and_glove() {
    let folder = Folder::new().with("g.txt", "a 3 4\nb 0 0\n");
    let expected = "format      GloVe text (no header)\nwords       2\ndimensions  2\nlengths     0 to 5\nall zeros   1\nfirst words a b\n";
    assert_eq!(succeeds(&folder.run("info @g.txt")), expected);
}

#[test]
fn warnings_are_lines_that_quiet_removes() {
    let folder = Folder::new().with("d.txt", "2 1\na 1\na 2\n");
    let output = folder.run("similar @d.txt a");
    assert_eq!(output.status.code(), Some(0));
    let file = folder.path("d.txt");
    let expected = "1 duplicate words left out, the first of each kept (such as \"a\")";
    assert_eq!(text(&output.stderr), format!("warning: {}: {expected}\n", file.display()));
    succeeds(&folder.run("similar @d.txt a --quiet"));
}

#[test]
fn bad_input_is_one_line_and_leaves_nothing() {
    let cases: [(&str, &[u8], &str); 12] = [
        ("empty.txt", b"", "the file is empty"),
        ("header.txt", b"what is this\n", "line 1: \"what is this\" is neither a header"),
        ("large.txt", b"900000 2\ncat 1 2\n", "line 1: the header promises 900000 words"),
        ("cut.bin", b"2 2\ncat \0\0\0\0\0\0\0\0dog \0\0\0\0\0\0\0", "byte 27: the file ends after 1 of the 2 rows"),
        ("few.txt", b"2 2\ncat 1 2\ndog 1\n", "line 3: too few numbers"),
        ("many.txt", b"2 2\ncat 1 2\ndog 1 2 3\n", "line 3: too many numbers"),
        ("word.txt", b"2 2\ncat 1 2\ndog 1 x\n", "line 3 (\"dog\"): \"x\" is not a number"),
        ("nan.txt", b"2 2\ncat 1 2\ndog 1 nan\n", "line 3 (\"dog\"): number 2 is NaN"),
        ("inf.bin", b"1 1\ncat \0\0\x80\x7f", "row 1 (byte 4) (\"cat\"): number 1 is NaN"),
        ("utf8.txt", b"1 2\nc\xfft 1 2\n", "line 2 (\"c\u{fffd}t\"): the word is not UTF-8"),
        ("pickle.bin", b"\x80\x04\x95...", "this is a Python pickle"),
        ("space.txt", b"1 2\nnew york 1 2\n", "row 0: the word \"new york\" holds white space"),
    ];
    for (name, bytes, message) in cases {
        let folder = Folder::new().with(name, bytes);
        let before = folder.names();
        let output = folder.run(&format!("convert @{name} @out.txt"));
        let error = fails(&output, 1);
        let start = format!("error: {}: {message}", folder.path(name).display());
        assert!(error.starts_with(&start), "{error}\nbut not\n{start}");
        assert_eq!(folder.names(), before);
    }
}

#[test]
fn missing_files_and_folders() {
    let folder = Folder::new();
    assert!(fails(&folder.run("info @none.bin"), 1).ends_with("none.bin: there is no such file; check the name"));
    assert!(fails(&folder.run("convert @v.txt @none/o.txt"), 1).ends_with("none` does not exist; create it first"));
    assert!(fails(&folder.run("convert @v.txt @o.dat"), 1).contains("the extension does not tell the format"));
    assert_eq!(folder.names(), ["v.txt"]);
}

#[test]
fn words_that_are_not_there() {
    let folder = Folder::new();
    let output = folder.run("similar @v.txt cta");
    assert!(fails(&output, 1).ends_with("v.txt: the word \"cta\" is not in the vocabulary; did you mean \"cat\"?"));
    for word in ["xylophone", "", "x"] {
        let output = folder.command("similar @v.txt").arg(word).output().unwrap();
        assert!(fails(&output, 1).ends_with("nor is one that is spelled alike; check the language and the case"));
    }
}

#[test]
fn words_that_point_nowhere() {
    let folder = Folder::new().with("z.txt", "3 2\ncat 1 0.1\ndog 0.9 0.2\nnil 0 0\n");
    succeeds(&folder.run("build @z.txt -o @z.ann --trees 2"));
    for line in [
        "similar @z.txt cat --negative cat",
        "similar @z.txt cat dog --negative cat --negative dog --index @z.ann",
        "similar @z.txt nil",
    ] {
        let expected = "z.txt: the words cancel each other or have vectors of zeros, so no word is more similar than another; \
                        ask for others";
        assert!(fails(&folder.run(line), 1).ends_with(expected), "{line}");
    }
    assert_eq!(succeeds(&folder.run("similar @z.txt cat nil")), "dog\t0.9929\n");
}

/// Words of a binary file may hold anything but a space.
#[test]
fn nothing_in_a_word_breaks_a_line_or_the_terminal() {
    let mut file = b"5 1\n".to_vec();
    for word in ["cat", "a\tb\nc\rd", "\u{1b}[31mred\u{9b}1m", "c\\n", "don't"] {
        file.extend([word.as_bytes(), b" \0\0\x80\x3f"].concat());
    }
    let folder = Folder::new().with("odd.bin", file);
    let escaped = ["a\\tb\\nc\\rd", "\\u{1b}[31mred\\u{9b}1m", "c\\\\n", "don't"];
    let similar = escaped.map(|word| format!("{word}\t1.0000\n")).concat();
    assert_eq!(succeeds(&folder.run("similar @odd.bin cat")), similar);
    let first = format!("first words cat {}\n", escaped.join(" "));
    assert!(succeeds(&folder.run("info @odd.bin")).ends_with(&first));

    succeeds(&folder.run("dictionary @odd.bin --exact -o @odd.tsv"));
    let tsv = fs::read_to_string(folder.path("odd.tsv")).unwrap();
    let of_cat = escaped.map(|word| format!("cat\t{word}\t1.0000\n")).concat();
    assert!(tsv.starts_with(&of_cat) && tsv.lines().all(|line| line.split('\t').count() == 3), "{tsv}");
    let json = folder.run("dictionary @odd.bin --exact");
    let line = succeeds(&json).lines().next().unwrap();
    assert!(!line.contains(char::is_control) && line.contains("\\u009b") && succeeds(&json).lines().count() == 5);
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["similar"][1][0], "\u{1b}[31mred\u{9b}1m");

    let suggestion = folder.command("similar @odd.bin").arg("\u{1b}[31mred\u{9b}1n").output().unwrap();
    let expected =
        "the word \"\\u{1b}[31mred\\u{9b}1n\" is not in the vocabulary; did you mean \"\\u{1b}[31mred\\u{9b}1m\"?";
    assert!(fails(&suggestion, 1).ends_with(expected));
    let name = folder.command("info").arg(folder.path("no\n\u{1b}[31m")).output().unwrap();
    assert!(fails(&name, 1).ends_with("no\\n\\u{1b}[31m: there is no such file; check the name"));
}

#[test]
fn the_vectors_are_not_replaced_by_what_is_made_of_them() {
    let folder = Folder::new();
    let before = fs::read(folder.path("v.txt")).unwrap();
    for line in ["dictionary @v.txt -o @v.txt", "build @v.txt -o @./v.txt"] {
        assert!(
            fails(&folder.run(line), 1).ends_with("v.txt: this is the file of vectors itself; choose another name")
        );
    }
    assert_eq!(fs::read(folder.path("v.txt")).unwrap(), before);
}

#[test]
fn the_help_tells_what_is_escaped() {
    let help = ohyeah(["dictionary", "--help"]);
    let help = succeeds(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(r"in TSV as \t, \n, \u{1b}, and a backslash as \\"), "{help}");
}

#[test]
fn the_backend_can_be_forced() {
    let similar = |backend: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ohyeah"));
        command.env("OHYEAH_BACKEND", backend).arg("similar").arg(sample()).arg("cat").output().unwrap()
    };
    let expected = similar("portable");
    assert_eq!(succeeds(&similar("scalar")), succeeds(&expected));
    assert!(fails(&similar("abacus"), 1).contains("OHYEAH_BACKEND=abacus"));
}

#[test]
fn every_command_refuses_a_backend_that_is_none() {
    let folder = Folder::new();
    succeeds(&folder.run("build @v.txt -o @v.ann --trees 3"));
    let names = folder.names();
    for line in [
        "info @v.ann",
        "info @v.txt",
        "convert @v.txt @c.bin",
        "build @v.txt -o @b.ann",
        "dictionary @v.txt -o @d.jsonl",
        "similar @v.txt cat --index @v.ann",
    ] {
        let error = folder.command(line).env("OHYEAH_BACKEND", "abacus").output().unwrap();
        assert!(fails(&error, 1).starts_with("error: OHYEAH_BACKEND=abacus: not on this machine: use one of scalar"));
    }
    assert_eq!(folder.names(), names);
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let folder = Folder::new();
    assert!(fails(&folder.run("similar @v.txt cat --top 0"), 2).contains("a whole number is needed, at least 1"));
    assert!(
        fails(&folder.run("similar @v.txt cat --limit 0"), 2)
            .contains("--limit <N>': a whole number is needed, at least 1")
    );
    let seed = "a whole number is needed, from 0 to 18446744073709551615";
    assert!(fails(&folder.run("build @v.txt -o @o --seed 18446744073709551616"), 2).contains(seed));
    assert!(fails(&folder.run("similar @v.txt cat --top x"), 2).contains("a whole number is needed"));
    assert!(fails(&folder.run("similar @v.txt"), 2).contains("<WORD>"));
    assert!(fails(&folder.run("similar @v.txt cat --threads 0"), 2).contains("--threads"));
    assert!(fails(&folder.run("nonsense"), 2).contains("nonsense"));
    assert_eq!(ohyeah([""; 0]).status.code(), Some(2));
    assert_eq!(ohyeah(["--help"]).status.code(), Some(0));
    assert_eq!(ohyeah(["--version"]).status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_behind_standard_output_is_added_to() {
    let folder = Folder::new().with("log", "before\n");
    for line in ["convert @v.txt /dev/stdout --to text", "dictionary @v.txt -o /dev/stdout --top 1"] {
        let log = fs::File::options().append(true).open(folder.path("log")).unwrap();
        assert_eq!(folder.command(line).stdout(log).status().unwrap().code(), Some(0));
    }
    let log = fs::read_to_string(folder.path("log")).unwrap();
    assert!(log.starts_with("before\n4 2\ncat 1.0 0.1\n") && log.lines().count() == 1 + 5 + 4, "{log}");
    assert_eq!(folder.names(), ["log", "v.txt"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let folder = Folder::new();
    let error = "/dev/full: the disk is full; free some space or write elsewhere";
    assert_eq!(fails(&folder.run("convert @v.txt /dev/full --to binary"), 1), format!("error: {error}"));
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    for line in ["info", "similar"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ohyeah"));
        command.arg(line).arg(folder.path("v.txt")).args((line == "similar").then_some("cat")).stdout(full());
        let output = command.output().unwrap();
        assert!(fails(&output, 1).ends_with("standard output: the disk is full; free some space or write elsewhere"));
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = Folder::new();
    for line in [
        "similar @v.txt cat",
        "info @v.txt",
        "dictionary @v.txt",
        "dictionary @v.txt -o /dev/stdout",
        "convert @v.txt /dev/stdout --to binary",
    ] {
        let mut child = folder.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{line}");
    }
}
