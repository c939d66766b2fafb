//! Vectors of bits: element `e` is bit `e % 64`, from the lowest, of word `e / 64`.

use alloc::vec;
use alloc::vec::Vec;

/// Bits in a word.
pub(crate) const WORD: usize = u64::BITS as usize;

/// How many words hold so many bits.
pub(crate) fn words(bits: usize) -> usize {
    bits.div_ceil(WORD)
}

/// One number a bit. A bit is set where the number is more than one half, as in Annoy.
pub(crate) fn pack(numbers: &[f32]) -> Vec<u64> {
    let mut packed = vec![0; words(numbers.len())];
    for (e, number) in numbers.iter().enumerate() {
        packed[e / WORD] |= u64::from(*number > 0.5) << (e % WORD);
    }
    packed
}

/// The first `dimensions` bits as numbers 0 and 1.
pub(crate) fn unpack(words: &[u64], dimensions: usize) -> Vec<f32> {
    let bits = words.iter().flat_map(|word| (0..WORD).map(move |bit| (word >> bit & 1) as f32));
    bits.take(dimensions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;
    use crate::error::VectorError;
    use crate::metric::Element;

    #[test]
    fn packs_from_the_lowest_bit() {
        let mut numbers = [0.0; 70];
        for e in [0, 3, 63, 64, 69] {
            numbers[e] = 1.0;
        }
        numbers[5] = 0.5;
        let words = pack(&numbers);
        assert_eq!(words, [1 << 63 | 0b1001, 0b10_0001]);
        numbers[5] = 0.0;
        assert_eq!(unpack(&words, 70), numbers);
        let check = |dimensions| u64::check(&words, dimensions, Backend::baseline());
        assert_eq!([check(70), check(69)], [Ok(()), Err(VectorError::SpareBits)]);
    }
}
