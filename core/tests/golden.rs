//! Indexes that Annoy 1.17.3 built, and the answers it gave.

#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ohyeah_core::forest::{BuildOptions, Items, NodeBuf, Search};
use ohyeah_core::{Angular, Distance, DotLegacy, Euclidean, Forest, Hamming, Manhattan, Metric, Neighbour};
use serde::Deserialize;

/// What a `.json` file says; see the README beside it.
#[derive(Deserialize)]
struct Golden {
    metric: String,
    f: usize,
    n_items: u32,
    n_trees: usize,
    seed: Option<u64>,
    items: BTreeMap<u32, Vec<f32>>,
    queries: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    v: Vec<f32>,
    n: usize,
    search_k: i64,
    ids: Vec<u32>,
    dist: Vec<f32>,
}

impl Query {
    fn search(&self) -> Search {
        let search = Search::top(self.n);
        if self.search_k < 0 { search } else { search.search_k(self.search_k as usize) }
    }
}

/// Vectors of a metric from the numbers that Annoy takes.
trait FromNumbers: Distance {
    fn vector(numbers: &[f32]) -> Vec<Self::Element>;
}

macro_rules! plain {
    ($($metric:ty),*) => {$(
        impl FromNumbers for $metric {
            fn vector(numbers: &[f32]) -> Vec<f32> {
                numbers.to_vec()
            }
        }
    )*};
}
plain!(Angular, Euclidean, Manhattan, DotLegacy);

impl FromNumbers for Hamming {
    fn vector(numbers: &[f32]) -> Vec<u64> {
        Self::pack(numbers)
    }
}

fn check<D: FromNumbers>(golden: &Golden, bytes: &[u8]) {
    let forest = Forest::<D, _>::open(NodeBuf::copy_of(bytes), golden.f).expect("opens");
    forest.verify().expect("is in order");
    assert_eq!((forest.len(), forest.trees()), (golden.n_items as usize, golden.n_trees));
    for id in 0..golden.n_items {
        let expected = golden.items.get(&id).map(|v| D::vector(v));
        assert_eq!(forest.vector(id), expected.as_deref(), "item {id}");
    }
    let mut searcher = forest.searcher();
    for query in &golden.queries {
        let found = searcher.search(&D::vector(&query.v), &query.search()).expect("finds");
        same_answer(found, query);
    }
    // At full budget the forest sees every item: then its answer is the exact one.
    for query in &golden.queries {
        let vector = D::vector(&query.v);
        let all = forest.search(&vector, &Search::top(query.n).search_k(usize::MAX)).expect("finds");
        let exact = forest.search(&vector, &Search::top(query.n).exact()).expect("finds");
        assert_eq!(all, exact);
        let odd = Search::top(query.n).search_k(usize::MAX).filter(|id| id % 2 == 1);
        let filtered = forest.search(&vector, &odd).expect("finds");
        let everything = forest.search(&vector, &Search::top(usize::MAX).exact()).expect("finds");
        let expected: Vec<_> = everything.into_iter().filter(|x| x.id % 2 == 1).take(query.n).collect();
        assert_eq!(filtered, expected);
    }
}

/// The same distances, and the same ids but where distances tie: Annoy's last bits are its compiler's.
fn same_answer(found: &[Neighbour], query: &Query) {
    assert_eq!(found.len(), query.ids.len());
    for (at, (found, (id, distance))) in found.iter().zip(query.ids.iter().zip(&query.dist)).enumerate() {
        assert!((found.distance - distance).abs() <= 1e-5 * distance.abs().max(1.0), "{at}: {found:?}, not {distance}");
        assert_eq!(found.id, *id, "{at}: {found:?}, not {id} at {distance}");
    }
}

