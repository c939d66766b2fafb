//! Which leaves of a packed index are scanned, and what it takes where lengths differ much.

#![allow(missing_docs)]

#[path = "oracle/nearest.rs"]
mod nearest;

#[path = "oracle/packed.rs"]
#[allow(dead_code)]
mod tampered;

#[path = "oracle/vectors.rs"]
mod vectors;

use nearest::nearest;
use ohyeah_core::packed::{BuildOptions, GraphOptions, Search};
use ohyeah_core::{KnnGraph, Metric, Packed};
use vectors::{METRICS, vectors};

/// Of products, a query that is longer has the same order.
#[test]
fn the_length_of_a_query_does_not_choose_its_leaves() {
    let d = 12;
    let items = vectors(5000, d, 21);
    let index = Packed::build(Metric::Dot, &items, d, &BuildOptions::new()).unwrap();
    let few = Search::top(10).probe(3, 40);
    for query in items.chunks_exact(d).step_by(311).filter(|query| query.iter().any(|x| *x != 0.0)) {
        let ids = |scale: f32| -> Vec<u32> {
            let query: Vec<f32> = query.iter().map(|x| x * scale).collect();
            index.search(&query, &few).unwrap().iter().map(|found| found.id).collect()
        };
        // Powers of two: nothing is rounded.
        for exponent in [-60, -20, 1, 40] {
            assert_eq!(ids(2_f32.powi(exponent)), ids(1.0), "2^{exponent}");
        }
    }
}

/// Rows that bytes do not tell apart have equal centroids, all but one without rows.
#[test]
fn leaves_without_rows_are_not_scanned() {
    let (d, n) = (4, 3000);
    let items: Vec<f32> = (0..n * d).map(|at| ((at / d % 3) * 10 + at % d) as f32 + (at as f32).sin() / 50.0).collect();
    for metric in METRICS {
        let index = Packed::build(metric, &items, d, &BuildOptions::new().leaves(40)).unwrap();
        for row in [0, 1, 2] {
            let found = index.search(&items[row * d..][..d], &Search::top(10).probe(1, 3000)).unwrap();
            assert_eq!(found.len(), 10);
            // The best of one leaf of the nearest cluster; of products the nearest is the longest.
            let cluster = if metric == Metric::Dot { 2 } else { row };
            assert!(found.iter().all(|found| found.id as usize % 3 == cluster), "{metric}: {found:?}");
        }
    }
}

/// So many rows, and lengths so different, that bytes are sure of few at first.
#[test]
fn neighbours_for_sure_where_lengths_differ() {
    let (d, n) = (16, 6000);
    let mut items = vectors(n, d, 23);
    for (at, row) in items.chunks_exact_mut(d).enumerate() {
        let scale = if at % 1000 == 0 { 20.0 } else { 1.0 / (1 + at % 7) as f32 };
        for x in row {
            *x *= scale;
        }
    }
    for metric in METRICS {
        let exact = KnnGraph::build(metric, &items, d, &GraphOptions::top(6).exact()).unwrap();
        for id in (0..n).step_by(199) {
            let mut truth = nearest(metric, &items, &items[id * d..][..d], 7);
            truth.retain(|(_, other)| *other != id as u32);
            let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
            for (found, (distance, _)) in exact.neighbours(id as u32).iter().zip(&truth) {
                let error = (f64::from(found.distance) * sign - distance).abs();
                assert!(error < 2e-4 * (1.0 + distance.abs()), "{metric}, {id}: {found:?} for {distance}");
            }
        }
    }
}

/// The file's numbers decide the order of leaves, and may be any.
#[test]
fn numbers_that_rank_leaves_may_be_any() {
    let d = 6;
    let items = vectors(600, d, 24);
    for metric in METRICS {
        let index = Packed::build(metric, &items, d, &BuildOptions::new().leaves(9)).unwrap();
        let mut words = vec![0_u64; index.as_bytes().len().div_ceil(8)];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        bytes[..index.as_bytes().len()].copy_from_slice(index.as_bytes());
        // The third entry of the table, which follows the header of 64 bytes: where the section lies.
        let entry = 64 + 2 * 32;
        let [start, length] =
            [8, 16].map(|at| u64::from_le_bytes(*bytes[entry + at..].first_chunk().unwrap()) as usize);
        assert_eq!(length, 16 * 4);
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, f32::MIN_POSITIVE] {
            for some in [1, 2, 16] {
                for to in bytes[start..start + length].as_chunks_mut::<4>().0.iter_mut().step_by(some) {
                    *to = number.to_le_bytes();
                }
                tampered::ask(&bytes[..index.as_bytes().len()], &items[..d]);
            }
        }
    }
}
