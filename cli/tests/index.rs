//! The dictionary and the indexes: `dictionary`, `build`, `similar --index`, `info` of an index.

mod harness;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use harness::{Folder, fails, ohyeah, sample, succeeds, text};

/// The lists of a dictionary in JSON Lines, in the file's order.
fn dictionary(path: &Path) -> Vec<(String, Vec<(String, f64)>)> {
    let lines = fs::read_to_string(path).unwrap();
    let entry = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let pair = |pair: &serde_json::Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_f64().unwrap());
        let similar = value["similar"].as_array().unwrap().iter().map(pair).collect();
        (value["word"].as_str().unwrap().to_owned(), similar)
    };
    lines.lines().map(entry).collect()
}

fn make(folder: &Folder, name: &str, options: &[&str]) -> Vec<(String, Vec<(String, f64)>)> {
    let path = folder.path(name);
    let fixed = ["dictionary".into(), sample().into_os_string(), "-o".into(), path.clone().into_os_string()];
    let output = ohyeah(fixed.into_iter().chain(options.iter().map(Into::into)));
    succeeds(&output);
    dictionary(&path)
}

fn recall(found: &[(String, Vec<(String, f64)>)], exact: &[(String, Vec<(String, f64)>)]) -> f64 {
    let (mut hits, mut all) = (0, 0);
    for ((word, found), (same, exact)) in found.iter().zip(exact) {
        assert_eq!(word, same);
        hits += exact.iter().filter(|(word, _)| found.iter().any(|(other, _)| other == word)).count();
        all += exact.len();
    }
    hits as f64 / all as f64
}

#[test]
fn a_dictionary_of_the_sample_is_nearly_the_exact_one() {
    let folder = Folder::new();
    let exact = make(&folder, "exact.jsonl", &["--exact"]);
    assert_eq!(exact.len(), 20_000);
    let lists: HashMap<&str, &Vec<(String, f64)>> = exact.iter().map(|(word, list)| (word.as_str(), list)).collect();
    assert_eq!(lists["cat"][0], ("dog".to_owned(), 0.8798));
    for (word, list) in &exact {
        assert_eq!(list.len(), 15);
        assert!(list.iter().all(|(other, _)| other != word) && list.is_sorted_by(|a, b| a.1 >= b.1), "{word}");
    }
    let found = make(&folder, "default.jsonl", &[]);
    assert!(recall(&found, &exact) > 0.945);
    let more = make(&folder, "more.jsonl", &["--recall", "0.99"]);
    assert!(recall(&more, &exact) > 0.985);
    assert!(found.iter().all(|(word, list)| list.len() == 15 && list.iter().all(|(other, _)| other != word)));
    let searched = make(&folder, "searched.jsonl", &["--search-k", "4000", "--trees", "20"]);
    assert!(recall(&searched, &exact) > 0.9);
}

#[test]
fn long_lists_have_the_recall_that_is_asked_for() {
    let folder = Folder::new();
    let make = |name, options: &[&str]| make(&folder, name, &[&["--limit", "5000", "--top", "130"], options].concat());
    let exact = make("exact.jsonl", &["--exact"]);
    assert!(exact.iter().all(|(_, list)| list.len() == 130));
    let [some, most] = ["0.8", "0.99"].map(|share| recall(&make("found.jsonl", &["--recall", share]), &exact));
    // Where that is little work all vectors are compared, so there may be more than was asked for.
    assert!(some > 0.785 && most > 0.975, "{some} {most}");
    let [one, three] = ["1", "3"].map(|threads| make("found.jsonl", &["--threads", threads]));
    assert!(one == three);
}

#[test]
fn a_dictionary_does_not_depend_on_the_threads() {
    let folder = Folder::new();
    for (name, options) in [("1", &["--threads", "1"]), ("2", &["--threads", "2"]), ("7", &["--threads", "7"])] {
        make(&folder, name, &[&options[..], &["--limit", "3000", "--seed", "3"]].concat());
    }
    let one = fs::read(folder.path("1")).unwrap();
    assert!(one == fs::read(folder.path("2")).unwrap() && one == fs::read(folder.path("7")).unwrap());
    make(&folder, "other", &["--limit", "3000", "--seed", "4", "--trees", "3"]);
    assert!(one != fs::read(folder.path("other")).unwrap());
}

