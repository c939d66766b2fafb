//! The recall that was asked for is the recall that is found: kinds of data, metrics, lengths of lists, filters and graphs.
//!
//! A setting asks many queries for one recall in one way, and compares their answers with brute force in f64. Equals never count
//! against an answer: a row counts as found if it is as near as the last of the nearest, up to what sums of f32 may round. A
//! setting is short if less was found than was asked for by more than .015 and also by more than three standard errors. The
//! second is for lists of one neighbour: each query finds it or does not, and the mean of 500 of them has a standard error of .01.
//! `benches/compare/recall.py` has the same rule and many more settings.

#![allow(missing_docs)]

#[path = "oracle/nearest.rs"]
mod nearest;

use std::collections::HashSet;

use nearest::nearest;
use ohyeah_core::packed::{BuildOptions, GraphOptions, Search, SearchPlan};
use ohyeah_core::{Metric, Neighbour, Packed};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const ROWS: usize = 4000;
const DIMENSIONS: usize = 24;
const RECALL: f32 = 0.95;
/// Queries for one neighbour, and for more.
const QUERIES: usize = 500;
const SOME_QUERIES: usize = 200;

const ALLOWED: f64 = 0.015;
const STANDARD_ERRORS: f64 = 3.0;
/// Eight roundings of f32.
const ROUNDING: f64 = 4.8e-7;

type Row = [f64; DIMENSIONS];

struct Draws(Xoshiro256PlusPlus);

impl Draws {
    /// A number in 0..1.
    fn uniform(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / f64::from(u32::MAX)
    }

    /// Nearly normal: a sum of twelve has variance 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// A number below n.
    fn below(&mut self, n: usize) -> usize {
        self.0.next_u32() as usize % n
    }

    fn rows(&mut self, n: usize) -> Vec<Row> {
        (0..n).map(|_| std::array::from_fn(|_| self.normal())).collect()
    }
}

/// What a query should be answered.
struct Truth {
    /// All rows, the nearest first: a distance on whose scale errors of rounding are even, and the id.
    by_distance: Vec<(f64, u32)>,
    /// The same distances, and by how much f32 may mistake them.
    by_id: Vec<(f64, f64)>,
}

impl Truth {
    fn new(metric: Metric, items: &[f32], query: &[f32]) -> Self {
        let length = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let of_query = length(query);
        let mut by_distance = nearest(metric, items, query, ROWS);
        let mut by_id = vec![(0.0, 0.0); ROWS];
        for (distance, id) in &mut by_distance {
            let row = &items[*id as usize * DIMENSIONS..][..DIMENSIONS];
            let rounding = match metric {
                Metric::Dot => ROUNDING * of_query * length(row),
                Metric::Euclidean => ROUNDING * distance.powi(2),
                // The square of the distance is twice as large as one minus the cosine.
                _ => 2.0 * ROUNDING,
            };
            if metric != Metric::Dot {
                *distance *= *distance;
            }
            by_id[*id as usize] = (*distance, rounding);
        }
        Self { by_distance, by_id }
    }

    /// The share of the `n` nearest that may be answers which was found. Panics where the answer could not be one.
    fn recall(&self, found: &[Neighbour], n: usize, may: &dyn Fn(u32) -> bool) -> f64 {
        let allowed: Vec<f64> = self.by_distance.iter().filter(|x| may(x.1)).map(|x| x.0).collect();
        let n = n.min(allowed.len());
        let ids: HashSet<u32> = found.iter().map(|x| x.id).collect();
        assert!(ids.len() == n && found.len() == n, "{} answers, of which {} differ, for {n}", found.len(), ids.len());
        assert!(ids.iter().all(|id| may(*id)), "an answer that the filter forbids");
        let Some(last) = n.checked_sub(1).map(|at| allowed[at]) else { return 1.0 };
        let is_better = |id: u32| self.by_id[id as usize].0 < last - self.by_id[id as usize].1;
        let is_equal = |id: u32| (self.by_id[id as usize].0 - last).abs() <= self.by_id[id as usize].1;
        // Of those that are nearer for sure all are wanted, and of the equals as many as there is room for.
        let nearer = self.by_distance.iter().take_while(|x| x.0 < last).filter(|x| may(x.1) && is_better(x.1)).count();
        let better = ids.iter().filter(|id| is_better(**id)).count();
        let equal = ids.iter().filter(|id| is_equal(**id)).count();
        (better + equal.min(n - nearer)) as f64 / n as f64
    }
}

