//! The rules of what a build measures, 17 and 19 of the format: files whose calibration or bounds are odd are found out, or searches
//! live with them; and what builds write of odd vectors keeps all rules.

#![allow(missing_docs)]

#[path = "oracle/format.rs"]
mod format;

#[path = "oracle/oy.rs"]
mod oy;

#[path = "oracle/promises.rs"]
mod promises;

#[path = "oracle/vectors.rs"]
mod vectors;

use format::{D, N, QUERIES, damaged, each, files_of_version_1, leaves_of, unsound};
use ohyeah_core::packed::{BuildError, BuildOptions, Damage, InputError, OpenError, PackedBuf, Rule};
use ohyeah_core::{Metric, Packed};
use oy::{METRIC, Oy, calibration, code_error, mean_code, section};
use vectors::{METRICS, vectors};

/// Numbers that no build writes, and some that one does.
const ODD: [f32; 9] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 0.0, 0.5, f32::from_bits(1), 1e30, -f32::MAX];

/// Whether the document allows a number in a field of a point.
fn is_allowed(field: &str, x: f32, leaves: f32) -> bool {
    match field {
        "recall" | "tenth" => (0.0..=1.0).contains(&x),
        "slack" => !x.is_nan(),
        "least" | "leaves" => (0.0..=leaves).contains(&x),
        "rows" | "candidates" => (0.0..=N as f32).contains(&x),
        "margin" | "code margin" => x >= 0.0,
        _ => x.is_finite(),
    }
}

/// That the calibration, which may be odd, is named at this number or is no damage, and that searches live with it.
#[track_caller]
fn odd_calibration(bytes: &[u8], named: Option<usize>, what: &str) {
    let index = Packed::open(PackedBuf::copy_of(bytes)).unwrap();
    let expected = named.map_or(Ok(()), |at| Err(damaged(Rule::Calibration, at)));
    assert_eq!(index.verify(), expected, "{what}");
    promises::check(index.as_bytes(), &QUERIES[..2]).unwrap();
}

#[test]
fn rule_17_calibration() {
    each(|_, file| {
        for (at, wrong) in [
            (calibration::WEIGHT, f32::NAN),
            (calibration::WEIGHT, -0.1),
            (calibration::WEIGHT, 1.1),
            (calibration::WEIGHT, f32::INFINITY),
            (calibration::FLOOR, f32::NAN),
            (calibration::FLOOR, -1.0),
            (calibration::FLOOR, f32::INFINITY),
            (calibration::RESERVED, 1.0),
        ] {
            odd_calibration(&file.with_f32(section::CALIBRATION, at, wrong).bytes(), Some(0), "header");
        }
        odd_calibration(&file.with_u32(section::CALIBRATION, calibration::QUERIES, u32::MAX).bytes(), None, "queries");
        for point in [0, 10, 31, 32, 127] {
            for recall in [f32::NAN, -0.5, 1.5, f32::INFINITY, f32::NEG_INFINITY] {
                let at = calibration::place(point, "recall");
                unsound(&file.with_f32(section::CALIBRATION, at, recall).bytes(), Rule::Calibration, point);
            }
        }
        // They descend in a list; a list begins anew.
        let at = calibration::place(41, "recall");
        unsound(&file.with_f32(section::CALIBRATION, at, 1.0).bytes(), Rule::Calibration, 42);
        let mut all = file.clone();
        all.section(section::CALIBRATION).fill(0xff);
        unsound(&all.bytes(), Rule::Calibration, 0);
    });
}

/// The file with efforts that cost next to nothing, for every recall and list length: searches take them.
fn with_cheap_efforts(file: &Oy) -> Oy {
    let mut cheap = file.clone();
    for point in 0..calibration::POINTS {
        for field in calibration::FIELDS.into_iter().skip(1) {
            let x = if matches!(field, "least" | "leaves" | "rows" | "candidates") { 1.0 } else { 0.0 };
            cheap = cheap.with_f32(section::CALIBRATION, calibration::place(point, field), x);
        }
    }
    cheap
}

#[test]
fn rule_17_each_field_of_a_point() {
    each(|_, file| {
        let file = &with_cheap_efforts(file);
        assert_eq!(Packed::open(PackedBuf::copy_of(&file.bytes())).unwrap().verify(), Ok(()));
        for field in calibration::FIELDS.into_iter().skip(1) {
            for x in ODD {
                let is_allowed = is_allowed(field, x, leaves_of(file) as f32);
                let mut all = file.clone();
                for point in 0..calibration::POINTS {
                    all = all.with_f32(section::CALIBRATION, calibration::place(point, field), x);
                }
                odd_calibration(&all.bytes(), (!is_allowed).then_some(0), &format!("{field}: {x}"));
                let one = file.with_f32(section::CALIBRATION, calibration::place(77, field), x).bytes();
                let index = Packed::open(PackedBuf::copy_of(&one)).unwrap();
                let expected = if is_allowed { Ok(()) } else { Err(damaged(Rule::Calibration, 77)) };
                assert_eq!(index.verify(), expected, "{field}: {x}");
            }
        }
    });
}

