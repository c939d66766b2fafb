//! Every metric from its formula, in f64, and the nearest of all items by sorting them.

use std::collections::{BTreeMap, BTreeSet};

use ohyeah_core::{Metric, Neighbour};

/// Vectors by id, as plain numbers.
pub(crate) type Rows = BTreeMap<u32, Vec<f32>>;

fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    a.iter().zip(b).map(|(x, y)| term(f64::from(*x), f64::from(*y))).sum()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |x, y| x * y)
}

/// The distance that is reported.
pub(crate) fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    match metric {
        Metric::Angular => {
            let lengths = dot(a, a).sqrt() * dot(b, b).sqrt();
            let squared = if lengths > 0.0 { 2.0 - 2.0 * dot(a, b) / lengths } else { 2.0 };
            squared.max(0.0).sqrt()
        }
        Metric::Euclidean => sum(a, b, |x, y| (x - y) * (x - y)).sqrt(),
        Metric::Manhattan => sum(a, b, |x, y| (x - y).abs()),
        Metric::Hamming => sum(a, b, |x, y| f64::from(u8::from((x > 0.5) != (y > 0.5)))),
        Metric::Dot => dot(a, b),
        other => panic!("no formula for {other}"),
    }
}

/// A reported distance as a number that is smallest for the nearest, and on whose scale rounding errors are even: the
/// square for those metrics that report a root.
fn order(metric: Metric, distance: f64) -> f64 {
    match metric {
        Metric::Angular | Metric::Euclidean => distance * distance,
        Metric::Dot => -distance,
        _ => distance,
    }
}

/// How far f32 sums may lie from the truth on the scale of [`order`]; a generous few hundred roundings.
fn tolerance(metric: Metric, a: &[f32], b: &[f32], order: f64) -> f64 {
    const RELATIVE: f64 = 2e-5;
    match metric {
        Metric::Hamming => 0.0,
        Metric::Angular => RELATIVE,
        Metric::Dot => RELATIVE * dot(a, a).sqrt() * dot(b, b).sqrt(),
        _ => RELATIVE * order.abs(),
    }
}

/// Checks that these are the `n` nearest: the distances in any case, and the ids wherever f32 can tell them apart.
pub(crate) fn check(metric: Metric, rows: &Rows, query: &[f32], n: usize, found: &[Neighbour]) {
    let mut all: Vec<(f64, u32)> =
        rows.iter().map(|(id, row)| (order(metric, distance(metric, query, row)), *id)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    assert_eq!(found.len(), n.min(all.len()), "{metric}: the number of answers");
    let different: BTreeSet<u32> = found.iter().map(|x| x.id).collect();
    assert_eq!(different.len(), found.len(), "{metric}: an item twice");
    for (at, (got, (expected, id))) in found.iter().zip(&all).enumerate() {
        let near =
            tolerance(metric, query, &rows[id], *expected).max(tolerance(metric, query, &rows[&got.id], *expected));
        let reported = order(metric, f64::from(got.distance));
        let own = order(metric, distance(metric, query, &rows[&got.id]));
        assert!((reported - own).abs() <= near, "{metric}, {at}: {got:?} should lie at {own}");
        assert!((own - expected).abs() <= 2.0 * near, "{metric}, {at}: {got:?} at {own} where {id} lies at {expected}");
        let apart = |other: usize| all.get(other).is_none_or(|other| (other.0 - expected).abs() > 2.0 * near);
        if apart(at.wrapping_sub(1)) && apart(at + 1) {
            assert_eq!(got.id, *id, "{metric}, {at}");
        }
    }
    assert!(found.windows(2).all(|pair| in_order(metric, pair[0], pair[1])), "{metric}: not nearest first, ties by id");
}

/// Whether `a` is to stand before `b`.
fn in_order(metric: Metric, a: Neighbour, b: Neighbour) -> bool {
    let (x, y) = (order(metric, f64::from(a.distance)), order(metric, f64::from(b.distance)));
    // Different squares may have the same root, so ids of equal roots can stand in any order.
    x < y || x == y && (a.id < b.id || matches!(metric, Metric::Angular | Metric::Euclidean))
}
