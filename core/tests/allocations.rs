//! A searcher that has grown to its work allocates nothing. A test binary of its own: the allocator counts for all.

#![allow(clippy::expect_used, clippy::panic)]
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

mod oracle;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use ohyeah_core::{Angular, BuildOptions, Distance, Dot, Element, Euclidean, Hamming, IdSet, Search};
use oracle::data;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn check<D: Distance>() {
    let rows = data::odd_rows(1, 2000, 20);
    let forest = data::items::<D>(&rows, 20).build(BuildOptions::trees(10)).expect("builds");
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
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    ask();
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0, "allocations of a search in {}", D::METRIC);
}

/// One test: the count is everybody's.
#[test]
fn a_warm_searcher_allocates_nothing() {
    check::<Angular>();
    check::<Euclidean>();
    check::<Hamming>();
    check::<Dot>();
}
