//! A search that has room for its work allocates nothing. A test binary of its own: the allocator is everybody's.

#![allow(clippy::expect_used, clippy::panic)]
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

mod oracle;

#[path = "oracle/oy.rs"]
mod oy;

#[path = "oracle/vectors.rs"]
mod vectors;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ohyeah_core::forest::{BuildOptions, Search};
use ohyeah_core::packed::{self, PackedScratch};
use ohyeah_core::{Angular, Distance, Dot, Element, Euclidean, Hamming, IdSet, Packed};
use oracle::data;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

fn count() -> usize {
    ALLOCATIONS.get()
}

// SAFETY: every call goes on to the system's allocator with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(count() + 1);
        BYTES.set(BYTES.get().saturating_add(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(count() + 1);
        BYTES.set(BYTES.get().saturating_add(size));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn check<D: Distance>() {
    let rows = data::odd_rows(1, 2000, 20);
    let forest = data::items::<D>(&rows, 20).build(&BuildOptions::new().trees(10)).expect("builds");
    let queries: Vec<_> = rows.values().step_by(50).map(|row| D::Element::from_numbers(row)).collect();
    let allowed: IdSet = (0..2000).step_by(3).collect();
    let mut searcher = forest.searcher();
    let mut ask = || {
        for query in &queries {
            searcher.search(query, &Search::top(10)).expect("searches");
            searcher.search(query, &Search::top(20).search_k(500).filter(&allowed)).expect("searches");
            searcher.search_item(4, &Search::top(5).search_k(2000).filter(|id| id % 5 == 1)).expect("searches");
        }
    };
    ask();
    let before = count();
    ask();
    assert_eq!(count() - before, 0, "allocations of a search in {}", D::METRIC);
}

#[test]
fn a_warm_searcher_allocates_nothing() {
    check::<Angular>();
    check::<Euclidean>();
    check::<Hamming>();
    check::<Dot>();
}

#[test]
fn a_search_of_a_packed_index_allocates_nothing_once_it_has_room() {
    let d = 20;
    let items = vectors::vectors(5000, d, 11);
    for metric in vectors::METRICS {
        let index = Packed::build(metric, &items, d, &packed::BuildOptions::new()).expect("builds");
        let mut scratch = PackedScratch::new();
        let search = packed::Search::top(10).recall(0.9);
        index.search_in(&mut scratch, &items[..d], &search).expect("searches");
        let before = count();
        for query in items.chunks_exact(d) {
            index.search_in(&mut scratch, query, &search).expect("searches");
        }
        assert_eq!(count(), before, "{metric}");
        // By codes, and of vectors that their codes tell nothing about in full.
        let far: Vec<f32> = items.iter().enumerate().map(|(at, x)| if at / d == 7 { 1e6 * x } else { *x }).collect();
        for items in [&items, &far] {
            let index = Packed::build(metric, items, d, &packed::BuildOptions::new()).expect("builds");
            let exact = packed::Search::top(10).exact();
            index.search_in(&mut scratch, &items[..d], &exact).expect("searches");
            let before = count();
            for query in items.chunks_exact(d).step_by(10) {
                index.search_in(&mut scratch, query, &exact).expect("searches");
            }
            assert_eq!(count(), before, "{metric}, exactly");
        }
    }
}

/// A search of any kind has room for the next of any other that asks for as many.
#[test]
fn one_kind_of_search_has_room_for_the_others() {
    let d = 16;
    let even = vectors::vectors(6000, d, 12);
    let uneven: Vec<f32> = even.iter().enumerate().map(|(at, x)| if at % d == 1 { 300.0 * x } else { *x }).collect();
    for items in [&even, &uneven] {
        for metric in vectors::METRICS {
            let index = Packed::build(metric, items, d, &packed::BuildOptions::new()).expect("builds");
            let sets = [1000, 40, 3].map(|every| index.row_set(|id| id % every == 1).expect("a set"));
            for n in [1, 10, 100, 370] {
                let mut scratch = PackedScratch::new();
                let mut ask = |query: &[f32], kind: usize| {
                    let search = packed::Search::top(n);
                    match kind {
                        0 => index.search_in(&mut scratch, query, &search.exact()),
                        4 => index.search_in(&mut scratch, query, &search.recall(0.9)),
                        set => index.search_in(&mut scratch, query, &search.exact().filter(&sets[set - 1])),
                    }
                    .expect("searches");
                };
                // What is compared in full reserves least.
                ask(&items[..d], 1);
                ask(&items[..d], 4);
                let before = count();
                for (at, query) in items.chunks_exact(d).step_by(31).enumerate() {
                    ask(query, at % 5);
                }
                assert_eq!(count(), before, "{metric} {n}");
            }
        }
    }
}

/// Whatever a file says about effort, a search takes no more memory than about what the index has.
#[test]
fn a_crafted_calibration_asks_for_no_more_memory_than_the_index_has() {
    let (d, n) = (6, 2000);
    let items = vectors::vectors(n, d, 3);
    let huge = [f32::MAX, f32::INFINITY, 1e30, 4e9, -f32::MAX];
    for metric in vectors::METRICS {
        let index = Packed::build(metric, &items, d, &packed::BuildOptions::new()).expect("builds");
        let file = oy::Oy::of(index.as_bytes());
        for (candidates, cost) in huge.into_iter().flat_map(|x| [(x, -f32::MAX), (x, -x), (x, 0.0)]) {
            let mut crafted = file.clone();
            for point in 0..oy::calibration::POINTS {
                let fields =
                    [("candidates", candidates), ("least", candidates), ("leaves", candidates), ("rows", cost)];
                for (field, x) in fields {
                    crafted = crafted.with_f32(oy::section::CALIBRATION, oy::calibration::place(point, field), x);
                }
            }
            let crafted = Packed::open(packed::PackedBuf::copy_of(&crafted.bytes())).expect("opens");
            for wanted in [1, 10, 700, usize::MAX] {
                let before = BYTES.get();
                let search = packed::Search::top(wanted).recall(0.9);
                crafted.search(&items[..d], &search).expect("searches");
                let taken = BYTES.get() - before;
                assert!(taken < 2 * index.as_bytes().len(), "{metric}: {taken} bytes for {wanted}");
            }
        }
    }
}
