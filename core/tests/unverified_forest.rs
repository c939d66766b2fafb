//! Forests over bytes that nobody verified, or that their storage moves: an answer of numbers, or an error.

#![allow(missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ohyeah_core::forest::{BuildOptions, ForestScratch, NodeBuf, OpenError, Search, SearchError};
use ohyeah_core::{Euclidean, Forest};

const D: usize = 3;

fn built(n: usize) -> Forest<Euclidean> {
    let vectors: Vec<f32> = (0..n * D).map(|at| (at as f32 * 1.7).sin()).collect();
    Forest::build(Euclidean, &vectors, D, &BuildOptions::new().trees(1).seed(1)).unwrap()
}

#[test]
fn an_item_that_is_no_number_is_no_answer() {
    let forest = built(300);
    // A header of 16 bytes, then the vector.
    let node = 16 + size_of::<f32>() * D;
    let mut opened = 0;
    for id in 0..300 {
        let mut bytes = forest.as_bytes().to_vec();
        bytes[id * node + 16..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
        let Ok(damaged) = Forest::<Euclidean, _>::open(NodeBuf::copy_of(&bytes), D) else { continue };
        opened += 1;
        let query: &[f32] = &[0.0; D];
        for search in [Search::top(300), Search::top(300).exact()] {
            let many = damaged.search_many(&[query], &search).map(|mut found| found.remove(0));
            for answer in [damaged.search(query, &search), many] {
                assert!(matches!(answer, Err(SearchError::Damaged(damage)) if damage.node as usize == id), "{id}");
            }
        }
    }
    assert!(opened > 200, "{opened}");
}

/// Bytes that begin later once they were moved.
struct Moving {
    words: Vec<u64>,
    start: AtomicUsize,
    length: usize,
}

impl AsRef<[u8]> for Moving {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[self.start.load(Relaxed)..][..self.length]
    }
}

#[test]
fn a_storage_that_moves_its_bytes_is_an_error() {
    let forest = built(20);
    let bytes = forest.as_bytes();
    let mut words = vec![0; bytes.len() / 8 + 2];
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    let storage = Moving { words, start: AtomicUsize::new(0), length: bytes.len() };
    let moving = Forest::<Euclidean, _>::open(storage, D).unwrap();
    let query: &[f32] = &[0.1; D];
    assert!(moving.search(query, &Search::top(1)).is_ok());
    moving.storage().start.store(1, Relaxed);
    for search in [Search::top(1), Search::top(1).exact()] {
        assert_eq!(moving.search(query, &search), Err(SearchError::Storage));
        assert_eq!(moving.search_many(&[query], &search), Err(SearchError::Storage));
        let of_item = moving.search_item_in(&mut ForestScratch::new(), 0, &search).map(<[_]>::to_vec);
        assert_eq!(of_item, Err(SearchError::Storage));
    }
    assert_eq!(moving.verify(), Err(OpenError::Storage));
}