/// Numbers that are odd together: efforts that seem to cost nothing, ladders that lead nowhere, and headers that undo them.
#[test]
fn rule_17_fields_that_conspire() {
    let cases: [&[(&str, f32)]; 8] = [
        &[("candidates", f32::MAX), ("leaves", -f32::MAX), ("rows", -f32::MAX)],
        &[("candidates", f32::INFINITY), ("rows", f32::NEG_INFINITY)],
        &[("slack", f32::MAX), ("least", f32::INFINITY), ("margin", f32::MAX), ("rows", -1.0)],
        &[("slack", -f32::MAX), ("least", -1.0), ("margin", 0.0), ("rows", -1.0)],
        &[("height", 3e38), ("low", 3e38), ("slack", 0.0), ("margin", 0.0), ("rows", -1.0)],
        &[("height", -3e38), ("low", 3e38), ("slack", 3e38), ("margin", 3e38), ("rows", -1.0)],
        &[("gap", -f32::MAX), ("widest gap", f32::NEG_INFINITY), ("slack", 0.0), ("margin", 0.0), ("rows", -1.0)],
        &[("gap", f32::NAN), ("widest gap", -1e30), ("code margin", 1e30), ("rows", -1.0)],
    ];
    each(|_, file| {
        let file = &with_cheap_efforts(file);
        for case in cases {
            for header in [None, Some((f32::NAN, f32::NAN)), Some((1e30, f32::INFINITY)), Some((-1e30, -1e30))] {
                let mut odd = file.clone();
                for point in 0..calibration::POINTS {
                    for (field, x) in case {
                        // The sign changes from list to list, so that what lies between overflows.
                        let x = if point / 32 % 2 == 1 && *field != "rows" { -x } else { *x };
                        odd = odd.with_f32(section::CALIBRATION, calibration::place(point, field), x);
                    }
                }
                if let Some((weight, floor)) = header {
                    odd = odd.with_f32(section::CALIBRATION, calibration::WEIGHT, weight);
                    odd = odd.with_f32(section::CALIBRATION, calibration::FLOOR, floor);
                }
                promises::check(PackedBuf::copy_of(&odd.bytes()).as_ref(), &QUERIES[..1]).unwrap();
            }
        }
    });
}

#[test]
fn rule_17_calibration_of_version_1() {
    let queries = [vec![0.5; 7]];
    let unsound = |file: &Oy, point: usize| {
        let index = Packed::open(PackedBuf::copy_of(&file.bytes())).unwrap();
        assert_eq!(index.verify(), Err(damaged(Rule::Calibration, point)));
        promises::check(index.as_bytes(), &queries).unwrap();
    };
    for file in files_of_version_1() {
        for point in [0, 10, 31] {
            for recall in [f32::NAN, -0.5, 1.5, f32::INFINITY, f32::NEG_INFINITY] {
                unsound(&file.with_f32(section::CALIBRATION, 4 * point, recall), point);
            }
            for wrong in [leaves_of(&file) + 1, u32::MAX] {
                unsound(&file.with_u32(section::CALIBRATION, 4 * point + 1, wrong), point);
            }
        }
        // They descend.
        unsound(&file.with_f32(section::CALIBRATION, 4 * 9, 1.0), 10);
        // Candidates and rerank depths may be anything; so they are no damage, and searches live with them.
        for wrong in [0, u32::MAX] {
            let mut any = file.clone();
            for point in 0..32 {
                any = any.with_u32(section::CALIBRATION, 4 * point + 2, wrong);
                any = any.with_u32(section::CALIBRATION, 4 * point + 3, wrong);
            }
            let index = Packed::open(PackedBuf::copy_of(&any.bytes())).unwrap();
            assert_eq!(index.verify(), Ok(()));
            promises::check(index.as_bytes(), &queries).unwrap();
        }
        let mut all = file.clone();
        all.section(section::CALIBRATION).fill(0xff);
        unsound(&all, 0);
    }
}