/// A line that says by how much less was found than was asked for, if it is too much.
fn complaint(what: &str, asked: f64, recalls: &[f64]) -> Option<String> {
    let n = recalls.len() as f64;
    let found = recalls.iter().sum::<f64>() / n;
    let error = (recalls.iter().map(|x| (x - found).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    let missing = asked - found - 1e-9;
    // Where all comparisons are made, nothing may be missing.
    let is_short = if asked < 1.0 { missing > ALLOWED.max(STANDARD_ERRORS * error) } else { missing > 0.0 };
    is_short.then(|| format!("{what}: found {found:.4} ± {error:.4} of {asked:.2}"))
}

/// Filters for the queries of one cluster, which say of each row whether it may be an answer.
struct Masks {
    /// The tenth of all that is the farthest from the centre.
    far: Vec<bool>,
    /// A cluster that the query is not in.
    other: Vec<bool>,
    /// All but its own.
    outside: Vec<bool>,
}

/// A cluster is the rows that are nearest to one of a few. Of products, too, by distance, or the longest would take them all.
struct Clusters<'a> {
    metric: Metric,
    centres: &'a [f32],
}

impl<'a> Clusters<'a> {
    const COUNT: usize = 16;

    fn new(metric: Metric, items: &'a [f32]) -> Self {
        let metric = if metric == Metric::Angular { metric } else { Metric::Euclidean };
        Self { metric, centres: &items[..Self::COUNT * DIMENSIONS] }
    }

    fn of(&self, row: &[f32]) -> usize {
        nearest(self.metric, self.centres, row, 1)[0].1 as usize
    }

    /// The masks for queries in each cluster.
    fn masks(&self, metric: Metric, items: &[f32]) -> Vec<Masks> {
        let cluster_of: Vec<usize> = items.chunks_exact(DIMENSIONS).map(|row| self.of(row)).collect();
        let of_centre = |(own, centre): (usize, &[f32])| {
            let mut far = vec![false; ROWS];
            nearest(metric, items, centre, ROWS)[ROWS - ROWS / 10..].iter().for_each(|x| far[x.1 as usize] = true);
            let other = (own + 1) % Self::COUNT;
            let mask = |may: &dyn Fn(usize) -> bool| cluster_of.iter().map(|cluster| may(*cluster)).collect();
            Masks { far, other: mask(&|cluster| cluster == other), outside: mask(&|cluster| cluster != own) }
        };
        self.centres.chunks_exact(DIMENSIONS).enumerate().map(of_centre).collect()
    }
}

struct Query<'a> {
    vector: &'a [f32],
    truth: Truth,
    masks: &'a Masks,
    /// The nearest, as a program excludes them that has shown a page of answers and wants the next.
    seen: HashSet<u32>,
}

struct Case<'a> {
    items: &'a [f32],
    queries: Vec<Query<'a>>,
    index: Packed,
}

