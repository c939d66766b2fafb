//! Answers of forests keep every promise: filters, budgets, searchers that are used again, and forests without trees.

#![allow(clippy::expect_used, clippy::panic)]

mod oracle;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ohyeah_core::forest::{BuildOptions, Items, OpenError, Search, SearchError};
use ohyeah_core::{Cancel, Distance, Element, Forest, IdSet, Progress, Serial};
use oracle::brute::{self, Rows};
use oracle::threads::Threads;
use oracle::{data, every_metric};

const DIMENSIONS: usize = 13;

fn rows() -> Rows {
    data::odd_rows(1, 400, DIMENSIONS)
}

fn filters<D: Distance>() {
    let rows = rows();
    let forest = data::forest::<D>(&rows, 6);
    for keep in [2, 10, 40] {
        let allows = |id: u32| id % keep == 1;
        let set: IdSet = (0..500).filter(|id| allows(*id)).collect();
        let allowed: Rows = rows.iter().filter(|(id, _)| allows(**id)).map(|(id, row)| (*id, row.clone())).collect();
        for numbers in rows.values().step_by(29) {
            let query = D::Element::from_numbers(numbers);
            let search = |search: Search| {
                let by_closure = forest.search(&query, &search.filter(allows)).expect("searches");
                assert_eq!(forest.search(&query, &search.filter(&set)).expect("searches"), by_closure);
                assert_eq!(forest.search(&query, &search.filter(set.clone())).expect("searches"), by_closure);
                assert!(by_closure.iter().all(|x| allows(x.id) && rows.contains_key(&x.id)));
                by_closure
            };
            let n = 7.min(allowed.len());
            // Fewer candidates than the items that are rejected: those do not count.
            assert_eq!(search(Search::top(n).search_k(n * 6)).len(), n, "keep one in {keep}");
            brute::check(D::METRIC, &allowed, numbers, n, &search(Search::top(n).search_k(usize::MAX)));
            brute::check(D::METRIC, &allowed, numbers, n, &search(Search::top(n).exact()));
        }
    }
    let query = D::Element::from_numbers(&rows[&0]);
    for search in [Search::top(5), Search::top(5).exact()] {
        assert_eq!(forest.search(&query, &search.filter(|_| false)), Ok(vec![]));
    }
}

#[test]
fn a_narrow_filter_still_fills_the_answer() {
    every_metric!(filters);
}

fn reuse<D: Distance>() {
    let rows = rows();
    let forest = data::forest::<D>(&rows, 6);
    let queries = data::queries::<D>(&rows, 23);
    let mut searcher = forest.searcher();
    let searches = [
        Search::top(5),
        Search::top(50).search_k(1000),
        Search::top(1).search_k(1),
        Search::top(0),
        Search::top(9).search_k(0),
        Search::top(500).exact(),
    ];
    for search in searches {
        for query in &queries {
            assert_eq!(searcher.search(query, &search).map(<[_]>::to_vec), forest.search(query, &search));
        }
        // A mistake in between leaves no trace.
        assert!(searcher.search(&queries[0][1..], &search).is_err());
        let slices: Vec<_> = queries.iter().map(Vec::as_slice).collect();
        let one_by_one: Vec<_> = queries.iter().map(|query| forest.search(query, &search).expect("searches")).collect();
        // Several blocks of queries.
        let slices: Vec<_> = slices.iter().cycle().copied().take(5 * slices.len()).collect();
        let expected: Vec<_> = one_by_one.iter().cycle().take(slices.len()).cloned().collect();
        assert_eq!(forest.search_many(&slices, &search).expect("searches"), expected);
        assert_eq!(
            forest
                .search_many_with::<Threads<4>, _>(&slices, &search, Progress::NONE, Cancel::NEVER)
                .expect("searches"),
            expected
        );
    }
    for (id, row) in &rows {
        let found = searcher.search_item(*id, &Search::top(3)).map(<[_]>::to_vec);
        assert_eq!(found, forest.search(&D::Element::from_numbers(row), &Search::top(3)));
    }
    let missing = Err(SearchError::NoSuchItem { id: 5, items: 400 });
    assert_eq!(searcher.search_item(5, &Search::top(3)).map(<[_]>::to_vec), missing);
}