fn each_golden(mut f: impl FnMut(&str, &Golden, &[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("the golden folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let golden: Golden = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("golden JSON");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            f(&name, &golden, &fs::read(path.with_extension("ann")).expect("its index"));
            seen += 1;
        }
    }
    assert_eq!(seen, 10);
}

/// Runs a function of each index's metric.
macro_rules! each_metric {
    ($f:ident) => {
        each_golden(|name, golden, bytes| {
            println!("{name}");
            match golden.metric.parse().expect("a metric") {
                Metric::Angular => $f::<Angular>(golden, bytes),
                Metric::Euclidean => $f::<Euclidean>(golden, bytes),
                Metric::Manhattan => $f::<Manhattan>(golden, bytes),
                Metric::Hamming => $f::<Hamming>(golden, bytes),
                Metric::Dot => $f::<DotLegacy>(golden, bytes),
                other => panic!("no such metric in golden files: {other}"),
            }
        })
    };
}

#[test]
fn opens_and_answers_as_annoy_does() {
    each_metric!(check);
}

/// A node, read by the table in Annoy's specification and not by the crate.
struct RawNode<'a> {
    descendants: u32,
    header: &'a [u8],
    rest: &'a [u8],
}

impl<'a> RawNode<'a> {
    /// Where the children and the vector begin.
    fn offsets(metric: Metric) -> (usize, usize) {
        match metric {
            Metric::Angular => (4, 12),
            Metric::Euclidean | Metric::Manhattan => (8, 16),
            _ => (4, 16),
        }
    }

    fn all(metric: Metric, f: usize, bytes: &'a [u8]) -> impl Iterator<Item = Self> {
        let vector = if metric == Metric::Hamming { f.div_ceil(64) * 8 } else { f * 4 };
        bytes.chunks_exact(Self::offsets(metric).1 + vector).map(move |node| Self {
            descendants: u32::from_le_bytes(node[..4].try_into().expect("4 bytes")),
            header: node,
            rest: &node[Self::offsets(metric).1..],
        })
    }

    fn ids(&self, metric: Metric, n: usize) -> Vec<u32> {
        let ids = self.header[Self::offsets(metric).0..].as_chunks::<4>().0;
        ids[..n].iter().map(|id| u32::from_le_bytes(*id)).collect()
    }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x))
}

fn rebuild<D: FromNumbers>(golden: &Golden, bytes: &[u8]) {
    let mut items = Items::<D>::new(golden.f).expect("dimensions");
    for (id, numbers) in &golden.items {
        items.add(*id, &D::vector(numbers)).expect("a vector");
    }
    let mut options = BuildOptions::new().trees(golden.n_trees).kiss64();
    if let Some(seed) = golden.seed {
        options = options.seed(seed);
    }
    let built = items.build(&options).expect("builds");
    assert_eq!(built.as_bytes().len(), bytes.len());
    let nodes = |bytes| RawNode::all(D::METRIC, golden.f, bytes).enumerate();
    let (children, vector) = RawNode::offsets(D::METRIC);
    let capacity = (bytes.len() / nodes(bytes).count() - children) / 4;
    for ((id, ours), (_, annoys)) in nodes(built.as_bytes()).zip(nodes(bytes)) {
        assert_eq!(ours.descendants, annoys.descendants, "node {id}");
        let descendants = ours.descendants as usize;
        if id < golden.n_items as usize {
            continue; // Items are compared where indexes are opened.
        }
        if descendants <= capacity {
            assert_eq!(ours.ids(D::METRIC, descendants), annoys.ids(D::METRIC, descendants), "leaf {id}");
            continue;
        }
        assert_eq!(ours.ids(D::METRIC, 2), annoys.ids(D::METRIC, 2), "split {id}");
        if D::METRIC == Metric::Hamming {
            assert_eq!(ours.rest[..8], annoys.rest[..8], "split {id}");
            continue;
        }
        // The offset or factor, where a header has one, and the normal.
        let numbers = |node: &RawNode<'_>| -> Vec<f32> {
            let own = match D::METRIC {
                Metric::Angular => 0..0,
                Metric::Dot => 12..16,
                _ => 4..8,
            };
            floats(&node.header[own]).chain(floats(&node.header[vector..])).collect()
        };
        for (a, b) in numbers(&ours).into_iter().zip(numbers(&annoys)) {
            assert!((a - b).abs() < 1e-4, "split {id}: {a}, not {b}");
        }
    }
}

#[test]
fn grows_the_trees_of_annoy() {
    each_metric!(rebuild);
}