#[test]
fn a_small_dictionary_in_both_forms() {
    let folder = Folder::new();
    let expected = "{\"word\":\"cat\",\"similar\":[[\"dog\",0.9929],[\"car\",0.1980]]}\n";
    let lines = folder.run("dictionary @v.txt --top 2");
    assert_eq!(succeeds(&lines).lines().next().unwrap(), expected.trim_end());
    assert_eq!(succeeds(&folder.run("dictionary @v.txt --top 2 --exact")), text(&lines.stdout));
    succeeds(&folder.run("dictionary @v.txt --top 2 -o @d.tsv"));
    let tsv = fs::read_to_string(folder.path("d.tsv")).unwrap();
    assert!(tsv.starts_with("cat\tdog\t0.9929\ncat\tcar\t0.1980\ndog\tcat\t"), "{tsv}");
    // More than there are is all of them.
    let all = folder.run("dictionary @v.txt --top 500");
    assert!(succeeds(&all).starts_with("{\"word\":\"cat\",\"similar\":[[\"dog\",0.9929],[\"car\",0.1980],[\"bus\","));
}

#[test]
fn zero_vectors_do_not_poison_a_dictionary() {
    let folder = Folder::new().with("z.txt", "4 2\nzero 0 0\ncat 1 0.1\ndog 0.9 0.2\nnil 0 0\n");
    for options in ["", " --exact", " --search-k 100"] {
        let output = folder.run(&format!("dictionary @z.txt --top 1{options}"));
        let lines: Vec<&str> = succeeds(&output).lines().collect();
        assert_eq!(lines[1], "{\"word\":\"cat\",\"similar\":[[\"dog\",0.9929]]}", "{options}");
        assert!(lines[0].ends_with(",0.0000]]}"), "{options}: {}", lines[0]);
    }
}

#[test]
fn an_index_is_built_described_and_searched() {
    let folder = Folder::new();
    let build = |threads: &str, name: &str| {
        let (sample, path) = (sample().into_os_string(), folder.path(name).into_os_string());
        let command = ["build".into(), sample, "-o".into(), path];
        succeeds(&ohyeah(command.into_iter().chain(["--trees", "20", "--threads", threads].map(Into::into))));
        fs::read(folder.path(name)).unwrap()
    };
    assert!(build("1", "one.ann") == build("8", "i.ann"));

    let info = folder.run("info @i.ann");
    for line in ["metric      angular", "dimensions  100", "items       20000", "trees       20"] {
        assert!(succeeds(&info).lines().any(|found| found == line), "{line}");
    }

    let similar = |options: &[&str]| {
        let fixed = ["similar".into(), sample().into_os_string(), "king".into(), "woman".into()];
        let output = ohyeah(fixed.into_iter().chain(options.iter().map(Into::into)));
        succeeds(&output).to_owned()
    };
    let exact = similar(&["--negative", "man"]);
    assert!(exact.starts_with("queen\t"));
    let index = folder.path("i.ann");
    let index = index.to_str().unwrap();
    assert_eq!(similar(&["--negative", "man", "--index", index, "--search-k", "1000000"]), exact);
    assert_eq!(similar(&["--negative", "man", "--index", index]).lines().count(), 10);
}

#[test]
fn info_goes_by_the_content_and_not_by_the_name() {
    let folder = Folder::new();
    succeeds(&folder.run("build @v.txt -o @v.ann --trees 3"));
    for (from, to) in [("v.ann", "i.bin"), ("v.ann", "i"), ("v.txt", "v.vec.ann")] {
        fs::copy(folder.path(from), folder.path(to)).unwrap();
        assert_eq!(succeeds(&folder.run(&format!("info @{to}"))), succeeds(&folder.run(&format!("info @{from}"))));
    }
    assert!(succeeds(&folder.run("info @i")).starts_with("format      Annoy index\nmetric      angular\n"));
    assert!(succeeds(&folder.run("info @v.vec.ann")).starts_with("format      word2vec text\n"));
}

/// Nor by their size: a file that was lost may be all zeros.
#[test]
fn zeros_are_no_whole_index() {
    for nodes in [2, 20, 1000] {
        let folder = Folder::new().with("zeros.ann", vec![0; 412 * nodes]);
        assert!(fails(&folder.run("verify @zeros.ann"), 1).contains("not a whole index"));
    }
}

