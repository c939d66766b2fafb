//! The best few of many.

use std::{cmp::Ordering, collections::BinaryHeap};

use super::SimilarWord;

/// Orders by how good an answer is: the greatest is the worst, so that a heap has it on top.
#[derive(Clone, Copy, Debug)]
struct Ranked(SimilarWord);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cosine.total_cmp(&self.0.cosine).then(self.0.id.cmp(&other.0.id))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// Keeps the best `n` of the neighbours pushed: the highest cosine, and the lower row where cosines are equal. That is a
/// total order, so which ones stay does not depend on the order of the pushes.
#[derive(Clone, Debug)]
pub(super) struct Top {
    n: usize,
    heap: BinaryHeap<Ranked>,
}

impl Top {
    pub(super) fn new(n: usize) -> Self {
        // `n` may be "all of them"; the heap grows only as far as there are rows.
        Self { n, heap: BinaryHeap::new() }
    }

    pub(super) fn push(&mut self, neighbour: SimilarWord) {
        let ranked = Ranked(neighbour);
        if self.heap.len() < self.n {
            self.heap.push(ranked);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && ranked < *worst
        {
            *worst = ranked;
        }
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|ranked| self.push(ranked.0));
        self
    }

    /// The best first.
    pub(super) fn into_sorted(self) -> Vec<SimilarWord> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }
}
