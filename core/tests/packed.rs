//! The packed index against brute force in f64, with every backend and number of threads.

#![allow(missing_docs)]

#[path = "oracle/nearest.rs"]
mod nearest;

#[path = "oracle/threads.rs"]
#[allow(dead_code)]
mod threads;

#[path = "oracle/vectors.rs"]
mod vectors;

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use nearest::nearest;
use ohyeah_core::error::VectorError;
use ohyeah_core::packed::{
    BuildError, BuildOptions, GraphError, GraphOptions, InputError, MOST_DIMENSIONS, PackedScratch, Search,
    SearchError, SearchPlan,
};
use ohyeah_core::{Backend, Cancel, KnnGraph, Metric, Neighbour, Packed, Progress};
use vectors::{METRICS, vectors};

fn build(metric: Metric, vectors: &[f32], d: usize) -> Packed {
    Packed::build(metric, vectors, d, &BuildOptions::new()).unwrap()
}

#[test]
fn recall_is_what_was_asked_for() {
    for (metric, d) in METRICS.into_iter().zip([24, 33, 7]) {
        let all = vectors(20_300, d, 1);
        let (held_out, items) = all.split_at(300 * d);
        let index = build(metric, items, d);
        let truth_of = |query| nearest(metric, items, query, 10).into_iter().map(|x| x.1).collect();
        let truths: Vec<HashSet<u32>> = held_out.chunks_exact(d).map(truth_of).collect();
        for recall in [0.8, 0.9, 0.95, 0.99] {
            let mut found = 0;
            for (query, truth) in held_out.chunks_exact(d).zip(&truths) {
                let answer = index.search(query, &Search::top(10).recall(recall)).unwrap();
                assert!(answer.windows(2).all(|pair| {
                    let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                    (sign * pair[0].distance, pair[0].id) < (sign * pair[1].distance, pair[1].id)
                }));
                found += answer.iter().filter(|x| truth.contains(&x.id)).count();
            }
            let measured = found as f32 / 3000.0;
            assert!(measured >= recall - 0.03, "{metric}: {measured} for {recall}");
        }
    }
}

#[test]
fn exact_searches_are_exact() {
    for metric in METRICS {
        let items = vectors(1500, 19, 2);
        let index = build(metric, &items, 19);
        for query in vectors(20, 19, 3).chunks_exact(19) {
            let truth = nearest(metric, &items, query, 12);
            for search in [Search::top(12).exact(), Search::top(12).probe(usize::MAX, usize::MAX)] {
                let answer = index.search(query, &search).unwrap();
                for (found, (distance, _)) in answer.iter().zip(&truth) {
                    let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                    assert!((f64::from(found.distance) * sign - distance).abs() < 1e-4 * (1.0 + distance.abs()));
                }
                assert_eq!(answer.len(), 12);
            }
        }
    }
}

/// Far from zero, squares say little about distances; and near the longest vectors that there may be, they nearly overflow.
#[test]
fn euclidean_vectors_may_lie_anywhere() {
    let d = 40;
    let moved = |by: f32| {
        let mut items = vectors(3000, d, 8);
        items.iter_mut().zip((0..d).cycle()).for_each(|(x, j)| *x += by * (1.0 + j as f32 / 4.0));
        items
    };
    let large = vectors(3000, d, 8).into_iter().map(|x| x * 1e16).collect();
    let mut axes = vec![0.0; 3000 * d];
    axes.chunks_exact_mut(d).enumerate().for_each(|(at, row)| row[at % d] = 5.7e17 - 1e14 * at as f32);
    for (name, items) in [("near", moved(0.0)), ("far", moved(3e4)), ("large", large), ("axes", axes)] {
        let index = build(Metric::Euclidean, &items, d);
        let exact = index.graph(&GraphOptions::top(10).exact()).unwrap();
        let near = index.graph(&GraphOptions::top(10)).unwrap();
        let (mut of_search, mut of_join) = (0, 0);
        // Vectors of each kind: those that are divisible by ten are of a few.
        let queries = (0..3000).step_by(7);
        for id in queries.clone() {
            let query = &items[id * d..(id + 1) * d];
            let mut truth = nearest(Metric::Euclidean, &items, query, 11);
            truth.retain(|x| x.1 != id as u32);
            let within = (truth[9].0 as f32).next_up();
            let count = |found: &[Neighbour]| found.iter().filter(|x| x.distance <= within).count();
            assert_eq!(count(exact.neighbours(id as u32)), 10, "{name}: {id}");
            of_join += count(near.neighbours(id as u32));
            let found = index.search(query, &Search::top(11)).unwrap();
            of_search += found.iter().filter(|x| x.id != id as u32 && x.distance <= within).count();
        }
        let wanted = queries.len() * 92 / 10;
        assert!(of_search >= wanted && of_join >= wanted, "{name}: {of_search}, {of_join} of {}", queries.len() * 10);
    }
}

