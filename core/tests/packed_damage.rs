//! Packed indexes whose bytes were damaged or tampered with: an error or an answer, and nothing else.

#![allow(missing_docs)]

#[path = "oracle/packed.rs"]
mod tampered;

#[path = "oracle/vectors.rs"]
mod vectors;

use ohyeah_core::Packed;
use ohyeah_core::packed::BuildOptions;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use vectors::{METRICS, vectors};

#[test]
fn no_change_of_a_byte_does_harm() {
    let d = 6;
    let words: Vec<String> = (0..90).map(|at| format!("w{at}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for metric in METRICS {
        let items = vectors(90, d, 10);
        let options = BuildOptions::new().keys(&words).leaves(4);
        let index = Packed::build(metric, &items, d, &options).unwrap();
        let mut bytes = Aligned::new(index.as_bytes());
        let mut unnoticed = 0;
        // Every byte of header and table, where most is decided, and some of what follows: chance takes care of the others.
        for at in (0..544).chain((544..index.as_bytes().len()).step_by(13)) {
            let flip = if at % 2 == 0 { 0x80 } else { 0xff };
            bytes.as_mut()[at] ^= flip;
            tampered::ask(bytes.as_ref(), &items[..d]);
            if let Ok(index) = Packed::open(bytes.as_ref()) {
                unnoticed += usize::from(index.verify().is_ok());
            }
            bytes.as_mut()[at] ^= flip;
        }
        assert_eq!(unnoticed, 0, "every byte is under a checksum, or zero by a rule");
        for length in (0..index.as_bytes().len()).step_by(7) {
            assert!(Packed::open(&bytes.as_ref()[..length]).is_err());
        }
    }
}

/// Bytes at an address that an index can lie at.
struct Aligned {
    words: Vec<u64>,
    length: usize,
}

impl Aligned {
    fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    fn as_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }
}

#[test]
fn no_tampering_does_harm() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    for _ in 0..2000 {
        let length = 1 + 4 * (rng.next_u32() as usize % 40);
        let changes: Vec<u8> = (0..length).map(|_| rng.next_u32() as u8).collect();
        tampered::tampered(&changes);
    }
}
