//! Many threads that search one index, and processes that map a file while another replaces it.

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, thread};

use ohyeah::forest::{BuildOptions, Items, Search};
use ohyeah::{Angular, Forest, MappedFile, Neighbour, ParBuildItems};

const DIMENSIONS: usize = 16;
/// Of the seed whose items an index has: two that differ in length, too.
const SEEDS: [u16; 2] = [1, 2];

fn forest(seed: u16) -> Forest<Angular> {
    let mut items = Items::new(DIMENSIONS).expect("dimensions");
    for id in 0..3000 + 500 * u32::from(seed) {
        let row: Vec<f32> = (1..=DIMENSIONS as u16).map(|i| (id as f32 * f32::from(i * seed) * 0.37).sin()).collect();
        items.add(id, &row).expect("a vector");
    }
    items.par_build(&BuildOptions::new().trees(8)).expect("builds")
}

fn queries() -> Vec<Vec<f32>> {
    (0..40_u8).map(|q| (0..DIMENSIONS as u8).map(|i| (f32::from(q) + f32::from(i) * 1.7).cos()).collect()).collect()
}

fn answers<S: AsRef<[u8]>>(forest: &Forest<Angular, S>) -> Vec<Vec<Neighbour>> {
    queries().iter().map(|query| forest.search(query, &Search::top(10)).expect("searches")).collect()
}

#[test]
fn many_threads_search_one_index() {
    let forest = forest(1);
    let expected = answers(&forest);
    thread::scope(|scope| {
        for offset in 0..16 {
            let (forest, expected) = (&forest, &expected);
            scope.spawn(move || {
                let mut searcher = forest.searcher();
                for round in 0..20 {
                    for (at, query) in queries().iter().enumerate().skip((offset + round) % 7) {
                        assert_eq!(searcher.search(query, &Search::top(10)).expect("searches"), expected[at]);
                        assert_eq!(forest.search(query, &Search::top(10)).expect("searches"), expected[at]);
                    }
                }
            });
        }
    });
}

/// Which of the two indexes it is, if its answers are right.
fn recognise(forest: &Forest<Angular, MappedFile>, expected: &[Vec<Vec<Neighbour>>; 2]) -> usize {
    forest.verify().expect("in order");
    let found = answers(forest);
    expected.iter().position(|expected| *expected == found).expect("the answers of one of the two")
}

const INDEX: &str = "OHYEAH_TEST_INDEX";

/// Opens the file again and again, and keeps every mapping that it made.
#[test]
#[ignore = "run by the other test, in processes of its own"]
fn reader() {
    let path = env::var_os(INDEX).expect("a path");
    let path = Path::new(&path);
    let expected = SEEDS.map(|seed| answers(&forest(seed)));
    let mut mapped = Vec::new();
    // Both were seen, and many times: the other process goes on replacing until it is so.
    let mut seen = [0; 2];
    while seen.iter().any(|&times| times < 20) {
        let forest = common::map_forest::<Angular>(path, DIMENSIONS).expect("a whole file, whenever it is opened");
        let which = recognise(&forest, &expected);
        seen[which] += 1;
        mapped.push((forest, which));
        if mapped.len() > 50 {
            mapped.remove(0);
        }
    }
    for (forest, which) in &mapped {
        assert_eq!(recognise(forest, &expected), *which, "a mapping changed");
    }
}

#[test]
fn readers_see_one_index_or_the_other_while_it_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("words.ann");
    let forests = SEEDS.map(forest);
    ohyeah::save(&path, &forests[0]).expect("saves");
    let program = env::current_exe().expect("this program");
    let read = || {
        let mut command = Command::new(&program);
        command.args(["--exact", "reader", "--ignored", "--quiet"]).env(INDEX, &path).spawn().expect("starts")
    };
    let mut readers = [read(), read(), read()];
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let all = readers.iter_mut().map(|reader| reader.wait().expect("ends").success());
            let right = all.collect::<Vec<_>>();
            ended.store(true, Ordering::Relaxed);
            assert_eq!(right, [true; 3], "a reader saw what is neither");
        });
        for forest in forests.iter().cycle() {
            ohyeah::save(&path, forest).expect("saves");
            if ended.load(Ordering::Relaxed) {
                break;
            }
        }
    });
}
