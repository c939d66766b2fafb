//! Rows with those of their best leaves.
//!
//! Asking for each row would read thousands of others for it alone. Here the rows of a few leaves ask together: each of the
//! leaves that are among their best is read once, and multiplied, as tiles of bytes, with the rows that ask for it. What a row
//! meets in this way is told of it too: a neighbour that one of two misses, the other mostly finds. (Measured on 340,000 GloVe
//! vectors in 2,134 leaves: for recall .95 of the 15 nearest 43 leaves a row are enough, where each for itself has to ask 77.)

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use crate::Backend;
use crate::error::PackedError;
use crate::packed::file::view::View;
use crate::packed::graph::symmetric::{Candidates, Groups, Lists, Meeting, Probe, Probes, TOGETHER, compare_all};
use crate::packed::options::KnnOptions;
use crate::packed::quantise::sq7::tile_width;
use crate::packed::search::best_leaves;
use crate::packed::truth::batch::Tiles;
use crate::packed::truth::error_bound::Measure;
use crate::parallel::{self, Join};
use crate::simd::TILE_ROWS;

/// Leaves that ask together: neighbours, which ask for the same leaves.
const GROUP: usize = 16;
/// Rows for which leaves are ranked together.
const RANKED: usize = 48;

/// Which rows of a group ask for which leaf.
struct Asks {
    /// Where those that ask for each leaf begin, and the end.
    starts: Vec<u32>,
    /// Places in the group.
    places: Vec<u32>,
}

impl Asks {
    fn for_leaf(&self, leaf: usize) -> &[u32] {
        &self.places[self.starts[leaf] as usize..self.starts[leaf + 1] as usize]
    }
}

pub(crate) struct Near<'a> {
    view: &'a View<'a>,
    tiles: &'a Tiles,
    backend: Backend,
    options: &'a KnnOptions<'a>,
    probes: Probes,
    asks: Vec<Asks>,
    /// Pairs of groups that are done.
    done: AtomicUsize,
}

impl<'a> Near<'a> {
    /// Each row asks for its best `leaves`.
    pub(crate) fn new<J: Join>(
        view: &'a View<'a>,
        tiles: &'a Tiles,
        measure: &Measure<'_>,
        backend: Backend,
        options: &'a KnnOptions<'a>,
        leaves: usize,
    ) -> Self {
        let probes = Probes::new::<J>(view, measure);
        let groups = view.shape.leaves.div_ceil(GROUP);
        let mut near = Self { view, tiles, backend, options, probes, asks: Vec::new(), done: AtomicUsize::new(0) };
        near.asks = parallel::map::<J, _>(0..groups, &|group| near.asks_of(group, leaves));
        near
    }

    /// The best of what rows meet, at least `keep` of each where they meet as many.
    pub(crate) fn candidates<J: Join>(&self, keep: usize) -> Result<Candidates, PackedError> {
        self.done.store(0, Relaxed);
        let mut candidates = Candidates::new(self.view.shape.rows, keep)?;
        compare_all::<J>(self, 0..self.asks.len(), candidates.lists());
        self.options.cancel.check()?;
        Ok(candidates)
    }

    fn leaves_of(&self, group: usize) -> Range<usize> {
        group * GROUP..self.view.shape.leaves.min((group + 1) * GROUP)
    }

    fn rows_of(&self, group: usize) -> Range<usize> {
        self.start(group)..self.start(group + 1)
    }

    fn asks_of(&self, group: usize, leaves: usize) -> Asks {
        let (rows, width) = (self.rows_of(group), tile_width(self.view.shape.dimensions));
        let mut asked = Vec::new();
        // What is missing then is not missed: the candidates are not asked for.
        let rows = if self.options.cancel.is_set() { 0..0 } else { rows };
        let biases = self.view.centroid_biases.as_chunks::<TILE_ROWS>().0;
        let mut scores = vec![vec![[0.0; TILE_ROWS]; biases.len()]; RANKED];
        let (mut sums, mut keys) = ([[0; TILE_ROWS]; RANKED], Vec::new());
        for first in rows.clone().step_by(RANKED) {
            let some = first..rows.end.min(first + RANKED);
            let codes = self.probes.codes(some.clone());
            for (number, (tile, biases)) in self.view.centroids.chunks_exact(width).zip(biases).enumerate() {
                self.backend.tile_u7(codes, tile, &mut sums);
                for ((scores, sums), row) in scores.iter_mut().zip(&sums).zip(some.clone()) {
                    let Probe { step, scale, .. } = self.probes.of(row);
                    for ((score, sum), bias) in scores[number].iter_mut().zip(sums).zip(biases) {
                        *score = step * *sum as f32 + scale * bias;
                    }
                }
            }
            for (place, scores) in (first - rows.start..).zip(&scores[..some.len()]) {
                best_leaves(scores, leaves, &mut keys);
                asked.extend(keys.iter().map(|key| (*key as u32, place as u32)));
            }
        }
        // A counting sort by leaf.
        let mut starts = vec![0; self.view.shape.leaves + 1];
        for (leaf, _) in &asked {
            starts[*leaf as usize + 1] += 1;
        }
        for leaf in 0..self.view.shape.leaves {
            starts[leaf + 1] += starts[leaf];
        }
        let (mut next, mut places) = (starts.clone(), vec![0; asked.len()]);
        for (leaf, place) in asked {
            let at = &mut next[leaf as usize];
            places[*at as usize] = place;
            *at += 1;
        }
        Asks { starts, places }
    }

