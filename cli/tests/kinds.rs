//! Every kind of file given to every command: what is read, and what is named with the next step.

mod harness;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use harness::{Folder, fails, succeeds, text};

/// A folder with the same four words in every form.
fn folder() -> Folder {
    let folder = Folder::new();
    for metric in ["angular", "euclidean", "dot"] {
        succeeds(&folder.run(&format!("build @v.txt -o @{metric}.oy --metric {metric}")));
    }
    succeeds(&folder.run("build @v.txt -o @f.ann --trees 3"));
    succeeds(&folder.run("build @v.txt -o @none.oy --no-words"));
    let numbers: [f32; 8] = [1.0, 0.1, 0.9, 0.2, 0.1, 1.0, 0.0, 1.0];
    folder.with("a.npy", npy("(4, 2)", &numbers)).with("a.words", "cat\ndog\ncar\nbus\n")
}

fn npy(shape: &str, numbers: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let numbers: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &numbers].concat()
}

#[test]
fn an_index_of_words_stands_for_their_vectors() {
    let folder = folder();
    let expected = folder.run("dictionary @v.txt --top 2");
    for vectors in ["@angular.oy", "@euclidean.oy", "@dot.oy", "@a.npy --words @a.words"] {
        assert_eq!(succeeds(&folder.run(&format!("dictionary {vectors} --top 2"))), succeeds(&expected), "{vectors}");
        succeeds(&folder.run(&format!("convert {vectors} @o.txt")));
        let converted = fs::read_to_string(folder.path("o.txt")).unwrap();
        assert_eq!(converted, "4 2\ncat 1.0 0.1\ndog 0.9 0.2\ncar 0.1 1.0\nbus 0.0 1.0\n");
        succeeds(&folder.run(&format!("build {vectors} -o @again.oy --limit 3")));
        assert!(succeeds(&folder.run("info @again.oy")).contains("words       3\n"));
    }
    assert_eq!(succeeds(&folder.run("similar @a.npy cat --words @a.words --top 1")), "dog\t0.9929\n");
    assert!(
        succeeds(&folder.run("info @a.npy --words @a.words"))
            .starts_with("format      NumPy array, and words\nwords       4\n")
    );
}

#[test]
fn an_index_of_any_metric_is_searched() {
    let folder = folder();
    assert_eq!(succeeds(&folder.run("similar @euclidean.oy cat --top 1")), "dog\t0.1414\n");
    assert_eq!(succeeds(&folder.run("similar @dot.oy cat --top 1")), "dog\t0.9200\n");
    assert_eq!(succeeds(&folder.run("similar @angular.oy bus --top 9 --restrict 2")).lines().count(), 2);
    let json = folder.run("similar @euclidean.oy cat --top 1 --json");
    let json: serde_json::Value = serde_json::from_str(succeeds(&json)).unwrap();
    assert_eq!((&json["word"], &json["metric"]), (&"cat".into(), &"euclidean".into()));
    assert_eq!((&json["similar"][0][0], &json["similar"][0][1]), (&"dog".into(), &0.9929.into()));
    assert!((json["similar"][0][2].as_f64().unwrap() - 0.02_f64.sqrt()).abs() < 1e-6);
    let sum = folder.run("similar @v.txt car dog --negative cat --top 1 --json");
    let expected = "{\"positive\":[\"car\",\"dog\"],\"negative\":[\"cat\"],\"similar\":[[\"bus\",0.9974]]}\n";
    assert_eq!(succeeds(&sum), expected);
}

#[test]
fn another_kind_of_file_is_named_with_the_next_step() {
    let folder = folder().with("p.kv", b"\x80\x04\x95...").with("n.tar.gz", "");
    let names = folder.names();
    for (line, expected) in [
        (
            "similar @v.txt cat --index @angular.oy",
            "a packed index holds words and vectors: ask it alone, with ohyeah similar",
        ),
        ("similar @f.ann cat", "f.ann: this is an index of Annoy's kind, which holds no words"),
        ("dictionary @f.ann", "f.ann: this is an index of Annoy's kind, which holds no words"),
        ("convert @f.ann @o.txt", "f.ann: this is an index of Annoy's kind, which holds no words"),
        ("build @f.ann -o @o.oy", "f.ann: this is an index of Annoy's kind, which holds no words"),
        ("dictionary @none.oy", "none.oy: this is a packed index without words in it"),
        ("similar @none.oy cat", "none.oy: the index has no words in it"),
        ("verify @v.txt", "word vectors are read and checked by ohyeah info"),
        ("verify @a.npy", "neither a packed index nor one of Annoy's"),
        ("info @a.npy", "this is a NumPy array, which holds no words; give a file of them too (--words)"),
        ("similar @a.npy cat", "this is a NumPy array"),
        ("build @a.npy -o @o.oy", "--no-words"),
        ("build @v.txt -o @o.oy --words @a.words", "v.txt: not an array of NumPy"),
        ("dictionary @p.kv", "this is a Python pickle"),
        ("build @v.txt -o @o.foo", "o.foo: the extension does not tell the kind of index; end the name in .oy or .ann"),
        ("build @v.txt -o @o.oy.gz", "the extension does not tell the kind of index"),
        ("similar @a.npy cat --words @v.txt", "v.txt: 5 words, but "),
    ] {
        let output = folder.run(line);
        let error = fails(&output, 1);
        assert!(error.contains(expected), "{line}: {error}");
    }
    assert_eq!(folder.names(), names);
}

