//! Packed indexes as they were written once, and answers that a script computed of their vectors: files of every version open and
//! answer, and those of the latest are written to the byte. See `golden/packed/README.md`.

#![allow(missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

use ohyeah_core::packed::{BuildOptions, PackedBuf, Search};
use ohyeah_core::{Backend, Metric, Neighbour, Packed};
use serde::Deserialize;

/// The folders of files, one a version of the format; builds write the last.
const VERSIONS: [&str; 2] = ["v1", "v2"];

/// What a `.json` file says.
#[derive(Deserialize)]
struct Golden {
    metric: String,
    rows: usize,
    dimensions: usize,
    leaves: Option<usize>,
    seed: u64,
    keys: Option<Vec<String>>,
    answers: Vec<Answer>,
}

/// The nearest of a vector, nearest first, of equals the smaller id first.
#[derive(Deserialize)]
struct Answer {
    query: Vec<f32>,
    ids: Vec<u32>,
    distances: Vec<f64>,
}

/// The same hash as that of `make.py`: the number is exact.
fn number(i: u32, j: u32) -> f32 {
    let mut h = i.wrapping_mul(2_654_435_761).wrapping_add(j * 40_503).wrapping_add(12_345);
    h = (h ^ h >> 15).wrapping_mul(2_246_822_519);
    h = (h ^ h >> 13).wrapping_mul(3_266_489_917);
    h ^= h >> 16;
    ((h % 4001) as f32 - 2000.0) / 1024.0
}

/// Some of them twice, one of zeros.
fn vectors(rows: usize, dimensions: usize) -> Vec<f32> {
    let row = |i| (0..dimensions as u32).map(move |j| number(i, j));
    let mut all: Vec<f32> = (0..rows as u32).flat_map(row).collect();
    if rows > 10 {
        all.copy_within(..3 * dimensions, rows / 2 * dimensions);
        all[5 * dimensions..6 * dimensions].fill(0.0);
    }
    all
}

impl Golden {
    fn metric(&self) -> Metric {
        self.metric.parse().expect("a metric")
    }

    fn build(&self, backend: Backend) -> Packed {
        let keys: Option<Vec<&str>> = self.keys.as_ref().map(|keys| keys.iter().map(String::as_str).collect());
        let mut options = BuildOptions::new().seed(self.seed).backend(backend);
        if let Some(leaves) = self.leaves {
            options = options.leaves(leaves);
        }
        if let Some(keys) = &keys {
            options = options.keys(keys);
        }
        Packed::build(self.metric(), &vectors(self.rows, self.dimensions), self.dimensions, &options).expect("builds")
    }
}

/// With the folder and the name of each.
fn each_golden(mut f: impl FnMut(&Path, &str, &Golden)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/packed");
    let paths = fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    assert_eq!(paths.len(), 12);
    for path in paths {
        let golden = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON of this form");
        println!("{}", path.display());
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        f(&folder, &format!("{name}.oy"), &golden);
    }
}

fn each_index(mut f: impl FnMut(&Golden, &Packed)) {
    each_golden(|folder, name, golden| {
        for (version, number) in VERSIONS.iter().zip(1_u32..) {
            println!("{version}");
            let bytes = fs::read(folder.join(version).join(name)).expect("the index");
            assert_eq!(bytes[8..12], number.to_le_bytes());
            for backend in Backend::available() {
                f(golden, &Packed::open(PackedBuf::copy_of(&bytes)).expect("opens").with_backend(backend));
            }
        }
    });
}

