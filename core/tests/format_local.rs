//! Local codes as `docs/packed-format.md` tells them, rule 20: what builds write bounds scores by the document's formula, and files
//! whose numbers do not are found out.

#![allow(missing_docs)]

#[path = "oracle/oy.rs"]
mod oy;

#[path = "oracle/vectors.rs"]
mod vectors;

use ohyeah_core::packed::{BuildOptions, Damage, OpenError, PackedBuf, Rule, Search};
use ohyeah_core::{Metric, Packed};
use oy::{FLAGS, Oy, VERSION, section};
use vectors::{METRICS, vectors};

const N: usize = 700;
const D: usize = 6;
/// Bytes of a row of codes: of section 10's first part, and of local ones.
const WIDTH: usize = 64;
/// Where local codes begin in section 10, and the numbers behind them, counted in f32.
const CODES: usize = N * WIDTH;
const NUMBERS: usize = 2 * CODES / 4;
/// Where the direction and the weights stand in section 1, counted in f32.
const DIRECTION: usize = 4 * D + 4;
const WEIGHTS: usize = DIRECTION + D;
const NAMES: [&str; 4] = ["along", "scale", "bias", "error"];

/// Vectors of which one column is much larger than the others, and some rows much longer.
fn uneven() -> Vec<f32> {
    let mut all = vectors(N, D, 10);
    all.iter_mut().skip(2).step_by(D).for_each(|x| *x *= 300.0);
    all.chunks_exact_mut(D).step_by(50).for_each(|row| row.iter_mut().for_each(|x| *x *= 100.0));
    all
}

fn file(metric: Metric) -> Oy {
    let index = Packed::build(metric, &uneven(), D, &BuildOptions::new()).unwrap();
    assert_eq!(index.verify(), Ok(()), "{metric}");
    let file = Oy::of(index.as_bytes());
    assert!(file.bytes() == index.as_bytes(), "{metric}: what was taken apart and put together is the same");
    assert_eq!(file.header[FLAGS], 2, "{metric}: it has local codes");
    file
}

fn number(file: &Oy, name: &str, row: usize) -> f64 {
    let at = NAMES.iter().position(|other| *other == name).unwrap();
    f64::from(file.f32(section::ROW_CODES, NUMBERS + at * N + row))
}

fn code(file: &Oy, row: usize, j: usize) -> f64 {
    let word = file.u32(section::ROW_CODES, CODES / 4 + row * WIDTH / 4 + j / 4);
    f64::from(word >> (8 * (j % 4)) & 0xff)
}

