//! Exact searches against brute force in f64, to the bit: on vectors whose codes tell much, little or nothing.

#![allow(missing_docs)]

use ohyeah_core::packed::{BuildError, BuildOptions, InputError, PackedScratch, Search};
use ohyeah_core::{Backend, Metric, Neighbour, Packed};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const METRICS: [Metric; 3] = [Metric::Angular, Metric::Euclidean, Metric::Dot];

/// What orders a vector, in f64 and then rounded to f32, as the kernels sum it: eight sums, folded by halves.
fn order(metric: Metric, query: &[f32], vector: &[f32]) -> f32 {
    let sum = |a: &[f32], b: &[f32], term: &dyn Fn(f64, f64) -> f64| {
        let mut lanes = [0.0; 8];
        for (at, (x, y)) in a.iter().zip(b).enumerate() {
            lanes[at % 8] += term(f64::from(*x), f64::from(*y));
        }
        let [a, b, c, d, e, f, g, h] = lanes;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    };
    let dot = |a: &[f32], b: &[f32]| sum(a, b, &|x, y| x * y);
    (match metric {
        Metric::Euclidean => sum(query, vector, &|x, y| (x - y) * (x - y)),
        Metric::Dot => -dot(query, vector),
        _ => {
            let squares = [dot(query, query), dot(vector, vector)];
            let lengths = squares[1] * squares[0];
            let order = if lengths > 0.0 { 2.0 - 2.0 * dot(query, vector) / lengths.sqrt() } else { 2.0 };
            let [of_query, of_vector] = squares.map(|squared| 1.0 / squared.sqrt());
            // What this loses in f64, the difference of the directions keeps.
            let apart = |x: f64, y: f64| (x * of_query - y * of_vector).powi(2);
            let near = sum(query, vector, &apart);
            if order < 1e-8 { if near < 1e-31 { 0.0 } else { near } } else { order }
        }
    }) as f32
}

