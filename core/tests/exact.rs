//! Exact answers against sorting every item by its distance in f64; and how near a forest's answers come.

#![allow(clippy::expect_used, clippy::panic)]

mod oracle;

use ohyeah_core::forest::{BuildOptions, Items, Search};
use ohyeah_core::{Angular, Distance, Dot, DotLegacy, Element, Euclidean, Forest, Hamming, Manhattan};
use oracle::brute::{self, Rows};
use oracle::data;
use oracle::every_metric;
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Exact answers to each query are those of the formula; with no budget the trees find the very same.
fn check<D: Distance>(rows: &Rows, queries: &[Vec<f32>], n: usize) {
    let forest = data::forest::<D>(rows, 3);
    let mut searcher = forest.searcher();
    for numbers in queries {
        let query = D::Element::from_numbers(numbers);
        let exact = searcher.search(&query, &Search::top(n).exact()).expect("searches").to_vec();
        brute::check(D::METRIC, rows, numbers, n, &exact);
        let unlimited = searcher.search(&query, &Search::top(n).search_k(usize::MAX)).expect("searches");
        assert_eq!(unlimited, exact);
    }
}

#[test]
fn real_vectors() {
    let rows = data::sample(3_000);
    let queries: Vec<_> = rows.values().step_by(15).cloned().collect();
    every_metric!(check(&rows, &queries, 15));
}

#[test]
fn small_sets_with_holes_duplicates_and_zeros() {
    for (ids, dimensions) in [(1, 1), (2, 3), (30, 1), (60, 2), (200, 7), (300, 33), (300, 70)] {
        let rows = data::odd_rows(u64::from(ids), ids, dimensions);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
        let mut queries: Vec<_> = rows.values().step_by(7).cloned().collect();
        queries.extend((0..20).map(|_| data::vector(&mut rng, dimensions)));
        queries.push(vec![0.0; dimensions]);
        for n in [0, 1, 10, ids as usize, ids as usize + 1, usize::MAX] {
            every_metric!(check(&rows, &queries, n));
        }
    }
}

/// Long and short vectors beside one another, up to where squares of squares still fit an f32.
#[test]
fn vectors_of_very_different_lengths() {
    let mut rows = data::odd_rows(5, 120, 9);
    for (id, row) in &mut rows {
        let scale = 10.0_f32.powi((id % 11) as i32 - 5);
        for x in row {
            *x *= scale;
        }
    }
    let queries: Vec<_> = rows.values().step_by(5).cloned().collect();
    every_metric!(check(&rows, &queries, 12));
}

/// Of every `step`-th item's 15 nearest, the share that 50 trees find.
fn recall<D: Distance>(rows: &Rows, step: usize, search_k: usize) -> f64 {
    recall_of(&data::forest::<D>(rows, 50), rows, step, search_k)
}

fn recall_of<D: Distance>(forest: &Forest<D>, rows: &Rows, step: usize, search_k: usize) -> f64 {
    let mut searcher = forest.searcher();
    let (mut hits, mut all) = (0, 0);
    for numbers in rows.values().step_by(step) {
        let query = D::Element::from_numbers(numbers);
        let exact = searcher.search(&query, &Search::top(15).exact()).expect("searches").to_vec();
        let found = searcher.search(&query, &Search::top(15).search_k(search_k)).expect("searches");
        hits += found.iter().filter(|x| exact.contains(x)).count();
        all += exact.len();
    }
    f64::from(hits as u32) / f64::from(all as u32)
}

/// The bounds lie a few hundredths below what is measured. The candidates, repeats among them, are no more than a third of
/// the items, so that wrong planes or priorities would not come near.
#[test]
fn forests_find_most_of_the_exact_answers() {
    let rows = data::sample(20_000);
    let whole = recall::<Angular>(&rows, 200, 10_000);
    println!("angular, 20,000 items: {whole}");
    assert!(whole > 0.97);

    let rows: Rows = rows.into_iter().take(3_000).collect();
    let found = [
        (recall::<Euclidean>(&rows, 30, 1_200), 0.88),
        (recall::<Manhattan>(&rows, 30, 1_200), 0.88),
        (recall::<Hamming>(&rows, 30, 1_200), 0.88),
        (recall::<Dot>(&rows, 30, 1_200), 0.88),
        (recall::<DotLegacy>(&rows, 30, 1_200), 0.88),
    ];
    println!("the others, 3,000 items: {found:?}");
    assert!(found.iter().all(|(recall, bound)| recall > bound));
}

/// Ours are made with fewer pulls: neither answers nor the file may suffer.
#[test]
fn our_trees_are_as_good_as_annoys() {
    let rows = data::sample(20_000);
    let items = data::items::<Angular>(&rows, 100);
    for seed in 1..=3 {
        let options = BuildOptions::new().trees(20).seed(seed);
        let [ours, annoys] = [options, options.kiss64()].map(|options| items.clone().build(&options).expect("builds"));
        let [recall, annoys_recall] = [&ours, &annoys].map(|forest| recall_of(forest, &rows, 20, 1_000));
        println!("recall {recall} of {annoys_recall}, {} nodes of {}", ours.node_count(), annoys.node_count());
        assert!(recall > annoys_recall - 0.015);
        assert!(ours.node_count() < annoys.node_count() * 101 / 100);
    }
}

/// The squared lengths fit an f32 and their product does not.
#[test]
fn lengths_far_from_one_do_not_change_an_angle() {
    for scale in [1e-18, 1e-12, 1.0, 1e10, 1e18] {
        let mut items = Items::<Angular>::new(2).expect("dimensions");
        for (id, row) in [[0.0, 1.0], [1.0, 0.1], [1.0, 1.0]].into_iter().enumerate() {
            items.add(id as u32, &row.map(|x| x * scale)).expect("a vector");
        }
        let forest = items.build(&BuildOptions::new().trees(2)).expect("a forest");
        let found = forest.search(&[scale, 0.0], &Search::top(3).exact()).expect("finds");
        assert_eq!(found.iter().map(|x| x.id).collect::<Vec<_>>(), [1, 2, 0], "{scale:e}");
        assert!((found[1].distance - 0.765_366_9).abs() < 1e-5 && found[0].distance < 0.11, "{scale:e}: {found:?}");
    }
}
