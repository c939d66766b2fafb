//! Packed indexes of more dimensions than a 4-bit code for each two leaves room for, against brute force in f64.

#![allow(missing_docs)]

#[path = "oracle/nearest.rs"]
mod nearest;

#[path = "oracle/threads.rs"]
#[allow(dead_code)]
mod threads;

#[path = "oracle/vectors.rs"]
mod vectors;

use std::collections::HashSet;

use nearest::nearest;
use ohyeah_core::error::VectorError;
use ohyeah_core::packed::{
    BuildError, BuildOptions, GraphOptions, InputError, MOST_DIMENSIONS, PackedBuf, Search, SearchError,
};
use ohyeah_core::{Backend, KnnGraph, Metric, Packed};
use vectors::{METRICS, vectors};

/// Dimensions and rows: on both sides of where codes begin to stand for more, and the most that there may be.
const SIZES: [(usize, usize); 6] =
    [(255, 600), (256, 600), (2049, 300), (3072, 300), (5000, 200), (MOST_DIMENSIONS, 24)];

/// The metrics of a size: where the processor is often an emulated one, each size has one in turn.
fn metrics(at: usize) -> impl Iterator<Item = Metric> {
    let is_native = !cfg!(target_arch = "aarch64");
    METRICS.into_iter().enumerate().filter(move |(which, _)| is_native || *which == at % 3).map(|(_, metric)| metric)
}

/// So many directions, and a little noise.
fn low_rank(n: usize, d: usize, seed: u64) -> Vec<f32> {
    const RANK: usize = 12;
    let (directions, noise) = (vectors(RANK, d, seed + 1), vectors(RANK, n + d, seed + 2));
    let mut rows = vec![0.0; n * d];
    for ((at, row), weights) in rows.chunks_exact_mut(d).enumerate().zip(vectors(n, RANK, seed).chunks_exact(RANK)) {
        for (weight, direction) in weights.iter().zip(directions.chunks_exact(d)) {
            row.iter_mut().zip(direction).for_each(|(x, y)| *x += weight * y);
        }
        row.iter_mut().zip(&noise[at..]).for_each(|(x, y)| *x += 0.2 * y);
    }
    rows
}

#[test]
fn answers_are_those_of_brute_force() {
    let (mut right, mut wanted) = (0, 0);
    for (at, (d, n)) in SIZES.into_iter().enumerate() {
        let items = low_rank(n, d, 5);
        for metric in metrics(at) {
            let index = Packed::build(metric, &items, d, &BuildOptions::new()).unwrap();
            index.verify().unwrap();
            let same = Packed::open(PackedBuf::copy_of(index.as_bytes())).unwrap();
            for query in items.chunks_exact(d).step_by(n / 8) {
                let truth = nearest(metric, &items, query, 10);
                let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                let exact = same.search(query, &Search::top(10).exact()).unwrap();
                for (found, (distance, _)) in exact.iter().zip(&truth) {
                    let error = (f64::from(found.distance) * sign - distance).abs();
                    assert!(error <= 1e-3 * (1.0 + distance.abs()), "{metric} {d}: {error}");
                }
                let truth: HashSet<u32> = truth.iter().map(|found| found.1).collect();
                // By the codes of all leaves, as of so few rows all are compared otherwise.
                let found = same.search(query, &Search::top(10).probe(usize::MAX, 60.min(n / 2))).unwrap();
                right += found.iter().filter(|found| truth.contains(&found.id)).count();
                wanted += 10;
                assert_eq!(same.search(query, &Search::top(10).recall(0.9)).unwrap().len(), 10);
            }
        }
    }
    assert!(right * 100 >= wanted * 95, "{right} of {wanted}");
}