#[test]
fn bytes_and_answers_are_the_same_for_every_backend_and_number_of_threads() {
    let d = 21;
    // Where the processor is often an emulated one, many rows take minutes.
    let n = if cfg!(target_arch = "aarch64") { 1000 } else { 3000 };
    let items = vectors(n, d, 4);
    for metric in METRICS {
        let options = BuildOptions::new().seed(9);
        let reference = Packed::build(metric, &items, d, &options).unwrap();
        let knn = KnnGraph::build(metric, &items, d, &GraphOptions::top(5)).unwrap();
        let exact = KnnGraph::build(metric, &items, d, &GraphOptions::top(5).exact()).unwrap();
        let on_two = Packed::build_with::<threads::Threads<2>>(metric, &items, d, &options).unwrap();
        assert!(on_two.as_bytes() == reference.as_bytes());
        for backend in Backend::available() {
            let index =
                Packed::build_with::<threads::Threads<8>>(metric, &items, d, &options.backend(backend)).unwrap();
            assert!(index.as_bytes() == reference.as_bytes(), "{backend:?}");
            for query in items.chunks_exact(d).step_by(n / 10) {
                let search = Search::top(10);
                assert_eq!(index.search(query, &search).unwrap(), reference.search(query, &search).unwrap());
            }
            let again =
                KnnGraph::build_with::<threads::Threads<8>>(metric, &items, d, &GraphOptions::top(5).backend(backend))
                    .unwrap();
            assert_eq!(again, knn, "{backend:?}");
            let options = GraphOptions::top(5).exact().backend(backend);
            assert_eq!(
                KnnGraph::build_with::<threads::Threads<2>>(metric, &items, d, &options).unwrap(),
                exact,
                "{backend:?}"
            );
        }
    }
}

#[test]
fn neighbours_of_all() {
    let d = 16;
    let items = vectors(4000, d, 5);
    for metric in METRICS {
        let index = build(metric, &items, d);
        let exact = index.graph(&GraphOptions::top(8).exact()).unwrap();
        let near = index.graph(&GraphOptions::top(8).recall(0.9)).unwrap();
        let mut found = 0;
        for id in 0..4000_u32 {
            let (all, some) = (exact.neighbours(id), near.neighbours(id));
            assert!(all.len() == 8 && all.iter().all(|x| x.id != id) && some.iter().all(|x| x.id != id));
            found += some.iter().filter(|x| all.iter().any(|y| y.id == x.id)).count();
        }
        assert!(found as f32 / 32000.0 >= 0.89, "{metric}: {found} of 32000");
        for id in (0..4000).step_by(97) {
            let query = &items[id * d..(id + 1) * d];
            let mut truth = nearest(metric, &items, query, 9);
            truth.retain(|x| x.1 != id as u32);
            for (found, (distance, _)) in exact.neighbours(id as u32).iter().zip(&truth) {
                let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                assert!((f64::from(found.distance) * sign - distance).abs() < 1e-4 * (1.0 + distance.abs()));
            }
        }
    }
}

#[test]
fn few_vectors_and_none() {
    for n in [0, 1, 2, 5, 31, 33, 170] {
        let d = 3;
        let items: Vec<f32> = vectors(64.max(n), d, 6)[..n * d].to_vec();
        for metric in METRICS {
            let index = build(metric, &items, d);
            assert_eq!(index.search(&[1.0, 2.0, 3.0], &Search::top(200).recall(0.999)).unwrap().len(), n);
            assert_eq!(index.search(&[0.0; 3], &Search::top(200).exact()).unwrap().len(), n);
            let knn = KnnGraph::build(metric, &items, d, &GraphOptions::top(4)).unwrap();
            assert_eq!(knn.width(), 4.min(n.saturating_sub(1)));
            let again = Packed::open(index.as_bytes()).unwrap();
            again.verify().unwrap();
        }
    }
}