impl Case<'_> {
    /// Searches with queries of which each may have a filter of its own.
    fn search<'q, F: Fn(u32) -> bool>(
        &'q self,
        what: &str,
        search: (usize, f32),
        filter: impl Fn(&'q Query<'q>) -> F,
    ) -> Option<String> {
        let (n, asked) = search;
        let queries = &self.queries[..if n == 1 { QUERIES } else { SOME_QUERIES }];
        let recall = |query: &'q Query<'q>| {
            let may = filter(query);
            let search = Search::top(n).recall(asked).filter(&may);
            let search = if asked < 1.0 { search } else { search.exact() };
            query.truth.recall(&self.index.search(query.vector, &search).unwrap(), n, &may)
        };
        let recalls: Vec<f64> = queries.iter().map(recall).collect();
        complaint(&format!("top {n}{what}"), f64::from(asked), &recalls)
    }

    fn graph(&self, n: usize, asked: f32) -> Option<String> {
        let options = GraphOptions::top(n).recall(asked);
        let graph = self.index.graph(&if asked < 1.0 { options } else { options.exact() }).unwrap();
        let recall = |id: u32| {
            let row = &self.items[id as usize * DIMENSIONS..][..DIMENSIONS];
            Truth::new(self.index.metric(), self.items, row).recall(graph.neighbours(id), n, &|other| other != id)
        };
        let recalls: Vec<f64> = (0..ROWS as u32).step_by(ROWS / SOME_QUERIES).map(recall).collect();
        complaint(&format!("graph of {n}"), f64::from(asked), &recalls)
    }

    fn complaints(&self) -> Vec<String> {
        let all = |_: &Query<'_>| |_: u32| true;
        // Spread evenly, with no regard to the rows.
        let share = |percent: u32| {
            move |_: &Query<'_>| move |id: u32| id.wrapping_mul(2_654_435_761) >> 16 < percent * 65_536 / 100
        };
        let ten = (10, RECALL);
        [
            self.search("", (1, RECALL), all),
            self.search("", (10, 0.8), all),
            self.search("", ten, all),
            self.search("", (10, 0.99), all),
            self.search("", (10, 1.0), all),
            self.search("", (100, RECALL), all),
            self.search(" of a half", ten, share(50)),
            self.search(" of a tenth", ten, share(10)),
            self.search(" of a hundredth", ten, share(1)),
            self.search(" of the farthest tenth", ten, |query| |id| query.masks.far[id as usize]),
            self.search(" of another cluster", ten, |query| |id| query.masks.other[id as usize]),
            self.search(" of all but its cluster", ten, |query| |id| query.masks.outside[id as usize]),
            self.search(" of those not seen", ten, |query| |id| !query.seen.contains(&id)),
            self.graph(10, RECALL),
            self.graph(10, 1.0),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Asks every metric about one kind of data, which is what `change` makes of normal rows. The last rows are queries.
fn check(change: impl Fn(&mut [Row], &mut Draws)) {
    let mut draws = Draws(Xoshiro256PlusPlus::seed_from_u64(61));
    let mut rows = draws.rows(ROWS + QUERIES);
    change(&mut rows, &mut draws);
    let numbers: Vec<f32> = rows.concat().into_iter().map(|x| x as f32).collect();
    let (items, queries) = numbers.split_at(ROWS * DIMENSIONS);
    let mut complaints = Vec::new();
    for metric in [Metric::Angular, Metric::Euclidean, Metric::Dot] {
        let clusters = Clusters::new(metric, items);
        let masks = clusters.masks(metric, items);
        let query = |vector| {
            let truth = Truth::new(metric, items, vector);
            let seen = truth.by_distance[..20].iter().map(|x| x.1).collect();
            Query { vector, truth, masks: &masks[clusters.of(vector)], seen }
        };
        let queries = queries.chunks_exact(DIMENSIONS).map(query).collect();
        let index = Packed::build(metric, items, DIMENSIONS, &BuildOptions::new()).unwrap();
        let case = Case { items, queries, index };
        complaints.extend(case.complaints().into_iter().map(|complaint| format!("{metric}, {complaint}")));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn normal_rows() {
    check(|_, _| {});
}

#[test]
fn clusters() {
    check(|rows, draws| {
        let centres = draws.rows(40);
        for row in rows {
            let centre = &centres[draws.below(40)];
            row.iter_mut().zip(centre).for_each(|(x, c)| *x += 3.0 * c);
        }
    });
}

#[test]
fn one_large_column() {
    check(|rows, _| rows.iter_mut().for_each(|row| row[0] *= 100.0));
}

/// Half of the rows are copies of twenty.
#[test]
fn copies() {
    check(|rows, draws| {
        let copied = draws.rows(20);
        for row in rows {
            if draws.below(2) == 0 {
                *row = copied[draws.below(20)];
            }
        }
    });
}

#[test]
fn lognormal_lengths() {
    check(|rows, draws| {
        for row in rows {
            let length = (1.5 * draws.normal()).exp();
            for x in row {
                *x *= length;
            }
        }
    });
}

#[test]
fn one_far_row() {
    check(|rows, _| rows[0].iter_mut().for_each(|x| *x *= 1000.0));
}

#[test]
fn equals_do_not_count_against_an_answer() {
    let mut items = vec![0.0; ROWS * DIMENSIONS];
    for (at, row) in items.chunks_exact_mut(DIMENSIONS).enumerate() {
        row[0] = [0.0, 1.0, 1.0, 1.0, 5.0].get(at).copied().unwrap_or(9.0);
    }
    let truth = Truth::new(Metric::Euclidean, &items, &[0.0; DIMENSIONS]);
    let recall = |ids: &[u32], may: &dyn Fn(u32) -> bool| {
        let found: Vec<_> = ids.iter().map(|id| Neighbour { id: *id, distance: 0.0 }).collect();
        truth.recall(&found, ids.len(), may)
    };
    for (ids, expected) in [([0, 3], 1.0), ([1, 2], 0.5), ([0, 4], 0.5), ([4, 5], 0.0)] {
        assert_eq!(recall(&ids, &|_| true), expected, "{ids:?}");
    }
    assert_eq!(recall(&[0, 3, 4], &|id| id == 0 || id > 2), 1.0);
    assert_eq!(recall(&[1, 2], &|id| id != 3), 0.5);
}

/// Where rows have local codes too, for what a filter leaves, searches by recall scan leaves as ever: clusters, of which rows are
/// a little longer or shorter.
#[test]
fn local_codes_spoil_no_calibration() {
    let (n, d) = (20_000, 24);
    let mut draws = Draws(Xoshiro256PlusPlus::seed_from_u64(5));
    let centres: Vec<f32> = (0..200 * d).map(|_| 3.0 * draws.normal() as f32).collect();
    let mut items = Vec::new();
    for at in 0..n {
        let length = (0.2 * draws.normal()).exp() as f32;
        items.extend(centres[at % 200 * d..][..d].iter().map(|x| length * (x + draws.normal() as f32)));
    }
    let index = Packed::build(Metric::Euclidean, &items, d, &BuildOptions::new()).unwrap();
    for (top, recall) in [(1, 0.95), (10, 0.9), (10, 0.95)] {
        assert!(matches!(index.plan(top, recall), SearchPlan::Scan { .. }), "{top} at {recall}");
    }
}