#[test]
fn bad_indexes_and_outputs_are_one_line() {
    let folder =
        Folder::new().with("none.ann", "").with("short.ann", [1; 30]).with("w.txt", "3 2\na 1 2\nb 3 4\nc 5 6\n");
    let folder = folder.with("wide.txt", "1 9\na 1 2 3 4 5 6 7 8 9\n").with("cut.bin", "2 1\na \0\0\0\0b \0");
    succeeds(&folder.run("build @v.txt -o @v.ann --trees 3"));
    succeeds(&folder.run("build @v.txt -o @e.ann --trees 3 --metric euclidean"));
    let whole = fs::read(folder.path("v.ann")).unwrap();
    for name in ["cut.ann", "cut.dat"] {
        fs::write(folder.path(name), &whole[..whole.len() - 7]).unwrap();
    }
    let names = folder.names();
    for (line, expected) in [
        ("similar @v.txt cat --index @gone.ann", "gone.ann: there is no such file; check the name"),
        ("similar @v.txt cat --index @.", "/.: is a folder; give the name of a file"),
        ("similar @v.txt cat --index @none.ann", "none.ann: the index is empty"),
        (
            "similar @v.txt cat --index @cut.ann",
            "cut.ann: not a whole angular index of 2 dimensions: it does not belong to",
        ),
        (
            "similar @v.txt cat --index @e.ann",
            "e.ann: an index by the euclidean metric, and similarity takes an angular one",
        ),
        ("similar @wide.txt a --index @v.ann", "wide.txt or is damaged; make one that does with ohyeah build"),
        ("similar @w.txt a --index @v.ann", "v.ann: the index does not belong to these vectors: it has 4 items, not 3"),
        ("info @short.ann", "short.ann: neither word vectors (line 1: \"\\u{1}"),
        (
            "info @short.ann",
            ") nor a whole index of any metric (if it was one it is damaged or cut short: build it again)",
        ),
        ("info @cut.dat", "cut.dat: neither word vectors (line 1: "),
        ("info @cut.bin", "cut.bin: line 1: the header promises 2 words of 1 dimensions"),
        ("info @gone.ann", "gone.ann: there is no such file; check the name"),
        ("info @.", "/.: is a folder; give the name of a file"),
        ("dictionary @gone.txt", "gone.txt: "),
        ("dictionary @v.txt -o @no/d.jsonl", "no/d.jsonl: "),
        ("build @v.txt -o @no/i.ann", "no/i.ann: "),
        ("build @gone.txt -o @new.ann", "gone.txt: "),
        ("build @v.txt -o /dev/full", "/dev/full: "),
        ("dictionary @v.txt -o /dev/full", "/dev/full: "),
    ] {
        let output = folder.run(line);
        let error = fails(&output, 1);
        assert!(error.contains(expected), "{line}: {error}");
    }
    for line in
        ["dictionary @v.txt --top 0", "dictionary @v.txt --exact --trees 5", "build @v.txt -o @x.ann --metric cosine"]
    {
        fails(&folder.run(line), 2);
    }
    assert_eq!(folder.names(), names);
}

#[test]
fn a_packed_index_holds_the_words_and_needs_no_vectors() {
    let folder = Folder::new();
    let index = folder.path("words.oy");
    succeeds(&ohyeah(["build".into(), sample().into_os_string(), "-o".into(), index.clone().into_os_string()]));
    let args = |more: &[&str]| {
        let args = ["similar".into(), index.clone().into_os_string()];
        args.into_iter().chain(more.iter().map(Into::into)).collect::<Vec<std::ffi::OsString>>()
    };
    let exact = ohyeah(args(&["king", "woman", "--negative", "man", "--exact", "--top", "3"]));
    succeeds(&exact);
    assert!(text(&exact.stdout).starts_with("queen\t0.7699\n"), "{}", text(&exact.stdout));
    let found = ohyeah(args(&["cat"]));
    assert!(text(&found.stdout).starts_with("dog\t0.8798\n"));
    assert!(fails(&ohyeah(args(&["cta"])), 1).contains("did you mean"));
    let few = ohyeah(args(&["cat", "--restrict", "5"]));
    let of_vectors =
        ohyeah(["similar".into(), sample().into_os_string(), "cat".into(), "--restrict".into(), "5".into()]);
    assert_eq!(succeeds(&few), succeeds(&of_vectors));
    assert_eq!(succeeds(&few).lines().count(), 5);
    let info = ohyeah(["info".into(), index.clone().into_os_string()]);
    assert!(text(&info.stdout).contains("packed index") && text(&info.stdout).contains("words       20000"));
    let verify = || ohyeah(["verify".into(), index.clone().into_os_string()]);
    succeeds(&verify());
    let mut bytes = fs::read(&index).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&index, &bytes).unwrap();
    assert!(fails(&verify(), 1).contains("damaged"));
    fs::write(&index, &bytes[..middle]).unwrap();
    assert!(fails(&ohyeah(args(&["cat"])), 1).contains("should have"));
}