#[test]
fn rule_19_code_errors() {
    each(|metric, file| {
        let bound = |which: usize| file.f32(section::QUANTISER, code_error(D, which));
        assert!(bound(0) > 0.0 && bound(1) > 1.0 && (bound(2) > 0.0) == (metric == Metric::Euclidean));
        let with = |which: usize, x: f32| file.with_f32(section::QUANTISER, code_error(D, which), x).bytes();
        for which in 0..3 {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, -f32::from_bits(1)] {
                unsound(&with(which, wrong), Rule::CodeErrors, N);
            }
            // More than it has to be is no damage.
            let more = Packed::open(PackedBuf::copy_of(&with(which, 1e30))).unwrap();
            assert_eq!(more.verify(), Ok(()));
            promises::check(more.as_bytes(), &QUERIES).unwrap();
        }
        for wrong in [1.0, -0.0, f32::NAN] {
            unsound(&with(3, wrong), Rule::CodeErrors, N);
        }
        // Nothing is as near as that.
        let far = |which: usize, row: usize| unsound(&with(which, 0.999 * bound(which)), Rule::CodeErrors, row);
        far(0, farthest(file, |row, j| f64::from(row.x(j)) - row.of_code(j)));
        far(1, farthest(file, |row, j| f64::from(row.code(j)) - row.mean(j)));
        if metric == Metric::Euclidean {
            let biases = (0..N).map(|row| (file.f32(section::ROW_CODES, 16 * row + 15).abs(), row));
            let (worst, _) = biases.clone().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            let first = biases.clone().find(|(bias, _)| *bias > 0.999 * worst).unwrap();
            far(2, first.1);
        }
        // A mean that is another one.
        let moved = if file.f32(section::QUANTISER, mean_code(D, 0)) > 64.0 { 0.0 } else { 127.0 };
        let other = file.with_f32(section::QUANTISER, mean_code(D, 0), moved).bytes();
        let index = Packed::open(PackedBuf::copy_of(&other)).unwrap();
        assert!(matches!(index.verify(), Err(OpenError::Damaged(Damage { rule: Rule::CodeErrors, .. }))));
    });
}

/// A row of a file as the document tells it.
struct FileRow<'a> {
    file: &'a Oy,
    row: usize,
    length: f64,
}

impl FileRow<'_> {
    fn given(&self, j: usize) -> f32 {
        self.file.f32(section::VECTORS, self.row * D + j)
    }

    /// A number of it in the index space.
    fn x(&self, j: usize) -> f32 {
        match self.file.header[METRIC] {
            0 => (f64::from(self.given(j)) / self.length) as f32,
            1 => self.given(j) - self.file.f32(section::QUANTISER, j),
            _ => self.given(j),
        }
    }

    fn code(&self, j: usize) -> u8 {
        (self.file.u32(section::ROW_CODES, self.row * 16 + j / 4) >> (8 * (j % 4))) as u8
    }

    fn of_code(&self, j: usize) -> f64 {
        let [offset, step] = [D, 2 * D].map(|from| f64::from(self.file.f32(section::QUANTISER, from + j)));
        offset + step * f64::from(self.code(j))
    }

    fn mean(&self, j: usize) -> f64 {
        f64::from(self.file.f32(section::QUANTISER, mean_code(D, j)))
    }
}

/// The first row with a distance of nearly the greatest, which is made of these differences.
fn farthest(file: &Oy, difference: impl Fn(&FileRow<'_>, usize) -> f64) -> usize {
    let distance = |row: usize| {
        let mut row = FileRow { file, row, length: 0.0 };
        row.length = (0..D).map(|j| f64::from(row.given(j)).powi(2)).sum::<f64>().sqrt();
        (0..D).map(|j| difference(&row, j).powi(2)).sum::<f64>().sqrt()
    };
    let all: Vec<f64> = (0..N).map(distance).collect();
    let most = all.iter().copied().fold(0.0, f64::max);
    all.iter().position(|x| *x > 0.999 * most).unwrap()
}

/// What a build writes keeps the rules, wherever its vectors lie.
#[test]
fn builds_of_odd_vectors_are_sound() {
    let many = vectors(300, D, 5);
    let scaled = |by: f32| many.iter().map(|x| x * by).collect::<Vec<f32>>();
    let longest = (1_u64 << 59) as f32 / 8.0;
    let one_long = [vec![0.0; 40 * D - 1], vec![8.0 * longest]].concat();
    let sets = [
        vec![],
        many[..D].to_vec(),
        vec![0.0; D],
        many[..D].repeat(300),
        vec![0.0; 300 * D],
        scaled(longest / 4.0),
        scaled(1e-10),
        scaled(1e-30),
        scaled(1e-42),
        scaled(f32::from_bits(1)),
        one_long,
        many.iter().map(|x| x + 1e6).collect(),
    ];
    for metric in METRICS {
        for (at, set) in sets.iter().enumerate() {
            let index = match Packed::build(metric, set, D, &BuildOptions::new()) {
                // Angular looks at directions alone.
                Err(BuildError::Input(InputError::TooSmall)) if metric != Metric::Angular => continue,
                built => built.unwrap(),
            };
            assert_eq!(index.verify(), Ok(()), "{metric}: set {at}");
            promises::check(index.as_bytes(), &[vec![0.5; D]]).unwrap();
        }
    }
}
