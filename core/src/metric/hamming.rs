use alloc::vec;
use alloc::vec::Vec;

use rand_core::Rng;

use super::{Distance, Metric};
use crate::Backend;
use crate::forest::node::{HammingHeader, Nodes, Row, plain_item};
use crate::forest::rules::Rules;
use crate::forest::split::{SplitInput, SplitNode};
use crate::rng::below;

/// The number of differing bits. Vectors are `u64` words: element `e` is bit `e % 64`, from the lowest, of word `e / 64`,
/// and the bits beyond the last element are zero; [`Hamming::pack`] makes them.
#[derive(Clone, Copy, Debug)]
pub enum Hamming {}

impl Distance for Hamming {
    const METRIC: Metric = Metric::Hamming;
}

const BITS: usize = u64::BITS as usize;
/// How many random bits are tried before all are, in order.
const RANDOM_BITS: usize = 20;

impl Hamming {
    /// Packs one number a bit into words, as Annoy does: a bit is set where the number is more than one half.
    #[must_use]
    pub fn pack(numbers: &[f32]) -> Vec<u64> {
        let mut words = vec![0; numbers.len().div_ceil(BITS)];
        for (e, number) in numbers.iter().enumerate() {
            words[e / BITS] |= u64::from(*number > 0.5) << (e % BITS);
        }
        words
    }

    /// The first `dimensions` bits as numbers 0 and 1.
    #[must_use]
    pub fn unpack(words: &[u64], dimensions: usize) -> Vec<f32> {
        let bits = words.iter().flat_map(|word| (0..BITS).map(move |bit| (word >> bit & 1) as f32));
        bits.take(dimensions).collect()
    }
}

/// The bit at which a split node looks. Annoy counts them from the highest of the first word.
fn bit(vector: &[u64], position: u64) -> bool {
    let word = vector.get((position / BITS as u64) as usize).copied().unwrap_or(0);
    word >> (BITS as u64 - 1 - position % BITS as u64) & 1 == 1
}

impl Rules for Hamming {
    type Element = u64;
    type Header = HammingHeader;

    /// Priorities count down from here by one for each bit in which the query differs from the path.
    const ROOT_PRIORITY: f32 = 0.0;

    fn width(dimensions: usize) -> usize {
        dimensions.div_ceil(BITS)
    }

    fn item_header(_: Backend, _: &[u64]) -> HammingHeader {
        plain_item()
    }

    fn distances<const N: usize>(backend: Backend, from: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N] {
        rows.each_ref().map(|row| backend.hamming(from.vector, row.vector) as f32)
    }

    fn reported(distance: f32) -> f32 {
        distance
    }

    fn margins<const N: usize>(_: Backend, split: Row<'_, Self>, rows: [&[u64]; N]) -> [f32; N] {
        let position = split.vector.first().copied().unwrap_or(0);
        rows.map(|row| f32::from(u8::from(bit(row, position))))
    }

    fn side<R: Rng>(_: &mut R, margin: f32) -> bool {
        margin > 0.0
    }

    fn child_priorities(parent: f32, margin: f32) -> [f32; 2] {
        [parent - margin, parent - (1.0 - margin)]
    }

    /// Up to 20 random bits, then all in order, until one has items on both sides; padding bits are candidates too.
    fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>) {
        let bits = node.vector.len() * BITS;
        let splits = |position: u64| {
            let mut sides = input.ids.iter().filter_map(|id| input.nodes.row(*id)).map(|row| bit(row.vector, position));
            let first = sides.next();
            sides.any(|side| Some(side) != first)
        };
        let mut position = 0;
        for _ in 0..RANDOM_BITS {
            position = below(rng, bits).unwrap_or(0) as u64;
            if splits(position) {
                break;
            }
        }
        if !splits(position) {
            position = (0..bits as u64).find(|position| splits(*position)).unwrap_or(bits as u64 - 1);
        }
        node.vector.fill(0);
        node.vector[0] = position;
    }

    fn check_split(split: Row<'_, Self>, _: Nodes<'_, Self>) -> bool {
        split.vector.first().is_some_and(|position| *position < (split.vector.len() * BITS) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::VectorError;
    use crate::metric::Element;

    #[test]
    fn packs_from_the_lowest_bit() {
        let mut numbers = [0.0; 70];
        for e in [0, 3, 63, 64, 69] {
            numbers[e] = 1.0;
        }
        numbers[5] = 0.5;
        let words = Hamming::pack(&numbers);
        assert_eq!(words, [1 << 63 | 0b1001, 0b10_0001]);
        numbers[5] = 0.0;
        assert_eq!(Hamming::unpack(&words, 70), numbers);
        let check = |dimensions| u64::check(&words, dimensions, Backend::baseline());
        assert_eq!([check(70), check(69)], [Ok(()), Err(VectorError::SpareBits)]);
    }
}
