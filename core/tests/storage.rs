//! Storages that do not keep to what an index asks of them, which is that bytes stay as and where they were when it was
//! opened: an error, or an answer about other bytes, and never a panic.

#![allow(missing_docs)]

#[path = "oracle/oy.rs"]
mod oy;

#[path = "oracle/vectors.rs"]
mod vectors;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use ohyeah_core::packed::{
    BuildOptions, GraphError, GraphOptions, OpenError, PackedBuf, PackedScratch, Search, SearchError,
};
use ohyeah_core::{Metric, Packed};
use oy::{BLOCKS, LEAVES, Oy, section};
use vectors::{METRICS, vectors};

const N: usize = 90;
const D: usize = 6;

fn index(metric: Metric, seed: u64) -> Packed {
    let words: Vec<String> = (0..N).map(|at| format!("w{at:02}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let options = BuildOptions::new().leaves(4).keys(&words);
    Packed::build(metric, &vectors(N, D, seed), D, &options).unwrap()
}

/// Gives its first bytes so many times, and then the others.
struct Fickle<'a> {
    first: &'a [u8],
    then: &'a [u8],
    times: AtomicUsize,
}

impl AsRef<[u8]> for Fickle<'_> {
    fn as_ref(&self) -> &[u8] {
        let is_first = self.times.fetch_update(Relaxed, Relaxed, |times| times.checked_sub(1)).is_ok();
        if is_first { self.first } else { self.then }
    }
}

/// What an index answers whose storage gives other bytes after some calls; each question is asked of one that was just opened.
fn answers(first: &[u8], then: &[u8], times: usize) -> Vec<bool> {
    let storage = || Fickle { first, then, times: AtomicUsize::new(1 + times) };
    let open = || Packed::open(storage()).expect("opening asks once");
    let query = vec![0.25; D];
    let mut answers = Vec::new();
    for search in [
        Search::top(5),
        Search::top(70).recall(0.99),
        Search::top(5).probe(usize::MAX, usize::MAX),
        Search::top(5).exact(),
        Search::top(usize::MAX).within(0.5),
    ] {
        let (found, item) = (open().search(&query, &search), |id| {
            let index = open();
            index.search_item_in(&mut PackedScratch::new(), id, &search).map(<[_]>::to_vec)
        });
        let odd = open().search(&query, &search.filter(|id| id % 2 == 1));
        let many = open().search_many(&[&query, &query], &search).map(|found| found.concat());
        for answer in [found, odd, many, item(0), item(u32::MAX)] {
            if let Err(error) = &answer {
                let is_told = matches!(error, SearchError::Storage | SearchError::Damaged(_));
                assert!(is_told || matches!(error, SearchError::NoSuchItem { id: u32::MAX, .. }), "{error}");
            }
            answers.push(answer.is_ok());
        }
    }
    for options in [GraphOptions::top(3), GraphOptions::top(3).exact()] {
        let graph = open().graph(&options);
        assert!(matches!(graph, Ok(_) | Err(GraphError::Storage | GraphError::Damaged(_))));
        answers.push(graph.is_ok());
    }
    answers.push(open().verify().is_ok());
    answers.push(open().key(3).is_some());
    answers.push(open().vector(3).is_some());
    answers.push(open().id("w03").is_some());
    let (first, then) = (open(), open().as_bytes().len());
    assert!(then == first.storage().first.len() || then == first.storage().then.len());
    answers
}

#[test]
fn bytes_that_are_of_no_use_give_errors() {
    for metric in METRICS {
        let index = index(metric, 1);
        let bytes = index.as_bytes();
        let longer = PackedBuf::copy_of(&[bytes, &[0; 64]].concat());
        let mut shifted = PackedBuf::copy_of(&[&[0; 4], bytes].concat());
        let misaligned = &shifted.as_ref()[4..];
        let others: [&[u8]; 7] =
            [&[], &bytes[..8], &bytes[..64], &bytes[..544], &bytes[..bytes.len() - 1], longer.as_ref(), misaligned];
        for then in others {
            let answers = answers(bytes, then, 0);
            assert!(answers.iter().all(|is_answer| !is_answer), "{metric}: {} bytes", then.len());
            let index = || Packed::open(Fickle { first: bytes, then, times: AtomicUsize::new(1) }).unwrap();
            assert_eq!(index().search(&[0.5; D], &Search::top(3)), Err(SearchError::Storage));
            assert_eq!(index().graph(&GraphOptions::top(3)), Err(GraphError::Storage));
            assert!(index().verify().is_err());
            // Once more between one question's calls.
            for times in 1..4 {
                self::answers(bytes, then, times);
            }
        }
        shifted.as_mut().fill(0);
    }
}