#[test]
fn graphs_are_those_of_brute_force() {
    for (at, (d, n)) in SIZES.into_iter().enumerate() {
        let items = low_rank(n, d, 9);
        for metric in metrics(at) {
            let exact = KnnGraph::build(metric, &items, d, &GraphOptions::top(5).exact()).unwrap();
            let found = KnnGraph::build(metric, &items, d, &GraphOptions::top(5)).unwrap();
            let (mut right, mut wanted) = (0, 0);
            for id in (0..n as u32).step_by(n / 8) {
                let query = &items[id as usize * d..][..d];
                let mut truth = nearest(metric, &items, query, 6);
                truth.retain(|found| found.1 != id);
                let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                for (found, (distance, _)) in exact.neighbours(id).iter().zip(&truth) {
                    let error = (f64::from(found.distance) * sign - distance).abs();
                    assert!(error <= 1e-3 * (1.0 + distance.abs()), "{metric} {d} {id}: {error}");
                }
                let truth: HashSet<u32> = truth.iter().take(5).map(|found| found.1).collect();
                right += found.neighbours(id).iter().filter(|found| truth.contains(&found.id)).count();
                wanted += 5;
            }
            assert!(right * 100 >= wanted * 85, "{metric} {d}: {right} of {wanted}");
        }
    }
}

#[test]
fn every_backend_builds_the_same_bytes() {
    for (d, n) in [(256, 200), (2049, 60), (5000, 40), (MOST_DIMENSIONS, 12)] {
        let items = low_rank(n, d, 17);
        for metric in METRICS {
            let expected = Packed::build(metric, &items, d, &BuildOptions::new()).unwrap();
            for backend in Backend::available() {
                let options = BuildOptions::new().backend(backend);
                let index = Packed::build(metric, &items, d, &options).unwrap();
                assert!(index.as_bytes() == expected.as_bytes(), "{metric} {d}: {backend:?}");
                let answer = index.with_backend(backend).search(&items[d..2 * d], &Search::top(5)).unwrap();
                assert_eq!(answer, expected.search(&items[d..2 * d], &Search::top(5)).unwrap());
            }
        }
    }
}

/// The longest vectors of the most dimensions, each with its opposite, so that ranges are the widest: no product overflows.
#[test]
fn the_longest_vectors_of_the_most_dimensions() {
    let d = MOST_DIMENSIONS;
    let mut items = vec![0.0; 24 * d];
    for (at, row) in items.chunks_exact_mut(d).enumerate() {
        let sign = if at % 2 == 0 { 1.0 } else { -1.0 };
        match at {
            0..12 => row[5000 * (at / 2)..][..5000].fill(sign * 1.99e15),
            _ => row.fill(sign * (5.5e14 + at as f32 * 1e11)),
        }
    }
    for metric in [Metric::Euclidean, Metric::Dot] {
        let index = Packed::build(metric, &items, d, &BuildOptions::new()).unwrap();
        index.verify().unwrap();
        for (id, query) in (0..).zip(items.chunks_exact(d)) {
            let answer = index.search(query, &Search::top(3)).unwrap();
            assert!(answer.iter().all(|found| found.distance.is_finite()), "{metric} {id}");
            assert!(metric == Metric::Dot || answer[0].id == id);
        }
        let graph = KnnGraph::build(metric, &items, d, &GraphOptions::top(3).exact()).unwrap();
        assert!((0..24).all(|id| graph.neighbours(id).iter().all(|found| found.distance.is_finite())));

        let mut beyond = vec![0.0; d];
        beyond[7] = 1.5e17;
        let error = VectorError::TooLong;
        assert_eq!(index.search(&beyond, &Search::top(1)), Err(SearchError::Vector(error.clone())));
        let built = Packed::build(metric, &beyond, d, &BuildOptions::new());
        assert_eq!(built.unwrap_err(), BuildError::Input(InputError::Vector { id: 0, error }));
    }
}

#[test]
fn the_limit_is_named() {
    let d = MOST_DIMENSIONS + 1;
    let error = Packed::build(Metric::Angular, &vec![1.0; d], d, &BuildOptions::new()).unwrap_err();
    assert_eq!(error, BuildError::Input(InputError::Dimensions(d)));
    assert_eq!(error.to_string(), "vectors of 65536 dimensions cannot be packed: 1 to 65535 can");
}