/// The distances of the truth; and ids that have them, the very ids where the crate can tell them apart.
fn check_answer(found: &[Neighbour], answer: &Answer) {
    assert_eq!(found.len(), answer.ids.len());
    for (found, distance) in found.iter().zip(&answer.distances) {
        assert!((f64::from(found.distance) - distance).abs() <= 1e-5, "{found:?}, not at {distance}");
    }
    // Where the last of them is one of several equals, any of these will do.
    let last = answer.distances.last().copied().unwrap_or(0.0);
    let is_clear = |distance: f64| (distance - last).abs() > 2e-5;
    let mut expected: Vec<u32> =
        answer.ids.iter().zip(&answer.distances).filter(|x| is_clear(*x.1)).map(|x| *x.0).collect();
    let mut ids: Vec<u32> = found.iter().filter(|x| is_clear(f64::from(x.distance))).map(|x| x.id).collect();
    expected.sort_unstable();
    ids.sort_unstable();
    assert_eq!(ids, expected);
    for (at, (found, id)) in found.iter().zip(&answer.ids).enumerate() {
        let apart = |other: usize| answer.distances.get(other).is_none_or(|x| (x - answer.distances[at]).abs() > 2e-5);
        if apart(at.wrapping_sub(1)) && apart(at + 1) && is_clear(answer.distances[at]) {
            assert_eq!(found.id, *id, "place {at}");
        }
    }
}

#[test]
fn they_open_and_are_in_order() {
    each_index(|golden, index| {
        assert_eq!(index.verify(), Ok(()));
        assert_eq!(index.metric(), golden.metric());
        assert_eq!((index.len(), index.dimensions()), (golden.rows, golden.dimensions));
        assert_eq!((index.seed(), index.has_keys()), (golden.seed, golden.keys.is_some()));
    });
}

#[test]
fn vectors_and_keys_come_back() {
    each_index(|golden, index| {
        let vectors = vectors(golden.rows, golden.dimensions);
        for (id, vector) in (0..).zip(vectors.chunks_exact(golden.dimensions)) {
            assert_eq!(index.vector(id), Some(vector), "{id}");
            let key = golden.keys.as_ref().map(|keys| keys[id as usize].as_str());
            assert_eq!(index.key(id), key);
            assert_eq!(key.and_then(|key| index.id(key)), key.map(|_| id));
        }
        let beyond = golden.rows as u32;
        assert_eq!((index.vector(beyond), index.key(beyond), index.id("no such key")), (None, None, None));
    });
}

#[test]
fn answers_are_those_of_the_script() {
    each_index(|golden, index| {
        assert!(golden.answers.len() > 5);
        let (mut found, mut wanted) = (0, 0);
        for answer in &golden.answers {
            let exact = index.search(&answer.query, &Search::top(12).exact()).expect("finds");
            check_answer(&exact, answer);
            // All leaves and all candidates; but how many of those are compared in full is the calibration's choice.
            let all = Search::top(12).probe(usize::MAX, usize::MAX);
            let near = index.search(&answer.query, &all).expect("finds");
            assert_eq!(near.len(), exact.len());
            wanted += exact.len();
            // Any of those as near as the last that is wanted will do.
            let sign = if golden.metric() == Metric::Dot { -1.0 } else { 1.0 };
            let last = exact.last().map_or(0.0, |exact| sign * exact.distance);
            found += near.iter().filter(|near| sign * near.distance <= last).count();
        }
        assert!(found * 100 >= wanted * 98, "{found} of {wanted}");
    });
}

#[test]
fn a_build_writes_the_same_bytes() {
    each_golden(|folder, name, golden| {
        let bytes = fs::read(folder.join(VERSIONS[VERSIONS.len() - 1]).join(name)).expect("the index");
        for backend in Backend::available() {
            assert!(golden.build(backend).as_bytes() == bytes, "{name}: other bytes on {}", backend.name());
        }
    });
}

/// No test, but how the files of the latest version were made; see `golden/packed/README.md`.
#[test]
#[ignore = "writes the golden files anew"]
fn write_the_files_of_the_latest_version() {
    each_golden(|folder, name, golden| {
        let path = folder.join(VERSIONS[VERSIONS.len() - 1]).join(name);
        fs::write(path, golden.build(Backend::baseline()).as_bytes()).expect("writes");
    });
}