/// As many bytes as there were, of another index or of none.
#[test]
fn other_bytes_give_errors_or_answers_about_them() {
    for metric in METRICS {
        let first = index(metric, 1);
        let bytes = first.as_bytes();
        let mut others = vec![PackedBuf::copy_of(&vec![0; bytes.len()]), PackedBuf::copy_of(&vec![0xff; bytes.len()])];
        for other in METRICS {
            let mut other = index(other, 2).as_bytes().to_vec();
            other.resize(bytes.len(), 0);
            others.push(PackedBuf::copy_of(&other));
        }
        // The same but for leaves that overlap, leave out, or reach beyond what there is.
        let file = Oy::of(bytes);
        let leaves = u32::from_le_bytes(file.header[LEAVES..LEAVES + 4].try_into().unwrap()) as usize;
        let blocks = u32::from_le_bytes(file.header[BLOCKS..BLOCKS + 4].try_into().unwrap());
        for wrong in [0, 1, blocks, u32::MAX] {
            for at in 0..2 * (leaves + 1) {
                others.push(PackedBuf::copy_of(&file.with_u32(section::LEAVES, at, wrong).bytes()));
            }
        }
        for place in leaves..16 {
            for bias in [0.0, f32::INFINITY, f32::NAN] {
                others.push(PackedBuf::copy_of(&file.with_f32(section::CENTROID_BIASES, place, bias).bytes()));
            }
        }
        for then in &others {
            for times in 0..3 {
                answers(bytes, then.as_ref(), times);
            }
        }
        // Bytes that say the same are as good, wherever they lie.
        let copy = PackedBuf::copy_of(bytes);
        let same = answers(bytes, copy.as_ref(), 0);
        // All but those of the item that there is not.
        assert_eq!(same.iter().filter(|is_answer| !*is_answer).count(), 5);
    }
}

/// The length of the file of one vector of four numbers.
const LENGTH: usize = 8192;

/// Keeps its bytes within itself, from some place on, so that they move with it.
#[derive(Clone)]
struct Inline {
    bytes: [u8; LENGTH + 8],
    start: usize,
}

impl AsRef<[u8]> for Inline {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + LENGTH]
    }
}

/// Arrays lie where their owner does: as long as that suits, they serve, and where it does not, that is told.
#[test]
fn an_array_may_move() {
    let one = Packed::build(Metric::Dot, &[1.5; 4], 4, &BuildOptions::new()).unwrap();
    let mut opened = 0;
    // What is opened lies where the argument does; later it lies within the index. One place in eight suits each of them.
    for start in 0..8 {
        let mut storage = Inline { bytes: [0; LENGTH + 8], start };
        storage.bytes[start..start + LENGTH].copy_from_slice(one.as_bytes());
        let Ok(index) = Packed::open(storage) else { continue };
        opened += 1;
        let index = Box::new(index);
        let is_aligned = index.as_bytes().as_ptr().align_offset(8) == 0;
        let found = index.search(&[1.0; 4], &Search::top(1));
        if is_aligned {
            assert_eq!(found.unwrap()[0].distance, 6.0);
        } else {
            assert_eq!(found, Err(SearchError::Storage));
            assert_eq!(index.graph(&GraphOptions::top(1)), Err(GraphError::Storage));
            assert_eq!(index.verify(), Err(OpenError::Storage));
        }
        assert_eq!(index.vector(0).is_some(), is_aligned);
    }
    assert!(opened > 0, "one place in eight suits");
    // The same for bare arrays, wherever the compiler puts them.
    let bytes: [u8; LENGTH] = one.as_bytes().try_into().unwrap();
    if let Ok(index) = Packed::open(bytes) {
        let index = Box::new(index);
        let found = index.search(&[1.0; 4], &Search::top(1));
        assert!(matches!(found, Ok(_) | Err(SearchError::Storage)));
    }
}

#[test]
fn a_misaligned_buffer_is_told_what_to_do() {
    let bytes = [&[0], index(Metric::Angular, 1).as_bytes()].concat();
    let aligned = bytes.as_ptr().align_offset(8);
    let misaligned = PackedBuf::copy_of(&bytes);
    let misaligned = &misaligned.as_ref()[1..];
    let error = Packed::open(misaligned).unwrap_err();
    assert_eq!(error, OpenError::Unaligned);
    assert!(error.to_string().contains("PackedBuf::copy_of"), "{error} ({aligned})");
    let copy = Packed::open(PackedBuf::copy_of(misaligned)).unwrap();
    assert_eq!(copy.verify(), Ok(()));
    assert_eq!(copy.key(89), Some("w89"));
    // It may be moved and cloned.
    let moved = [copy.clone(), copy];
    assert!(moved.iter().all(|index| index.search(&[0.5; D], &Search::top(3)).is_ok_and(|found| found.len() == 3)));
}

/// A storage whose clones give other bytes, in the same memory as long as nobody else takes it.
struct Changed {
    bytes: PackedBuf,
    of_clones: Arc<Vec<u8>>,
}

impl AsRef<[u8]> for Changed {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Clone for Changed {
    fn clone(&self) -> Self {
        Self { bytes: PackedBuf::copy_of(&self.of_clones), of_clones: Arc::clone(&self.of_clones) }
    }
}

#[test]
fn a_clone_is_looked_at_anew_even_where_the_first_one_lay() {
    for metric in METRICS {
        let index = index(metric, 1);
        let mut bad = index.as_bytes().to_vec();
        // The first leaf claims all rows and no block.
        let place = oy::place(&bad, section::LEAVES);
        for (leaf, entry) in bad[place].chunks_exact_mut(8).enumerate() {
            entry[..4].copy_from_slice(&(if leaf == 0 { 0 } else { index.len() as u32 }).to_le_bytes());
            entry[4..].fill(0);
        }
        let storage = Changed { bytes: PackedBuf::copy_of(index.as_bytes()), of_clones: Arc::new(bad) };
        let first = Packed::open(storage).unwrap();
        let address = first.as_bytes().as_ptr();
        let clone = first.clone();
        drop(first);
        let mut kept = Vec::new();
        for _ in 0..200 {
            let again = clone.clone();
            assert_eq!(again.search(&[0.5; D], &Search::top(3)), Err(SearchError::Storage));
            let is_there = again.as_bytes().as_ptr() == address;
            kept.push(again);
            if is_there {
                break;
            }
        }
    }
}