#[test]
fn options_without_effect_are_refused() {
    let folder = folder();
    for (line, option) in [
        ("similar @v.txt cat --recall 0.9", "--recall"),
        ("similar @v.txt cat --index @f.ann --recall 0.9", "--recall"),
        ("similar @angular.oy cat --index @f.ann", "--index"),
        ("similar @angular.oy cat --limit 3", "--restrict N"),
        ("similar @angular.oy cat --lossy", "--lossy"),
        ("dictionary @angular.oy --lossy", "--lossy"),
        ("info @angular.oy --limit 3", "--limit"),
        ("build @v.txt -o @o.oy --trees 3", "--trees"),
        ("build @v.txt -o @o.ann --queries @v.txt", "--queries"),
        ("build @v.txt -o @o.ann --no-words", "--no-words"),
    ] {
        let output = folder.run(line);
        assert!(fails(&output, 1).contains(option), "{line}");
    }
    for line in [
        "dictionary @v.txt --exact --seed 3",
        "similar @v.txt cat --search-k 3",
        "build @a.npy -o @o.oy --no-words --words @a.words",
    ] {
        fails(&folder.run(line), 2);
    }
}

#[test]
fn recall_is_above_0_and_at_most_1() {
    let folder = folder();
    for recall in ["0", "-1", "1.01", "7", "nan", "x"] {
        for line in ["similar @angular.oy cat", "dictionary @v.txt"] {
            let error = folder.run(&format!("{line} --recall={recall}"));
            assert!(
                fails(&error, 2).contains("a share is needed, above 0 and at most 1, which is all"),
                "{line} {recall}"
            );
        }
    }
    for recall in ["1", "0.3"] {
        assert_eq!(
            succeeds(&folder.run(&format!("similar @angular.oy cat --top 1 --recall {recall}"))),
            "dog\t0.9929\n"
        );
        succeeds(&folder.run(&format!("dictionary @v.txt --recall {recall}")));
    }
}

#[test]
fn an_index_of_an_array_has_row_numbers() {
    let folder = folder();
    for (name, line) in [("items       4", "info @o.oy"), ("items       4", "info @o.ann")] {
        let index = line.rsplit(' ').next().unwrap();
        succeeds(&folder.run(&format!("build @a.npy -o {index} --no-words --metric euclidean")));
        assert!(succeeds(&folder.run(line)).contains(name), "{line}");
    }
    succeeds(&folder.run("build @v.txt -o @plain.oy --no-words --metric euclidean"));
    assert!(fs::read(folder.path("o.oy")).unwrap() == fs::read(folder.path("plain.oy")).unwrap());
}

#[test]
fn what_no_index_can_be_built_of_is_told() {
    let folder = folder().with("none.npy", npy("(0, 2)", &[])).with("none.txt", "0 2\n");
    let names = folder.names();
    for line in ["build @none.npy --no-words -o @o.ann", "build @none.txt -o @o.ann"] {
        let output = folder.run(line);
        assert!(fails(&output, 1).contains("there are no vectors, and a forest of none cannot be opened"), "{line}");
    }
    for index in ["o.oy", "o.ann"] {
        let mut command = folder.command(&format!("build - --no-words -o @{index}"));
        let output = command.stdin(fs::File::open(folder.path("a.npy")).unwrap()).output().unwrap();
        let error = fails(&output, 1);
        assert!(error.contains("name a file") || error.contains("name its file"), "{error}");
    }
    assert_eq!(folder.names(), names);
}

#[test]
fn words_that_begin_with_a_dash() {
    let folder = Folder::new().with("d.txt", "4 2\n-lrb- 1 0\n-rrb- 1 0.1\n-- 0 1\ncat 1 1\n");
    assert!(succeeds(&folder.run("similar @d.txt --top 1 -- -lrb-")).starts_with("-rrb-\t"));
    assert!(succeeds(&folder.run("similar @d.txt -- --")).starts_with("cat\t"));
    for word in ["-rrb-", "--", "-lrb-"] {
        succeeds(&folder.run(&format!("similar @d.txt cat --negative {word}")));
    }
    let folder = folder.with("e.txt", "3 2\n- 1 0\ncat 1 0.1\ndog 0 1\n");
    assert!(succeeds(&folder.run("similar @e.txt --top 1 -- -")).starts_with("cat\t"));
    succeeds(&folder.run("similar @e.txt cat -- -"));
    for word in ["-lrb-", "-rrb-", "--xyz"] {
        let expected = format!(
            "a word that begins with a dash stands behind --, as in ohyeah similar VECTORS -- {word}; see ohyeah similar --help"
        );
        let output = folder.run(&format!("similar @d.txt {word}"));
        assert!(fails(&output, 2).ends_with(&expected), "{}", text(&output.stderr));
    }
}

