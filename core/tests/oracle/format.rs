//! Indexes taken apart, and what is to be seen of files that break a rule.

#![allow(dead_code)]

use std::sync::LazyLock;

use ohyeah_core::packed::{BuildOptions, Damage, OpenError, PackedBuf, Rule};
use ohyeah_core::{Metric, Packed};

use crate::oy::{LEAVES, Oy};
use crate::promises;
use crate::vectors::{METRICS, vectors};

pub(crate) const N: usize = 90;
pub(crate) const D: usize = 6;

/// With keys, in more than one leaf.
pub(crate) fn build(metric: Metric) -> Packed {
    let words: Vec<String> = (0..N).map(|at| if at == 7 { "naïve".into() } else { format!("w{at}") }).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let index =
        Packed::build(metric, &vectors(N, D, 10), D, &BuildOptions::new().leaves(4).seed(3).keys(&words)).unwrap();
    assert!(index.leaves() > 1);
    index
}

/// An index of each metric in its parts.
pub(crate) static INDEXES: LazyLock<Vec<(Metric, Oy)>> =
    LazyLock::new(|| METRICS.map(|metric| (metric, Oy::of(build(metric).as_bytes()))).into());

pub(crate) static QUERIES: LazyLock<Vec<Vec<f32>>> = LazyLock::new(|| {
    let mut queries: Vec<Vec<f32>> = vec![vectors(N, D, 10)[40 * D..41 * D].to_vec()];
    queries.push(vec![0.0; D]);
    queries.push((0..D).map(|j| 1e3 * (j as f32 - 2.5)).collect());
    queries
});

pub(crate) fn each(mut f: impl FnMut(Metric, &Oy)) {
    for (metric, index) in INDEXES.iter() {
        f(*metric, index);
    }
}

pub(crate) fn damaged(rule: Rule, at: usize) -> OpenError {
    OpenError::Damaged(Damage { rule, at: at as u64 })
}

pub(crate) fn open(bytes: &[u8]) -> Result<(), OpenError> {
    Packed::open(PackedBuf::copy_of(bytes)).map(drop)
}

/// That bytes do not open, and why.
#[track_caller]
pub(crate) fn shut(bytes: &[u8], error: &OpenError) {
    assert_eq!(open(bytes).as_ref(), Err(error), "{error}");
}

/// That bytes open, that `verify` names just this rule and place, and that searches keep their promises.
#[track_caller]
pub(crate) fn unsound(bytes: &[u8], rule: Rule, at: usize) {
    let index = Packed::open(PackedBuf::copy_of(bytes)).unwrap_or_else(|error| panic!("opens: {error}"));
    assert_eq!(index.verify(), Err(damaged(rule, at)), "{rule:?} at {at}");
    promises::check(index.as_bytes(), &QUERIES).expect("it opened before");
}

/// A golden file of version 1 for each metric, of 7 dimensions.
pub(crate) fn files_of_version_1() -> impl Iterator<Item = Oy> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/packed/v1");
    let names = ["angular-n170-d7.oy", "euclidean-n170-d7-keys.oy", "dot-n170-d7-keys.oy"];
    names.into_iter().map(move |name| Oy::of(&std::fs::read(folder.join(name)).unwrap()))
}

/// The number of leaves of a file.
pub(crate) fn leaves_of(file: &Oy) -> u32 {
    u32::from_le_bytes(file.header[LEAVES..LEAVES + 4].try_into().unwrap())
}
