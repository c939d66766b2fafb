//! Recall under filters whose rows lie in the index otherwise than rows drawn by lot, against exact searches with the same filter.

#![allow(missing_docs)]

use ohyeah_core::packed::{BuildOptions, Search};
use ohyeah_core::{Metric, Packed};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const ROWS: usize = 12_000;
const DIMENSIONS: usize = 16;
const CLUSTERS: usize = 60;

fn normal(random: &mut Xoshiro256PlusPlus) -> f32 {
    (0..12).map(|_| random.next_u32() as f32 / u32::MAX as f32).sum::<f32>() - 6.0
}

/// Clusters, in which the first rows scatter much more than the others.
fn scattered(first: usize) -> Vec<f32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    let centres: Vec<f32> = (0..CLUSTERS * DIMENSIONS).map(|_| normal(&mut random)).collect();
    let mut rows = Vec::with_capacity(ROWS * DIMENSIONS);
    for row in 0..ROWS {
        let centre = random.next_u32() as usize % CLUSTERS;
        let scatter = if row < first { 0.9 } else { 0.15 };
        let numbers = centres[centre * DIMENSIONS..][..DIMENSIONS].iter();
        rows.extend(numbers.map(|x| x + scatter * normal(&mut random)));
    }
    rows
}

/// Every cluster has its share of such a set, but other rows are nearer to most queries than any of it.
#[test]
fn a_set_that_scatters_more_than_others() {
    let first = 2000;
    let rows = scattered(first);
    for metric in [Metric::Euclidean, Metric::Angular] {
        let index = Packed::build(metric, &rows, DIMENSIONS, &BuildOptions::new()).expect("builds");
        let set = index.row_set(|id| (id as usize) < first).expect("the storage stays");
        for (n, recall) in [(1, 0.95), (3, 0.95), (3, 0.99), (10, 0.95)] {
            let (mut found, mut wanted) = (0, 0);
            for query in rows.chunks_exact(DIMENSIONS).step_by(24) {
                let search = Search::top(n).recall(recall).filter(&set);
                let near = index.search(query, &search).expect("answers");
                let exact = index.search(query, &Search::top(n).exact().filter(&set)).expect("answers");
                let ids: Vec<u32> = exact.iter().map(|x| x.id).collect();
                found += near.iter().filter(|x| ids.contains(&x.id)).count();
                wanted += ids.len();
            }
            let found = found as f32 / wanted as f32;
            assert!(found >= recall - 0.015, "{metric}, {n} nearest: {found} of {recall}");
        }
    }
}