#[test]
fn wrong_command_lines_name_the_help_of_the_command() {
    let folder = Folder::new();
    for command in ["build", "convert", "dictionary", "info", "similar", "verify", "completions", "man"] {
        let output = folder.run(&format!("{command} --nonsense"));
        assert!(fails(&output, 2).ends_with(&format!("see ohyeah {command} --help")), "{command}");
    }
    assert!(fails(&folder.run("nonsense"), 2).ends_with("see ohyeah --help"));
}

#[test]
fn many_queries_come_from_standard_input() {
    let folder = folder();
    for vectors in ["@v.txt", "@angular.oy"] {
        let mut command = folder.command(&format!("similar {vectors} - --top 1"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"cat\ncta\r\n\nbus").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let lines: Vec<serde_json::Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(text(&output.stdout).lines().next(), Some("{\"word\":\"cat\",\"similar\":[[\"dog\",0.9929]]}"));
        assert_eq!(lines[1]["word"], "cta");
        assert!(lines[1]["error"].as_str().unwrap().contains("did you mean \"cat\"?"));
        assert_eq!(lines[2]["word"], "");
        assert_eq!(lines[3]["similar"][0][0], "car");
        assert!(text(&output.stderr).ends_with("2 of 4 words have no answer\n"));
    }
    let mut child =
        folder.command("similar @v.txt - --top 1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = [&vec![b'a'; 3 << 20][..], b"\ncat\n"].concat();
    child.stdin.take().unwrap().write_all(&lines).unwrap();
    let answers = child.wait_with_output().unwrap().stdout;
    assert!(
        text(&answers).starts_with("{\"error\":\"the line is longer than")
            && text(&answers).ends_with("[[\"dog\",0.9929]]}\n")
    );
    assert!(fails(&folder.run("similar - -"), 1).contains("standard input cannot hold"));
    assert!(fails(&folder.run("similar @v.txt cat -"), 1).contains("give no others"));
}

#[test]
fn suggestions_see_through_forms_and_decorations() {
    let file = "6 2\n/c/en/cat 1 0\nduck|NOUN 1 .1\nENTITY/Barack_Obama 0 1\nthe 1 1\ncaf\u{e9} 1 2\nParis 2 1\n";
    let folder = Folder::new().with("d.txt", file);
    succeeds(&folder.run("build @d.txt -o @d.oy"));
    for vectors in ["@d.txt", "@d.oy"] {
        for (word, offered) in [
            ("cat", "\"/c/en/cat\""),
            ("duck", "\"duck|NOUN\""),
            ("Barack_Obama", "\"ENTITY/Barack_Obama\""),
            ("PARIS", "\"Paris\""),
            ("cafe\u{301}", "it is in another Unicode normal form, as caf\\u{e9}; ask for that (in NFC)"),
        ] {
            let output = folder.run(&format!("similar {vectors} {word}"));
            assert!(fails(&output, 1).contains(offered), "{}", text(&output.stderr));
        }
    }
}

#[test]
fn the_empty_word_can_be_left_out_of_what_is_written() {
    let folder = Folder::new().with("e.txt", "3 3\ncat 0.1 0.2 0.31\n\n 0.1 0.2 0.3\ndog 0.2 0.1 0.3\n");
    assert!(fails(&folder.run("convert @e.txt @o.bin"), 1).contains("leave it out (--skip-empty)"));
    succeeds(&folder.run("convert @e.txt @o.bin --skip-empty"));
    assert!(succeeds(&folder.run("info @o.bin")).contains("words       2\n"));
}

#[test]
fn completions_and_manual_pages_are_those_of_the_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.run(&format!("completions {shell}"));
        assert!(succeeds(&script).contains("dictionary") && succeeds(&script).contains("search-k"), "{shell}");
    }
    fs::create_dir(folder.path("man")).unwrap();
    succeeds(&folder.run("man @man"));
    let page = |name: &str| fs::read_to_string(folder.path("man").join(name)).unwrap();
    assert!(page("ohyeah.1").contains("dictionary"));
    let similar = page("ohyeah-similar.1");
    assert!(similar.contains("ohyeah\\-similar") && similar.contains("restrict"), "{similar}");
    assert_eq!(fs::read_dir(folder.path("man")).unwrap().count(), 9);
    assert!(fails(&folder.run("man @nowhere"), 1).contains("does not exist; create it first"));
}
