//! A query's table entries, and the sums that codes choose from them.

use alloc::vec::Vec;

use crate::packed::quantise::pq4::{Codebook, NUMBERS, WORDS};

/// The largest entry: four of them are added in a byte.
const MOST: f32 = 63.0;
/// Scores as integers stay below this, so that they fit 32 bits together with any sum.
const MOST_SCORE: f32 = (1 << 28) as f32;

/// Tables of next to nothing have no larger unit: it stays finite.
const MOST_UNIT: f32 = 1e30;

/// Table entries of a query: its product with a rest is about (sum + a constant) / `unit`.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) entries: Vec<[u8; WORDS]>,
    products: Vec<[f32; WORDS]>,
    /// How many steps of an entry are a product of 1.
    pub(crate) unit: f32,
}

impl Tables {
    /// Computes the entries of a query. `greatest` bounds what sums are added to, and `biases` what is added to them, in terms of
    /// products.
    ///
    /// The least product of each table becomes 0: what is taken away is the same for all rows.
    pub(crate) fn set(&mut self, query: &[f32], codebooks: &[Codebook], greatest: f32, biases: f32) {
        self.products.clear();
        self.entries.clear();
        let (mut range, mut ranges) = (0.0_f32, biases);
        for (table, words) in codebooks.iter().enumerate() {
            let number = |at: usize| query.get(NUMBERS * table + at).copied().unwrap_or(0.0);
            let (x, y) = (number(0), number(1));
            let mut products = [0.0; WORDS];
            for ((product, a), b) in products.iter_mut().zip(&words.0[0]).zip(&words.0[1]) {
                *product = x * a + y * b;
            }
            let least = minimum(&products);
            for product in &mut products {
                *product -= least;
            }
            let most = -minimum(&products.map(|product| -product));
            (range, ranges) = (range.max(most), ranges + most);
            self.products.push(products);
        }
        // An entry fits six bits, a sum with its bias sixteen though each entry may be rounded up, and a score its bits.
        let sums = f32::from(u16::MAX) - codebooks.len() as f32;
        self.unit = (MOST / range).min(sums / ranges).min(MOST_SCORE / greatest).min(MOST_UNIT);
        for products in &self.products {
            self.entries.push(products.map(|product| (product * self.unit + 0.5).min(MOST) as u8));
        }
    }
}

fn minimum(numbers: &[f32; WORDS]) -> f32 {
    // By halves: one after the other they would wait for each other.
    let mut numbers = *numbers;
    let mut width = WORDS;
    while width > 1 {
        width /= 2;
        for at in 0..width {
            numbers[at] = if numbers[at + width] < numbers[at] { numbers[at + width] } else { numbers[at] };
        }
    }
    numbers[0]
}