#[test]
fn filters_fill_the_answer() {
    let d = 12;
    let items = vectors(5000, d, 7);
    let index = build(Metric::Euclidean, &items, d);
    for query in vectors(20, d, 8).chunks_exact(d) {
        let found = index.search(query, &Search::top(10).filter(|id| id % 97 == 3)).unwrap();
        assert!(found.len() == 10 && found.iter().all(|x| x.id % 97 == 3));
        let found = index.search(query, &Search::top(10).filter(|id| id == 4321)).unwrap();
        assert_eq!(found.iter().map(|x| x.id).collect::<Vec<_>>(), [4321]);
        assert_eq!(index.search(query, &Search::top(10).filter(|_| false)).unwrap(), []);
    }
}

/// What is added to the sums of codes is large where a query's products are small.
#[test]
fn queries_in_the_middle_and_tiny_ones() {
    let d = 24;
    let all = vectors(2040, d, 14);
    let (items, queries) = all.split_at(2000 * d);
    for metric in [Metric::Euclidean, Metric::Dot] {
        let index = build(metric, items, d);
        for scale in [0.0, 1e-38, 1e-19, 1e-6, 1e-3, 1.0] {
            let mut right = 0;
            for query in queries.chunks_exact(d) {
                let query: Vec<f32> = query.iter().map(|x| x * scale).collect();
                let all_leaves = Search::top(10).probe(usize::MAX, 400);
                let found = index.search(&query, &all_leaves).unwrap();
                let truth = nearest(metric, items, &query, 10);
                let last = truth[9].0 * (1.0 + 1e-6_f64.copysign(truth[9].0));
                let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                right += found.iter().filter(|x| f64::from(x.distance) * sign <= last).count();
                for backend in Backend::available() {
                    let again = index.clone().with_backend(backend).search(&query, &all_leaves).unwrap();
                    assert_eq!(again, found, "{metric} {scale}: {backend:?}");
                }
            }
            // Of products that are all nearly zero, f32 knows no order.
            assert!(right >= 380 || (metric == Metric::Dot && scale < 1e-30), "{metric} {scale}: {right} of 400");
        }
        for scale in [1e-15, 1e-16] {
            let tiny: Vec<f32> = items.iter().map(|x| x * scale).collect();
            let expected = build(metric, &tiny, d);
            for backend in Backend::available() {
                let options = BuildOptions::new().backend(backend);
                let index = Packed::build(metric, &tiny, d, &options).unwrap();
                assert!(index.as_bytes() == expected.as_bytes(), "{metric} {scale}: {backend:?}");
            }
        }
    }
}

/// Long vectors of many dimensions: products of sums are the largest.
#[test]
fn long_vectors_of_many_dimensions() {
    let d = 2048;
    let mut items = vec![0.0; 300 * d];
    for (at, row) in items.chunks_exact_mut(d).enumerate() {
        match at {
            0..256 => row[2 * (at / 2)..][..2].fill(if at % 2 == 0 { 4e17 } else { -4e17 }),
            _ => row.fill(1e16 + at as f32 * 1e12),
        }
    }
    for metric in [Metric::Euclidean, Metric::Dot] {
        let exact = KnnGraph::build(metric, &items, d, &GraphOptions::top(5).exact()).unwrap();
        for id in [0, 1, 100, 256, 280, 299_u32] {
            let query = &items[id as usize * d..][..d];
            let mut truth = nearest(metric, &items, query, 6);
            truth.retain(|x| x.1 != id);
            for (found, (distance, _)) in exact.neighbours(id).iter().zip(&truth) {
                let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                assert!((f64::from(found.distance) * sign - distance).abs() <= 1e-5 * distance.abs(), "{metric} {id}");
            }
        }
        KnnGraph::build(metric, &items, d, &GraphOptions::top(5)).unwrap();
    }
}

