//! Walking the bits that a kernel has set.

/// Calls `f` with the number of each mask and of each bit set in it, in order.
///
/// To be used by the packed index; its own copy goes when that is divided anew.
#[allow(dead_code, reason = "packed still uses its own copy; to be removed with it")]
#[inline]
pub(crate) fn each_bit(masks: &[u16], mut f: impl FnMut(usize, usize)) {
    // Most are empty: eight at a time are passed over.
    let any = |masks: &[u16]| masks.iter().fold(0, |any, mask| any | mask) != 0;
    for (eight, masks) in masks.chunks(8).enumerate().filter(|(_, masks)| any(masks)) {
        for (at, mask) in (8 * eight..).zip(masks) {
            let mut mask = *mask;
            while mask != 0 {
                f(at, mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn every_bit_comes_once_and_in_order() {
        // Empty eights, full masks, single bits at both ends, and lengths that are no multiple of eight.
        let mixed: Vec<u16> = (0..43_u16).map(|at| if at % 3 == 0 { at.wrapping_mul(40_503) } else { 0 }).collect();
        let sparse: Vec<u16> = (0..50).map(|at| if at == 20 { 0x8001 } else { 0 }).collect();
        for masks in [&[][..], &[0; 9], &[u16::MAX; 17], &[1], &[0x8000; 8], &mixed, &sparse] {
            let mut naive = Vec::new();
            for (at, mask) in masks.iter().enumerate() {
                for bit in 0..16 {
                    if mask >> bit & 1 == 1 {
                        naive.push((at, bit));
                    }
                }
            }
            let mut found = Vec::new();
            each_bit(masks, |at, bit| found.push((at, bit)));
            assert_eq!(found, naive);
        }
    }
}