/// All rows, the nearest first, as a search reports them.
fn by_distance(metric: Metric, vectors: &[f32], query: &[f32]) -> Vec<Neighbour> {
    let rows = (0..).zip(vectors.chunks_exact(query.len()));
    // Zeros of both signs are alike.
    let mut all: Vec<(f32, u32)> = rows.map(|(id, row)| (order(metric, query, row) + 0.0, id)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let distance = |order: f32| if metric == Metric::Dot { 0.0 - order } else { order.max(0.0).sqrt() };
    all.into_iter().map(|(order, id)| Neighbour { id, distance: distance(order) }).collect()
}

struct Random(Xoshiro256PlusPlus);

impl Random {
    fn uniform(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / f64::from(u32::MAX)
    }

    fn gauss(&mut self) -> f32 {
        ((-2.0 * (self.uniform() + 1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()) as f32
    }
}

/// Data of a kind.
fn data(kind: &str, n: usize, d: usize) -> Vec<f32> {
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(42));
    let mut all: Vec<f32> = (0..n * d).map(|_| random.gauss()).collect();
    let scale = |row: &mut [f32], by: f32| row.iter_mut().for_each(|x| *x *= by);
    for (at, row) in all.chunks_exact_mut(d).enumerate() {
        match kind {
            "one large column" => row[1] *= 100.0,
            "one large component" => row[at % d] *= 300.0,
            "one far row" if at == 77 => scale(row, 1e5),
            "lengths differ" => scale(row, random.gauss().exp()),
            "lengths differ much" => scale(row, (8.0 * random.gauss()).exp()),
            "tiny" => scale(row, 1e-25),
            "tinier than normal numbers" => scale(row, 1e-40),
            "some tiny" if at % 2 == 0 => scale(row, 1e-25),
            "huge" => scale(row, 2.0_f32.powi(59) / 4.0 / (d as f32).sqrt()),
            "far from zero" => row.iter_mut().for_each(|x| *x += 1e5),
            "zeros" => row.fill(0.0),
            "half zeros" if at % 2 == 0 => row.fill(0.0),
            "tiny, one large column" => {
                row[1] *= 300.0;
                scale(row, 1e-40);
            }
            "some subnormal, one large column" => {
                row[1] *= 300.0;
                scale(row, if at % 7 == 0 { 1e-40 } else { 1.0 });
            }
            "one row beyond all steps" => {
                scale(row, 1e-23);
                if at == 77 {
                    row[2] = 5e17;
                }
            }
            "integers" => row.iter_mut().for_each(|x| *x = x.round()),
            _ => {}
        }
    }
    if kind == "duplicates" {
        let (first, rest) = all.split_at_mut(50 * d);
        rest.chunks_exact_mut(d).enumerate().for_each(|(at, row)| row.copy_from_slice(&first[at % 50 * d..][..d]));
    }
    all
}

const KINDS: [&str; 18] = [
    "tiny, one large column",
    "some subnormal, one large column",
    "one row beyond all steps",
    "gauss",
    "zeros",
    "one large column",
    "one large component",
    "one far row",
    "lengths differ",
    "lengths differ much",
    "tiny",
    "tinier than normal numbers",
    "some tiny",
    "huge",
    "far from zero",
    "half zeros",
    "integers",
    "duplicates",
];

/// Compares searches for each number of neighbours, with each filter, with one sort of all.
fn check(index: &Packed<impl AsRef<[u8]>>, vectors: &[f32], query: &[f32], tops: &[usize], what: &str) {
    let metric = index.metric();
    let sorted = by_distance(metric, vectors, query);
    let mut scratch = PackedScratch::new();
    let all = |_: u32| true;
    let some = |id: u32| id % 7 < 3;
    let few = |id: u32| id % 97 == 5;
    let none = |_: u32| false;
    let filters: [&dyn Fn(u32) -> bool; 4] = [&all, &some, &few, &none];
    let sets = filters.map(|filter| index.row_set(filter).unwrap());
    for n in tops.iter().copied() {
        for (filter, set) in filters.iter().zip(&sets) {
            let expected: Vec<&Neighbour> = sorted.iter().filter(|x| filter(x.id)).take(n).collect();
            let by_set = index.search(query, &Search::top(n).exact().filter(set)).unwrap();
            let found = index.search_in(&mut scratch, query, &Search::top(n).exact().filter(filter)).unwrap();
            assert_eq!(by_set, found, "{what}, {metric}, {n}: by a set of rows");
            let same = |a: &Neighbour, b: &Neighbour| a.id == b.id && a.distance.to_bits() == b.distance.to_bits();
            let differs = found.iter().zip(&expected).position(|(a, b)| !same(a, b));
            assert!(found.len() == expected.len() && differs.is_none(), "{what}, {metric}, {n}: {differs:?}");
        }
    }
}

fn queries(vectors: &[f32], d: usize) -> Vec<Vec<f32>> {
    let row = |at: usize| vectors[at * d..][..d].to_vec();
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(43));
    let other = (0..d).map(|_| random.gauss()).collect();
    let mut one_large = row(9);
    one_large[d / 2] *= 50.0;
    vec![row(3), row(77), row(1000).iter().map(|x| x * 0.75).collect(), other, one_large, vec![0.0; d]]
}

/// Answers are those of a sort of all, to the bit, whatever codes and sums in f32 tell.
#[test]
fn answers_are_those_of_brute_force() {
    let sizes = [(3000, 17), (2500, 64), (2000, 100)].into_iter().cycle();
    for (at, (kind, (n, d))) in KINDS.into_iter().zip(sizes).enumerate() {
        let vectors = data(kind, n, d);
        // Where the processor is often an emulated one, a build takes seconds: one metric each, in turn for each size.
        let metrics = if cfg!(target_arch = "aarch64") { &METRICS[at / 3 % 3..][..1] } else { &METRICS };
        for metric in metrics.iter().copied() {
            let index = match Packed::build(metric, &vectors, d, &BuildOptions::new()) {
                Err(BuildError::Input(InputError::TooSmall)) if kind.starts_with("tin") => continue,
                built => built.unwrap(),
            };
            assert_eq!(index.verify(), Ok(()), "{kind}, {metric}");
            for query in queries(&vectors, d) {
                let fits = metric == Metric::Angular || query.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() < 3e35;
                if fits {
                    check(&index, &vectors, &query, &[1, 10, 100, 1000, n + 1], kind);
                }
            }
        }
    }
}

/// Vectors that differ by little more than what sums in f32 are rounded by: few, so that they are compared without codes, and many.
#[test]
fn nearly_alike() {
    for (n, d) in [(500, 5), (400, 64), (450, 100), (2000, 64)] {
        let mut vectors = data("gauss", n, d);
        let first = vectors[..d].to_vec();
        for row in vectors.chunks_exact_mut(d) {
            row.iter_mut().zip(&first).for_each(|(x, first)| *x = first + 1e-6 * *x);
        }
        for metric in METRICS {
            let index = Packed::build(metric, &vectors, d, &BuildOptions::new()).unwrap();
            for backend in Backend::available() {
                let index = Packed::open(index.as_bytes()).unwrap().with_backend(backend);
                for query in data("gauss", 3, d).chunks_exact(d).chain([&vectors[5 * d..6 * d]]) {
                    check(&index, &vectors, query, &[1, 10, 90], &format!("{n} × {d} on {}", backend.name()));
                }
            }
        }
    }
}

/// Every backend gives the same, in few and in many dimensions, and of fewer rows than are scored at once.
#[test]
fn backends_agree() {
    for (n, d) in [(700, 1), (2100, 3), (1500, 130), (3, 5), (15, 64), (0, 4)] {
        let vectors = data("lengths differ", n, d);
        for metric in METRICS {
            let index = Packed::build(metric, &vectors, d, &BuildOptions::new()).unwrap();
            for backend in Backend::available() {
                let index = Packed::open(index.as_bytes()).unwrap().with_backend(backend);
                for query in [&data("gauss", 1, d)[..], &vec![0.0; d]] {
                    check(&index, &vectors, query, &[0, 1, 10, 200], &format!("{n} × {d} on {}", backend.name()));
                }
            }
        }
    }
}

/// Directions that differ by a ten-millionth, as those of places with their time in seconds do, are told apart: their cosines are all 1
/// in f64.
#[test]
fn directions_that_nearly_are_one() {
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(8));
    let mut rows = Vec::new();
    for _ in 0..2000 {
        let mut between = |low: f64, high: f64| (low + (high - low) * random.uniform()) as f32;
        rows.extend([between(-180.0, 180.0), between(-90.0, 90.0), between(1.6e9, 1.7e9)]);
    }
    let directions: Vec<[f64; 3]> = rows
        .chunks_exact(3)
        .map(|row| {
            let length = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            std::array::from_fn(|at| f64::from(row[at]) / length)
        })
        .collect();
    let index = Packed::build(Metric::Angular, &rows, 3, &BuildOptions::new()).expect("builds");
    for (at, query) in rows.chunks_exact(3).enumerate().step_by(50) {
        let apart = |id: usize| directions[id].iter().zip(directions[at]).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let mut all: Vec<f64> = (0..2000).map(apart).collect();
        all.sort_unstable_by(f64::total_cmp);
        for search in [Search::top(15).exact(), Search::top(15).recall(0.95)] {
            let found = index.search(query, &search).expect("answers");
            let near = found.iter().filter(|x| apart(x.id as usize) <= all[14] * 1.000_01).count();
            assert!(near >= 14, "{at}: {near} of 15");
            assert!(found.iter().all(|x| (f64::from(x.distance) - apart(x.id as usize).sqrt()).abs() < 1e-12));
        }
    }
}

/// Squares of such distances are 0 in f32: all would be equal.
#[test]
fn numbers_that_are_too_small_are_refused() {
    let rows: Vec<f32> = (0..300).map(|x| 1e-25 * (x as f32).sin()).collect();
    let build = |metric, rows: &[f32]| Packed::build(metric, rows, 3, &BuildOptions::new()).map(|_| ());
    for metric in [Metric::Euclidean, Metric::Dot] {
        assert_eq!(build(metric, &rows), Err(BuildError::Input(InputError::TooSmall)), "{metric}");
        // Nothing lies between rows that are alike.
        assert_eq!(build(metric, &[0.0; 30]), Ok(()));
    }
    assert_eq!(build(Metric::Euclidean, &[1e-25; 30]), Ok(()));
    assert_eq!(build(Metric::Angular, &rows), Ok(()));
}