#[test]
fn within_a_distance() {
    let d = 24;
    let all = vectors(3040, d, 12);
    let (items, queries) = all.split_at(3000 * d);
    for metric in METRICS {
        let index = build(metric, items, d);
        let (mut found_right, mut right) = (0, 0);
        for query in queries.chunks_exact(d) {
            let truth = nearest(metric, items, query, 3000);
            for n in [0, 1, 5, 40, 700, 3000] {
                let is_within = |x: f64| truth.get(n).is_none_or(|limit| x < limit.0);
                let inside: HashSet<u32> = truth.iter().filter(|x| is_within(x.0)).map(|x| x.1).collect();
                // Between the last that is to be found and the next.
                let limit = truth.get(n).map_or(f64::MAX, |next| next.0) as f32;
                let limit = if metric == Metric::Dot { (-limit).next_up() } else { limit.next_down() };
                let search = Search::top(usize::MAX).within(limit);
                let found = index.search(query, &search.exact()).unwrap();
                assert!(found.len().abs_diff(inside.len()) <= 1, "{metric} {n}: {} of {}", found.len(), inside.len());
                let found = index.search(query, &search.recall(0.95)).unwrap();
                found_right += found.iter().filter(|x| inside.contains(&x.id)).count();
                right += inside.len();
                assert!(index.search(query, &Search::top(3).within(limit)).unwrap().len() <= 3);
            }
        }
        assert!(found_right * 100 >= right * 93, "{metric}: {found_right} of {right}");
    }
}