/// A row in the index space.
fn row(file: &Oy, metric: Metric, row: usize) -> [f64; D] {
    let given: [f32; D] = core::array::from_fn(|j| file.f32(section::VECTORS, row * D + j));
    let length = given.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    core::array::from_fn(|j| match metric {
        Metric::Angular => f64::from((f64::from(given[j]) / length) as f32),
        Metric::Euclidean => f64::from(given[j] - file.f32(section::QUANTISER, j)),
        _ => f64::from(given[j]),
    })
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn scores_are_as_the_document_says() {
    for metric in METRICS {
        let file = file(metric);
        let shared =
            |from: usize| -> Vec<f64> { (0..D).map(|j| f64::from(file.f32(section::QUANTISER, from + j))).collect() };
        let (direction, weights) = (shared(DIRECTION), shared(WEIGHTS));
        assert!((product(&direction, &direction) - 1.0).abs() < 1e-6 && weights.iter().all(|w| *w > 0.0), "{metric}");
        let rows: Vec<[f64; D]> = (0..N).map(|at| row(&file, metric, at)).collect();
        for q in rows.iter().step_by(37) {
            let alpha = product(q, &direction);
            let across: Vec<f64> = q.iter().zip(&direction).map(|(q, p)| q - alpha * p).collect();
            let length = product(&across, &across).sqrt();
            for (at, x) in rows.iter().enumerate() {
                let coded: f64 = (0..D).map(|j| across[j] * weights[j] * (code(&file, at, j) - 64.0)).sum();
                let [along, scale, bias, error] = NAMES.map(|name| number(&file, name, at));
                // Directions are of length one but for rounding.
                let tiny = 1e-6 * (product(q, q) * product(x, x)).sqrt();
                let off = (product(q, x) - (alpha * along + scale * coded)).abs();
                assert!(off <= length * error + tiny, "{metric} {at}: {off} of {}", length * error);
                let score = product(q, x) - 0.5 * product(x, x);
                let upper = 0.5 * alpha * alpha - 0.5 * (along - alpha).powi(2) + bias + scale * coded + length * error;
                let tiny = 1e-6 * (product(q, q) + product(x, x));
                assert!(metric != Metric::Euclidean || score <= upper + tiny, "{at}: {score} above {upper}");
            }
        }
    }
}

/// That `verify` names this rule and place, and that exact searches answer all the same.
#[track_caller]
fn named(file: &Oy, at: usize) {
    let index = Packed::open(PackedBuf::copy_of(&file.bytes())).unwrap_or_else(|error| panic!("opens: {error}"));
    let damage = Damage { rule: Rule::LocalCodes, at: at as u64 };
    assert_eq!(index.verify(), Err(OpenError::Damaged(damage)));
    for query in uneven().chunks_exact(D).take(3).chain([&[0.0; D][..], &[1e9; D]]) {
        for n in [1, 10, 100] {
            let found = index.search(query, &Search::top(n).exact()).unwrap();
            assert!(found.len() <= n && found.iter().all(|x| (x.id as usize) < N && !x.distance.is_nan()));
        }
    }
}

#[test]
fn rule_20_local_codes() {
    for metric in METRICS {
        let file = file(metric);
        let shared = |at: usize, x: f32| named(&file.with_f32(section::QUANTISER, at, x), N);
        for wrong in [2.0, 0.9, f32::NAN, f32::INFINITY] {
            shared(DIRECTION + 2, wrong);
        }
        for wrong in [-1.0, f32::NAN, f32::INFINITY] {
            shared(WEIGHTS + 3, wrong);
        }
        for at in [0, 1, 350, N - 1] {
            let with = |name: &str, x: f32| {
                let place = NAMES.iter().position(|other| *other == name).unwrap();
                named(&file.with_f32(section::ROW_CODES, NUMBERS + place * N + at, x), at);
            };
            let was = |name: &str| number(&file, name, at) as f32;
            for name in NAMES {
                with(name, f32::NAN);
                with(name, f32::INFINITY);
                with(name, f32::NEG_INFINITY);
            }
            with("along", was("along") + was("along").abs().max(1e-3) * 0.5);
            with("scale", -1.0);
            with("error", 0.5 * was("error"));
            with("error", -was("error"));
            with("bias", if metric == Metric::Euclidean { was("bias") - was("bias").abs() * 0.01 - 1e-3 } else { 1.0 });
            // A limit that is computed of it would be too high.
            with("bias", was("bias") + was("bias").abs() * 0.01 + 1.0);
            for wrong in [0_u8, 128, 255] {
                named(&file.with(section::ROW_CODES, CODES + at * WIDTH + 1, &[wrong]), at);
            }
            // Beyond the dimensions there are zeros.
            named(&file.with(section::ROW_CODES, CODES + at * WIDTH + D, &[1]), at);
        }
    }
}

/// What is larger than it has to be is no damage, and costs no answer.
#[test]
fn larger_errors_keep_answers() {
    for metric in METRICS {
        let file = file(metric);
        let before = Packed::open(PackedBuf::copy_of(&file.bytes())).unwrap();
        // Some so large that bounds overflow.
        for (every, larger) in [(1, 100.0), (23, f32::MAX), (1, f32::MAX)] {
            let mut more = file.clone();
            for at in (0..N).step_by(every) {
                let place = NUMBERS + 3 * N + at;
                let error = (larger * file.f32(section::ROW_CODES, place)).min(f32::MAX);
                more = more.with_f32(section::ROW_CODES, place, error);
            }
            let after = Packed::open(PackedBuf::copy_of(&more.bytes())).unwrap();
            assert_eq!(after.verify(), Ok(()));
            for query in uneven().chunks_exact(D).step_by(50) {
                let exact = Search::top(20).exact();
                assert_eq!(before.search(query, &exact).unwrap(), after.search(query, &exact).unwrap());
            }
        }
    }
}

#[test]
fn rule_5_flags() {
    for metric in METRICS {
        let file = file(metric);
        let open = |file: &Oy| Packed::open(PackedBuf::copy_of(&file.bytes())).map(drop);
        let damaged = |rule, at| Err(OpenError::Damaged(Damage { rule, at }));
        for flags in [4_u32, 6, 0x0200_0000, u32::MAX] {
            assert_eq!(open(&file.with_header(FLAGS, &flags.to_le_bytes())), damaged(Rule::Header, 0));
        }
        // Without the flag there are too many bytes; version 1 has no local codes.
        assert_eq!(open(&file.with_header(FLAGS, &[0; 4])), damaged(Rule::Table, section::QUANTISER as u64));
        assert_eq!(open(&file.with_header(VERSION, &1_u32.to_le_bytes())), damaged(Rule::Header, 0));
    }
}
