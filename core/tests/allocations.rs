//! A search of a packed index takes no memory once its scratch has room.

#![allow(missing_docs)]

#[path = "oracle/vectors.rs"]
mod vectors;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ohyeah_core::packed::Scratch;
use ohyeah_core::{Packed, PackedOptions, PackedSearch, Serial};
use vectors::{METRICS, vectors};

/// Counts what a thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator as it is.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's obligation is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligation is the same.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_search_allocates_nothing_once_it_has_room() {
    let d = 20;
    let items = vectors(5000, d, 11);
    for metric in METRICS {
        let index = Packed::build::<Serial>(metric, &items, d, &PackedOptions::new()).unwrap();
        let mut scratch = Scratch::new();
        let search = PackedSearch::top(10).recall(0.9);
        index.search_in(&mut scratch, &items[..d], &search).unwrap();
        let before = ALLOCATIONS.with(Cell::get);
        for query in items.chunks_exact(d) {
            index.search_in(&mut scratch, query, &search).unwrap();
        }
        assert_eq!(ALLOCATIONS.with(Cell::get), before, "{metric}");
    }
}