#[test]
fn a_searcher_that_is_used_again_answers_as_a_fresh_one() {
    every_metric!(reuse);
}

fn budgets<D: Distance>() {
    let rows = rows();
    let forest = data::forest::<D>(&rows, 6);
    for query in data::queries::<D>(&rows, 23) {
        assert_eq!(forest.search(&query, &Search::top(9).search_k(0)), Ok(vec![]));
        // A leaf is taken whole, so one candidate asked for is at least one.
        assert!(!forest.search(&query, &Search::top(9).search_k(1)).expect("searches").is_empty());
        let sizes =
            [10, 100, 1000].map(|k| forest.search(&query, &Search::top(400).search_k(k)).expect("searches").len());
        assert!(sizes.is_sorted(), "a larger budget finds no less: {sizes:?}");
        let default = forest.search(&query, &Search::top(9)).expect("searches");
        assert_eq!(default, forest.search(&query, &Search::top(9).search_k(9 * 6)).expect("searches"));
    }
    let distance = |a, b| forest.distance(a, b);
    let plain = |a: u32, b: u32| brute::distance(D::METRIC, &rows[&a], &rows[&b]);
    for (a, b) in [(0, 1), (1, 0), (7, 8), (100, 399), (24, 24)] {
        assert!((f64::from(distance(a, b).expect("both are there")) - plain(a, b)).abs() < 1e-3, "{a} {b}");
    }
    assert_eq!(distance(0, 5), Err(SearchError::NoSuchItem { id: 5, items: 400 }));
    assert_eq!(distance(400, 0), Err(SearchError::NoSuchItem { id: 400, items: 400 }));
}

#[test]
fn budgets_and_distances_are_what_they_say() {
    every_metric!(budgets);
}

fn no_trees<D: Distance>() {
    let rows = rows();
    let forest = data::forest::<D>(&rows, 0);
    assert_eq!((forest.trees(), forest.len()), (0, 400));
    forest.verify().expect("nothing to break");
    for query in data::queries::<D>(&rows, 23) {
        assert_eq!(forest.search(&query, &Search::top(3)), Ok(vec![]));
        assert_eq!(forest.search(&query, &Search::top(3).exact()).expect("searches").len(), 3);
    }
    let empty = Items::<D>::new(4).expect("dimensions").build(&BuildOptions::new().trees(0)).expect("builds");
    assert_eq!(empty.as_bytes().len(), 0);
    assert_eq!(empty.search(&D::Element::from_numbers(&[0.0; 4]), &Search::top(3).exact()), Ok(vec![]));
    assert_eq!(Forest::<D, _>::open(empty.as_bytes(), 4).map(|_| ()), Err(OpenError::Empty));
}

#[test]
fn without_trees_there_are_exact_answers() {
    every_metric!(no_trees);
}

fn cancelled<D: Distance>() {
    let rows = rows();
    let forest = data::forest::<D>(&rows, 6);
    let queries = data::queries::<D>(&rows, 1);
    let slices: Vec<_> = queries.iter().map(Vec::as_slice).collect();
    let flag = AtomicBool::new(false);
    let blocks = AtomicUsize::new(0);
    let tell = |share: f32| {
        assert!(share > 0.0 && share <= 1.0);
        blocks.fetch_add(1, Ordering::Relaxed);
        flag.store(true, Ordering::Relaxed);
    };
    for search in [Search::top(3), Search::top(3).exact()] {
        flag.store(false, Ordering::Relaxed);
        blocks.store(0, Ordering::Relaxed);
        let found = forest.search_many_with::<Serial, _>(&slices, &search, Progress::new(&tell), Cancel::new(&flag));
        assert_eq!((found, blocks.load(Ordering::Relaxed)), (Err(SearchError::Cancelled), 1));
        // Nobody cancels: every block is told of, the last with everything.
        blocks.store(0, Ordering::Relaxed);
        let found = forest.search_many_with::<Threads<2>, _>(&slices, &search, Progress::new(&tell), Cancel::NEVER);
        assert_eq!(
            (found.map(|found| found.len()), blocks.load(Ordering::Relaxed)),
            (Ok(slices.len()), slices.len().div_ceil(64))
        );
    }
}

#[test]
fn a_cancelled_batch_ends_soon_with_an_error() {
    every_metric!(cancelled);
}
