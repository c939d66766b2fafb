//! Vectors to test with: the real sample, and small sets with everything in them that is odd.

use std::fs;
use std::path::Path;

use ohyeah_core::forest::{BuildOptions, Items};
use ohyeah_core::{Distance, Element, Forest};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::brute::Rows;

/// A random number in −1..1.
pub(crate) fn uniform(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0
}

/// A random vector.
pub(crate) fn vector(rng: &mut impl Rng, dimensions: usize) -> Vec<f32> {
    (0..dimensions).map(|_| uniform(rng)).collect()
}

/// Vectors in clusters, with holes, duplicates and zero vectors.
pub(crate) fn odd_rows(seed: u64, ids: u32, dimensions: usize) -> Rows {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let centres: Vec<Vec<f32>> = (0..5).map(|_| vector(&mut rng, dimensions)).collect();
    let mut rows = Rows::new();
    for id in 0..ids {
        let row = match id % 17 {
            // A hole; but the last id is always there, so that the number of items is `ids`.
            5 if id + 1 != ids => continue,
            7 => vec![0.0; dimensions],
            11 if id > 20 => rows[&(id - 9)].clone(),
            _ => centres[id as usize % 5].iter().map(|x| x + 0.5 * uniform(&mut rng)).collect(),
        };
        rows.insert(id, row);
    }
    rows
}

/// The rows as a metric's items.
pub(crate) fn items<D: Distance>(rows: &Rows, dimensions: usize) -> Items<D> {
    let mut items = Items::new(dimensions).expect("dimensions");
    for (id, row) in rows {
        items.add(*id, &D::Element::from_numbers(row)).expect("a vector");
    }
    items
}

/// A forest of so many trees over the rows, of which there is one at least.
pub(crate) fn forest<D: Distance>(rows: &Rows, trees: usize) -> Forest<D> {
    let dimensions = rows.values().next().expect("a row").len();
    items::<D>(rows, dimensions).build(&BuildOptions::new().trees(trees)).expect("builds")
}

/// Every `step`-th row as a query.
pub(crate) fn queries<D: Distance>(rows: &Rows, step: usize) -> Vec<Vec<D::Element>> {
    rows.values().step_by(step).map(|row| D::Element::from_numbers(row).into_owned()).collect()
}

/// The first words of `data/glove-20k-100d.bin`: a line `words dimensions`, then for each word its name, a blank, and
/// little-endian numbers.
pub(crate) fn sample(words: u32) -> Rows {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/glove-20k-100d.bin");
    let file = fs::read(path).expect("the sample");
    let header = file.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    assert_eq!(&file[..header], b"20000 100\n");
    let mut rest = &file[header..];
    (0..words)
        .map(|id| {
            let name = rest.iter().position(|byte| *byte == b' ').expect("a word") + 1;
            let (numbers, after) = rest[name..].split_at(400);
            rest = after;
            (id, numbers.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
        })
        .collect()
}