#[test]
fn keys_and_vectors_come_back() {
    let d = 5;
    let items = vectors(100, d, 9);
    let words: Vec<String> = (0..100).map(|at| format!("wörd {at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let index = Packed::build(Metric::Angular, &items, d, &BuildOptions::new().keys(&words)).unwrap();
    for (id, word) in (0..).zip(&words) {
        assert_eq!((index.key(id), index.id(word)), (Some(*word), Some(id)));
        assert_eq!(index.vector(id).unwrap(), &items[id as usize * d..][..d]);
    }
    assert_eq!((index.key(100), index.id("word"), index.vector(100)), (None, None, None));
    let short = Packed::build(Metric::Angular, &items, d, &BuildOptions::new().keys(&words[1..]));
    assert_eq!(short.unwrap_err(), BuildError::Keys { expected: 100, found: 99 });
}

#[test]
fn bad_input_is_an_error() {
    let build = |metric, numbers: &[f32], d| Packed::build(metric, numbers, d, &BuildOptions::new());
    assert_eq!(
        build(Metric::Hamming, &[1.0; 4], 2).unwrap_err(),
        BuildError::Input(InputError::Metric(Metric::Hamming))
    );
    assert_eq!(build(Metric::Dot, &[1.0; 4], 0).unwrap_err(), BuildError::Input(InputError::Dimensions(0)));
    let beyond = MOST_DIMENSIONS + 1;
    assert_eq!(
        build(Metric::Dot, &vec![1.0; beyond], beyond).unwrap_err(),
        BuildError::Input(InputError::Dimensions(beyond))
    );
    assert_eq!(
        build(Metric::Dot, &[1.0; 5], 2).unwrap_err(),
        BuildError::Input(InputError::Length { numbers: 5, dimensions: 2 })
    );
    let error = VectorError::NotFinite { position: 1 };
    let bad = build(Metric::Dot, &[1.0, 2.0, 3.0, f32::NAN], 2).unwrap_err();
    assert_eq!(bad, BuildError::Input(InputError::Vector { id: 1, error: error.clone() }));
    let index = build(Metric::Angular, &[1.0; 40], 2).unwrap();
    assert_eq!(index.search(&[1.0, f32::NAN], &Search::top(1)), Err(SearchError::Vector(error)));
    let length = SearchError::Vector(VectorError::WrongLength { expected: 2, found: 3 });
    assert_eq!(index.search(&[1.0; 3], &Search::top(1)), Err(length));
    let missing = index.search_item_in(&mut PackedScratch::new(), 20, &Search::top(1)).map(<[_]>::to_vec);
    assert_eq!(missing, Err(SearchError::NoSuchItem { id: 20, items: 20 }));
    let cancel = AtomicBool::new(true);
    let called_off = KnnGraph::build(Metric::Dot, &[1.0; 40], 2, &GraphOptions::top(1).cancel(Cancel::new(&cancel)));
    assert_eq!(called_off.unwrap_err(), GraphError::Cancelled);
}

#[test]
fn work_ends_soon_after_it_is_called_off() {
    let items = vectors(2000, 8, 3);
    let (cancel, told, last) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let call_off = |_: f32| {
        if told.fetch_add(1, Relaxed) + 1 >= last.load(Relaxed) {
            cancel.store(true, Relaxed);
        }
    };
    let options = BuildOptions::new().progress(Progress::new(&call_off)).cancel(Cancel::new(&cancel));
    Packed::build(Metric::Dot, &items, 8, &options).unwrap();
    let steps = told.swap(0, Relaxed);
    assert!(steps > 5);
    for step in 1..steps {
        last.store(step, Relaxed);
        assert_eq!(Packed::build(Metric::Dot, &items, 8, &options).unwrap_err(), BuildError::Cancelled);
        assert_eq!(told.swap(0, Relaxed), step);
        cancel.store(false, Relaxed);
    }
    last.store(1, Relaxed);
    let options = GraphOptions::top(5).progress(Progress::new(&call_off)).cancel(Cancel::new(&cancel));
    assert_eq!(KnnGraph::build(Metric::Dot, &items, 8, &options).unwrap_err(), GraphError::Cancelled);
    assert_eq!(told.load(Relaxed), 1);
}

/// Where 7-bit codes tell few vectors apart (one column or one row that is far larger than the others), the graph still has the
/// recall that was asked for.
#[test]
fn graphs_keep_their_recall_on_uneven_vectors() {
    let (d, n) = (24, 3000);
    let even = vectors(n, d, 31);
    let scaled = |scale: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
        even.iter().enumerate().map(|(at, x)| x * scale(at / d, at % d)).collect()
    };
    let sets = [
        ("column", scaled(&|_, column| if column == 0 { 100.0 } else { 1.0 })),
        ("row", scaled(&|row, _| if row == 0 { 1e4 } else { 1.0 })),
        ("lengths", scaled(&|row, _| 10_f32.powi((row % 7) as i32 - 3))),
    ];
    for (name, items) in &sets {
        for metric in METRICS {
            let graph = KnnGraph::build(metric, items, d, &GraphOptions::top(10)).unwrap();
            let (mut right, mut asked) = (0, 0);
            for id in (0..n as u32).step_by(29) {
                let mut truth = nearest(metric, items, &items[id as usize * d..][..d], 11);
                truth.retain(|x| x.1 != id);
                let sign = if metric == Metric::Dot { -1.0 } else { 1.0 };
                let last = truth[9].0 + 1e-5 * truth[9].0.abs();
                let found = graph.neighbours(id);
                assert!(found.iter().all(|x| (x.id as usize) < n && x.distance.is_finite()), "{name} {metric} {id}");
                right += found.iter().filter(|x| f64::from(x.distance) * sign <= last).count();
                asked += 10;
            }
            assert!(right * 100 >= asked * 93, "{name} {metric}: {right} of {asked}");
        }
    }
}

#[test]
fn recall_is_above_0_and_at_most_1() {
    let vectors: Vec<f32> = (0..600).map(|x| (x as f32).sin()).collect();
    let index = Packed::build(Metric::Euclidean, &vectors, 3, &BuildOptions::new()).unwrap();
    let search = |recall: f32| index.search(&vectors[..3], &Search::top(3).recall(recall));
    for recall in [7.0, -1.0, 0.0, 1.0 + f32::EPSILON, f32::NAN, f32::INFINITY] {
        assert!(matches!(search(recall), Err(SearchError::Recall { .. })), "{recall}");
        let graph = index.graph(&GraphOptions::top(2).recall(recall));
        assert!(matches!(graph, Err(GraphError::Recall { .. })), "{recall}");
        let graph = KnnGraph::build(Metric::Euclidean, &vectors, 3, &GraphOptions::top(2).recall(recall));
        assert!(matches!(graph, Err(GraphError::Recall { .. })), "{recall}");
        assert_eq!(index.plan(3, recall), SearchPlan::All);
    }
    let text = search(7.0).unwrap_err().to_string();
    assert_eq!(text, "recall is 7: it must be above 0, and at most 1, which is exact");
    let exact = index.search(&vectors[..3], &Search::top(3).exact());
    assert_eq!(search(1.0), exact);
    for recall in [f32::MIN_POSITIVE, 0.3, 0.999_99] {
        assert_eq!(search(recall).unwrap().len(), 3);
    }
    let [all, exact] =
        [GraphOptions::top(2).recall(1.0), GraphOptions::top(2).exact()].map(|options| index.graph(&options));
    assert_eq!(all, exact);
}
