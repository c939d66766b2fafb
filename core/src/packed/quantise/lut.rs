//! A query's look-up table: its products with all codewords, as small integers whose sums are scores.
//!
//! Fast scan (André, Kermarrec, Le Scouarnec, "Cache locality is not enough", 2015): sixteen entries of a byte fit one register,
//! and one byte shuffle looks up those of a whole row of codes. Entries have six bits, so that four can be added in a byte.

use alloc::vec::Vec;

use super::subquantisation::{Codebooks, Dsub, KSUB, with_dsub};

/// The largest entry: four of them are added in a byte.
const MOST_ENTRY: f32 = 63.0;
/// Scores as integers stay below this, so that they fit 32 bits together with any sum.
const MOST_SCORE: f32 = (1 << 28) as f32;

/// The unit of a table of tiny products stays finite: it is no larger than this.
const MOST_UNIT: f32 = 1e30;

/// The look-up table of a query: its product with a residual is about the sum of entries / `unit` + `base`.
#[derive(Debug, Default)]
pub(crate) struct LookupTable {
    pub(crate) entries: Vec<[u8; KSUB]>,
    products: Vec<[f32; KSUB]>,
    /// The query, with zeros up to the end of the last piece.
    query: Vec<f32>,
    /// How many steps of an entry are a product of 1.
    pub(crate) unit: f32,
    /// What was taken away from all products: a product is about `sum / unit + base`.
    pub(crate) base: f32,
}

impl LookupTable {
    /// Computes the entries of a query. `greatest` bounds what sums are added to, and `biases` what is added to them, in terms of
    /// products.
    ///
    /// The least product with the words of each codebook becomes 0: what is taken away is the same for all rows.
    pub(crate) fn set(&mut self, query: &[f32], codebooks: Codebooks<'_>, greatest: f32, biases: f32) {
        self.query.clear();
        self.query.extend_from_slice(query);
        self.query.resize(codebooks.pieces.width(), 0.0);
        let (range, ranges) = with_dsub!(codebooks.pieces.dsub, |dsub| self.multiply(dsub, codebooks, biases));
        // An entry fits six bits, a sum with its bias sixteen though each entry may be rounded up, and a score its bits.
        let sums = f32::from(u16::MAX) - codebooks.len() as f32;
        self.unit = (MOST_ENTRY / range).min(sums / ranges).min(MOST_SCORE / greatest).min(MOST_UNIT);
        self.entries.clear();
        for products in &self.products {
            self.entries.push(products.map(|product| (product * self.unit + 0.5).min(MOST_ENTRY) as u8));
        }
    }

    /// Computes the products with all codewords, less the least of each subquantiser, and their base. Returns the greatest, and
    /// the biases plus the greatest of each.
    fn multiply<D: Dsub>(&mut self, dsub: D, codebooks: Codebooks<'_>, biases: f32) -> (f32, f32) {
        self.products.clear();
        self.base = 0.0;
        let (mut range, mut ranges) = (0.0_f32, biases);
        let books = codebooks.numbers.chunks_exact(dsub.get());
        for (words, piece) in books.zip(self.query.chunks_exact(dsub.get())) {
            let mut products = [0.0; KSUB];
            for (words, x) in words.iter().zip(piece) {
                for (product, word) in products.iter_mut().zip(words) {
                    *product += x * word;
                }
            }
            let least = minimum(&products);
            self.base += least;
            for product in &mut products {
                *product -= least;
            }
            let most = -minimum(&products.map(|product| -product));
            (range, ranges) = (range.max(most), ranges + most);
            self.products.push(products);
        }
        (range, ranges)
    }
}

fn minimum(numbers: &[f32; KSUB]) -> f32 {
    // By halves: one after the other they would wait for each other.
    let mut numbers = *numbers;
    let mut width = KSUB;
    while width > 1 {
        width /= 2;
        for at in 0..width {
            numbers[at] = if numbers[at + width] < numbers[at] { numbers[at + width] } else { numbers[at] };
        }
    }
    numbers[0]
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::packed::quantise::subquantisation::Subquantisation;

    /// A sum of entries is the product of the query with what the codes stand for, but for a constant and rounding.
    #[test]
    fn sums_of_entries_are_products() {
        for dsub in [2, 3, 4, 9] {
            check_sums(Subquantisation { count: 8, dsub });
        }
    }

    fn check_sums(pieces: Subquantisation) {
        let (dsub, number) = (pieces.dsub, |at: usize| ((at * 37 % 101) as f32 - 50.0) / 25.0);
        let mut numbers = vec![[0.0; KSUB]; pieces.width()];
        for (at, word) in numbers.as_flattened_mut().iter_mut().enumerate() {
            *word = number(at);
        }
        // The last piece goes beyond the query.
        let query: Vec<f32> = (0..pieces.width() - 1).map(|at| number(3 * at + 5)).collect();
        let mut lut = LookupTable::default();
        lut.set(&query, Codebooks { pieces, numbers: &numbers }, 10.0, 0.0);
        let both = |codes: &[usize; 8]| {
            let sum: u32 = codes.iter().zip(&lut.entries).map(|(code, entries)| u32::from(entries[*code])).sum();
            let each = query.iter().zip(&numbers).enumerate();
            let product: f64 = each.map(|(at, (x, words))| f64::from(*x) * f64::from(words[codes[at / dsub]])).sum();
            (f64::from(sum) / f64::from(lut.unit), product)
        };
        let (sum, product) = both(&[0; 8]);
        assert!((sum + f64::from(lut.base) - product).abs() * f64::from(lut.unit) <= 4.0 + 1e-3);
        for seed in 0..500 {
            let codes = core::array::from_fn(|at| (seed * 7 + at * seed * 3 + at) % KSUB);
            let (other_sum, other_product) = both(&codes);
            // Each of the eight entries of both sums is rounded by half a step.
            let error = ((other_sum - sum) - (other_product - product)).abs() * f64::from(lut.unit);
            assert!(error <= 8.0 + 1e-3, "{dsub} {codes:?}: {error}");
        }
        assert!(lut.entries.as_flattened().iter().all(|entry| *entry <= 63));
    }
}