    /// Which rows of group `b` ask for which leaf of group `a`: a bit for each row, leaf by leaf.
    fn asked_back(&self, a: usize, b: usize) -> Asked {
        let words = self.rows_of(b).len().div_ceil(64);
        let mut bits = vec![0; words * GROUP];
        for (bits, leaf) in bits.chunks_mut(words.max(1)).zip(self.leaves_of(a)) {
            for place in self.asks[b].for_leaf(leaf) {
                bits[*place as usize / 64] |= 1_u64 << (place % 64);
            }
        }
        Asked { bits, words }
    }

    /// Compares the rows of group `a` with those that they ask for in group `b`.
    fn ask(&self, a: usize, of_a: &mut Lists<'_>, b: usize, mut of_b: Option<&mut Lists<'_>>) {
        let leaves = self.leaves_of(b);
        let asks = &self.asks[a];
        if asks.starts[leaves.start] == asks.starts[leaves.end] {
            return;
        }
        let asked_back = self.asked_back(a, b);
        let mut few = Few::new();
        for leaf in leaves {
            for places in asks.for_leaf(leaf).chunks(TOGETHER) {
                few.take(self, a, of_a, places);
                self.meet(&mut few, (a, &mut *of_a), (b, of_b.as_deref_mut()), leaf, &asked_back);
            }
        }
    }

    /// Lets some rows of group `a` meet the rows of a leaf, which is one of group `b`.
    fn meet(
        &self,
        few: &mut Few,
        (a, of_a): (usize, &mut Lists<'_>),
        (b, mut of_b): (usize, Option<&mut Lists<'_>>),
        leaf: usize,
        asked_back: &Asked,
    ) {
        let (a_start, b_start) = (self.start(a), self.start(b));
        let Few { codes, places, leaves, meeting } = few;
        let rows = self.view.leaf_rows(leaf as u32);
        for (first, tile) in rows.clone().step_by(TILE_ROWS).zip(self.tiles.of(leaf)) {
            meeting.hear(self.backend, codes, tile, |at, lane, score| {
                let (place, other) = (places[at] as usize, first + lane as u32);
                let base = self.probes.of(a_start + place).base;
                if other as usize != a_start + place {
                    of_a.push(place, score + base, other);
                }
                of_a.limits[place] - base
            });
            // Where one of two asks for the other, both hear of it.
            let mut lists = of_b.as_deref_mut().map_or_else(|| of_a.all(), Lists::all);
            let first_place = first as usize - b_start;
            let count = ((rows.end - first) as usize).min(TILE_ROWS);
            let limits: [f32; TILE_ROWS] =
                core::array::from_fn(
                    |lane| if lane < count { lists.limits[first_place + lane] } else { f32::INFINITY },
                );
            meeting.tell(self.backend, &limits, |at, lane, score| {
                let (row, place) = (a_start + places[at] as usize, first_place + lane);
                // Who asks for itself is not told.
                if row != b_start + place && !asked_back.by(place, leaves[at]) {
                    lists.push(place, score, row as u32);
                }
            });
        }
    }
}

impl Groups for Near<'_> {
    fn start(&self, group: usize) -> usize {
        self.view.leaves[self.leaves_of(group).start.min(self.view.shape.leaves)].row as usize
    }

    fn compare(&self, a: usize, of_a: &mut Lists<'_>, b: usize, of_b: Option<&mut Lists<'_>>) {
        let groups = self.asks.len();
        let done = self.done.fetch_add(1, Relaxed);
        if done.is_multiple_of(256) {
            self.options.tell(0.3..0.9, done, groups * (groups + 1) / 2);
        }
        if self.options.cancel.is_set() {
            return;
        }
        match of_b {
            None => self.ask(a, of_a, b, None),
            Some(of_b) => {
                self.ask(a, of_a, b, Some(of_b));
                self.ask(b, of_b, a, Some(of_a));
            }
        }
    }
}

/// Which rows ask for which of a few leaves.
struct Asked {
    bits: Vec<u64>,
    words: usize,
}

impl Asked {
    #[inline]
    fn by(&self, place: usize, leaf: u8) -> bool {
        self.bits[usize::from(leaf) * self.words + place / 64] >> (place % 64) & 1 == 1
    }
}

/// Some of the rows of a group, side by side.
struct Few {
    codes: Vec<i8>,
    places: Vec<u32>,
    /// The leaf of each, counted from the group's first.
    leaves: Vec<u8>,
    meeting: Meeting,
}

impl Few {
    const fn new() -> Self {
        Self { codes: Vec::new(), places: Vec::new(), leaves: Vec::new(), meeting: Meeting::new() }
    }

    fn take(&mut self, near: &Near<'_>, group: usize, lists: &Lists<'_>, places: &[u32]) {
        self.codes.clear();
        self.leaves.clear();
        self.meeting.clear();
        self.places.clear();
        self.places.extend_from_slice(places);
        let (start, leaves) = (near.start(group), near.leaves_of(group));
        let starts = &near.view.leaves[leaves];
        for place in places.iter().map(|place| *place as usize) {
            let row = start + place;
            self.codes.extend_from_slice(near.probes.codes(row..row + 1));
            self.meeting.add(near.probes.of(row), lists.limits[place]);
            self.leaves.push((starts.iter().filter(|start| start.row as usize <= row).count() - 1) as u8);
        }
    }
}
