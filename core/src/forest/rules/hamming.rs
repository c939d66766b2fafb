//! Hamming: a split looks at one bit.

use rand_core::Rng;

use super::{Distance, Rules};
use crate::Backend;
use crate::forest::layout::{HammingHeader, NodeFormat, plain_item};
use crate::forest::node::{Nodes, Row};
use crate::forest::split::input::{SplitInput, SplitNode};
use crate::metric::{Hamming, Metric, bits};
use crate::rng::below;

impl Distance for Hamming {
    const METRIC: Metric = Metric::Hamming;
}

/// How many random bits are tried before all are, in order.
const RANDOM_BITS: usize = 20;

/// The bit at which a split node looks. Annoy counts them from the highest of the first word.
fn bit_of(vector: &[u64], position: u64) -> bool {
    let word = vector.get((position / bits::WORD as u64) as usize).copied().unwrap_or(0);
    word >> (bits::WORD as u64 - 1 - position % bits::WORD as u64) & 1 == 1
}

impl NodeFormat for Hamming {
    type Element = u64;
    type Header = HammingHeader;

    fn width(dimensions: usize) -> usize {
        bits::words(dimensions)
    }
}

impl Rules for Hamming {
    /// Priorities count down from here by one for each bit in which the query differs from the path.
    const ROOT_PRIORITY: f32 = 0.0;

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
        rows.map(|row| f32::from(u8::from(bit_of(row, position))))
    }

    fn side<R: Rng>(_: &mut R, margin: f32) -> bool {
        margin > 0.0
    }

    fn child_priorities(parent: f32, margin: f32) -> [f32; 2] {
        [parent - margin, parent - (1.0 - margin)]
    }

    /// Up to 20 random bits, then all in order, until one has items on both sides; padding bits are candidates too.
    fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>) {
        let bits = node.vector.len() * bits::WORD;
        let splits = |position: u64| {
            let mut sides =
                input.ids.iter().filter_map(|id| input.nodes.row(*id)).map(|row| bit_of(row.vector, position));
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
        split.vector.first().is_some_and(|position| *position < (split.vector.len() * bits::WORD) as u64)
    }
}
