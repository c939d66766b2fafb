//! Searching: leaves, codes, bytes, floats, each for the few that the one before left.

pub(crate) mod reservoir;

use alloc::vec::Vec;

use crate::filter::Filter;
use crate::packed::file::view::{View, row_bias};
use crate::packed::quantise::full::{Exact, reported};
use crate::packed::quantise::lut::Tables;
use crate::packed::quantise::sq7::{Probe, tile_width};
use crate::packed::search::reservoir::Reservoir;
use crate::packed::train::source::see;
use crate::packed::tune::list_bias::scale;
use crate::simd::{SCAN_ROWS, TILE_ROWS, prefetch, prefetch_lines};
use crate::top_k::{TopK, key, split_key};
use crate::{Backend, Neighbour};

/// How hard to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    /// Leaves whose codes are scanned.
    pub(crate) leaves: usize,
    /// Candidates that are compared as bytes.
    pub(crate) candidates: usize,
    /// Those of them that are compared in full.
    pub(crate) finalists: usize,
}

impl Effort {
    pub(crate) const ALL: Self = Self { leaves: usize::MAX, candidates: usize::MAX, finalists: usize::MAX };
}

/// Room for a search. A search that has had one before, for the same index and as many answers, allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The query as it was given, and as the index sees it.
    given: Vec<f32>,
    query: Vec<f32>,
    /// What biases of leaves are multiplied with.
    scale: f32,
    probe: Probe,
    tables: Tables,
    /// The score of each leaf.
    scores: Vec<[f32; TILE_ROWS]>,
    keys: Vec<u64>,
    /// Leaves to be scanned: the product with the centroid, and the leaf.
    scan: Vec<(f32, u32)>,
    pub(crate) sums: Vec<[u16; SCAN_ROWS]>,
    /// Which rows of a leaf may be among the best, a bit each.
    pub(crate) masks: Vec<u32>,
    reservoir: Reservoir,
    near: TopK,
    rows: Vec<u32>,
    nearest: TopK,
    found: Vec<Neighbour>,
}

impl Scratch {
    /// Empty room: it grows with the first search.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a query as it was given.
    pub(crate) fn set_query(&mut self, view: &View<'_>, query: &[f32]) {
        self.given.clear();
        self.given.extend_from_slice(query);
        self.query.clear();
        self.query.extend_from_slice(query);
        see(view.shape.metric, view.origin, &mut self.query);
        self.scale = scale(view.shape.metric, &self.query);
    }

    /// Takes a row as the query.
    pub(crate) fn set_row(&mut self, view: &View<'_>, row: u32) {
        self.set_query(view, view.vector(row).unwrap_or(&[]));
    }

    /// Makes room for a search, so that the next like it allocates nothing.
    fn reserve(&mut self, view: &View<'_>, n: usize, candidates: usize, leaves: usize) {
        let groups = view.centroid_biases.len() / TILE_ROWS;
        if self.scores.capacity() < groups {
            self.scores.reserve(groups);
            // The largest leaf: looked for once for an index, or for one that is larger.
            let blocks = view.leaves.windows(2).map(|pair| (pair[1].block - pair[0].block) as usize).max();
            let blocks = self.sums.len().max(blocks.unwrap_or(0));
            self.sums.resize(blocks, [0; SCAN_ROWS]);
            self.masks.resize(blocks, 0);
        }
        // For as many as there are, `reserve` does nothing.
        self.scores.clear();
        self.keys.clear();
        self.keys.reserve(groups * TILE_ROWS);
        self.scan.clear();
        self.scan.reserve(leaves);
        self.rows.clear();
        self.rows.reserve(candidates + 1);
        self.found.clear();
        self.found.reserve(n);
        self.reservoir.keys.clear();
        self.reservoir.keys.reserve(candidates.saturating_mul(8).saturating_add(1024).min(view.shape.rows));
    }

    /// Ranks all leaves for the query that was set, best first, and makes ready to scan them.
    pub(crate) fn begin_with_all_leaves(&mut self, view: &View<'_>, backend: Backend) -> Vec<(f32, u32)> {
        self.probe.set(&self.query, view.grid);
        self.rank_leaves(view, backend, view.shape.leaves);
        let leaves = core::mem::take(&mut self.scan);
        self.prepare_tables(view, &leaves);
        leaves
    }

    /// The `n` nearest that the filter allows, for the query that was set.
    pub(crate) fn search<F: Filter>(
        &mut self,
        view: &View<'_>,
        backend: Backend,
        n: usize,
        effort: Effort,
        filter: &F,
    ) {
        let candidates = effort.candidates.max(n).min(view.shape.rows);
        let mut leaves = effort.leaves.clamp(1, view.shape.leaves.max(1));
        self.reserve(view, n, candidates, leaves);
        self.probe.set(&self.query, view.grid);
        loop {
            self.rank_leaves(view, backend, leaves);
            self.scan_codes(view, backend, candidates, filter);
            if leaves >= view.shape.leaves || self.reservoir.keys.len() >= candidates {
                break;
            }
            // The filter leaves too few: look further.
            leaves = leaves.saturating_mul(4);
        }
        self.rows.clear();
        self.rows.extend(self.reservoir.keys.iter().map(|key| *key as u32));
        if effort.finalists < self.rows.len() {
            self.compare_bytes(view, backend, effort.finalists.max(n));
        }
        self.compare_vectors(view, backend, n);
    }

    /// What the last search has found.
    pub(crate) fn found(&self) -> &[Neighbour] {
        &self.found
    }

    /// Chooses the leaves with the best centroids, best first.
    fn rank_leaves(&mut self, view: &View<'_>, backend: Backend, leaves: usize) {
        self.score_leaves(view, backend);
        let Self { scores, keys, scan, scale, .. } = self;
        best_leaves(scores, leaves, keys);
        keys.sort_unstable();
        scan.clear();
        scan.extend(keys.iter().map(|key| {
            let (distance, leaf) = split_key(*key);
            let bias = view.centroid_biases.get(leaf as usize).copied().unwrap_or(0.0);
            (-distance - *scale * bias, leaf)
        }));
    }

    /// Compares the query with all centroids.
    fn score_leaves(&mut self, view: &View<'_>, backend: Backend) {
        let Self { probe, scores, scale, .. } = self;
        let width = tile_width(view.shape.dimensions);
        let biases = view.centroid_biases.as_chunks::<TILE_ROWS>().0;
        scores.clear();
        for (tile, biases) in view.centroids.chunks_exact(width).zip(biases) {
            let mut sums = [[0; TILE_ROWS]];
            backend.tile_u7(&probe.codes, tile, &mut sums);
            let mut of_tile = [0.0; TILE_ROWS];
            for ((score, sum), bias) in of_tile.iter_mut().zip(&sums[0]).zip(biases) {
                *score = probe.step * *sum as f32 + *scale * bias;
            }
            scores.push(of_tile);
        }
    }

    /// The score of each leaf for the query that was set, and what biases were multiplied with.
    pub(crate) fn leaf_scores(&mut self, view: &View<'_>, backend: Backend) -> (&[f32], f32) {
        self.probe.set(&self.query, view.grid);
        self.score_leaves(view, backend);
        (self.scores.as_flattened(), self.scale)
    }

    /// How many leaves are better than a leaf for the query that was set.
    pub(crate) fn rank_of(&mut self, view: &View<'_>, backend: Backend, leaf: u32) -> usize {
        let (scores, _) = self.leaf_scores(view, backend);
        let own = scores.get(leaf as usize).copied().unwrap_or(f32::NEG_INFINITY);
        scores.iter().filter(|score| **score > own).count()
    }

    /// Computes the table entries with which some leaves are scanned.
    fn prepare_tables(&mut self, view: &View<'_>, leaves: &[(f32, u32)]) {
        let greatest = leaves.iter().fold(0.0_f32, |most, (product, _)| most.max(product.abs()));
        let biases = leaves.iter().filter_map(|(_, leaf)| view.leaf_biases.get(*leaf as usize));
        let (low, wide) = biases.fold((0.0_f32, 0.0_f32), |(low, wide), [least, step]| {
            (low.max(least.abs()), wide.max(step * f32::from(u16::MAX)))
        });
        self.tables.set(&self.query, view.codebooks, greatest + low + wide, wide);
    }

    /// Adds up the codes of a leaf; returns what is to be added to each sum.
    #[inline]
    pub(crate) fn scan_leaf(&mut self, view: &View<'_>, backend: Backend, product: f32, leaf: u32) -> i32 {
        let Self { tables, sums, masks, .. } = self;
        let codes = codes_of(view, leaf);
        let blocks = codes.len() / (tables.entries.len() / 2);
        if sums.len() < blocks {
            sums.resize(blocks, [0; SCAN_ROWS]);
            masks.resize(blocks, 0);
        }
        let sums = &mut sums[..blocks];
        backend.scan_4bit(codes, &tables.entries, sums);
        let base = (product * tables.unit) as i32;
        if view.leaf_biases.is_empty() { base } else { add_biases(view, leaf, tables.unit, sums, base) }
    }

    /// Scans the codes of the leaves and keeps the best rows.
    fn scan_codes<F: Filter>(&mut self, view: &View<'_>, backend: Backend, candidates: usize, filter: &F) {
        let scan = core::mem::take(&mut self.scan);
        self.prepare_tables(view, &scan);
        // What a query's sums in the first leaf, which is the best, can be.
        let most = self.tables.entries.iter().flatten().fold(0, |most, entry| most.max(i32::from(*entry)));
        let first = scan.first().map_or(0, |(product, _)| (product * self.tables.unit) as i32);
        self.reservoir.reset(candidates, first, most.saturating_mul(view.codebooks.len() as i32) * 2);
        for (at, (product, leaf)) in scan.iter().enumerate() {
            if let Some((_, next)) = scan.get(at + 1) {
                prefetch_lines(codes_of(view, *next), usize::MAX);
            }
            let base = self.scan_leaf(view, backend, *product, *leaf);
            let rows = view.leaf_rows(*leaf);
            let Self { sums, masks, reservoir, .. } = self;
            let (sums, masks) = (&sums[..rows.len().div_ceil(SCAN_ROWS)], &mut masks[..]);
            let Ok(limit) = u16::try_from(reservoir.limit.saturating_sub(base).max(0)) else { continue };
            // The limit rises on the way, and the reservoir looks again.
            backend.rows_reaching(limit, sums, masks);
            for ((first, sums), mask) in rows.clone().step_by(SCAN_ROWS).zip(sums).zip(masks) {
                let mut mask = *mask;
                if rows.end - first < SCAN_ROWS as u32 {
                    mask &= (1 << (rows.end - first)) - 1;
                }
                while mask != 0 {
                    let lane = mask.trailing_zeros();
                    mask &= mask - 1;
                    let row = first + lane;
                    let score = base.saturating_add(i32::from(sums[lane as usize]));
                    if score >= reservoir.limit && view.ids.get(row as usize).is_some_and(|id| filter.allows(*id)) {
                        reservoir.push(score, row);
                    }
                }
            }
        }
        self.reservoir.cut();
        self.scan = scan;
    }

    /// Compares the query with the bytes of the candidates, and leaves the `n` best.
    fn compare_bytes(&mut self, view: &View<'_>, backend: Backend, n: usize) {
        let Self { probe, near, rows, .. } = self;
        let d = view.shape.dimensions;
        near.reset(n);
        for row in rows.iter().take(AHEAD) {
            prefetch(view.byte_row(*row).unwrap_or(&[]));
        }
        for (at, group) in rows.chunks(4).enumerate() {
            for row in rows.iter().skip(4 * at + AHEAD).take(4) {
                prefetch(view.byte_row(*row).unwrap_or(&[]));
            }
            let mut four = [&[][..]; 4];
            for (to, row) in four.iter_mut().zip(group) {
                *to = view.byte_row(*row).unwrap_or(&[]);
            }
            for at in group.len()..4 {
                four[at] = four[0];
            }
            let sums = backend.dot_u7_many(&probe.codes[..d], four.map(|row| row.get(..d).unwrap_or(&[])));
            for ((row, sum), bytes) in group.iter().zip(sums).zip(four) {
                near.push(-(probe.step * sum as f32 + row_bias(bytes)), *row);
            }
        }
        rows.clear();
        rows.extend(near.finish().map(|near| near.id));
    }

    /// Compares the query with the vectors of the best of those.
    fn compare_vectors(&mut self, view: &View<'_>, backend: Backend, n: usize) {
        let Self { given, rows, nearest, found, .. } = self;
        for row in rows.iter() {
            prefetch(view.vector(*row).unwrap_or(&[]));
        }
        nearest.reset(n);
        let exact = Exact::new(backend, view.shape.metric, given);
        for row in rows.iter() {
            let (Some(vector), Some(id)) = (view.vector(*row), view.ids.get(*row as usize)) else { continue };
            nearest.push(exact.order(vector), *id);
        }
        found.clear();
        found.extend(nearest.finish().map(|x| reported(view.shape.metric, x)));
    }

    /// Compares the query with all vectors.
    pub(crate) fn search_exactly<F: Filter>(&mut self, view: &View<'_>, backend: Backend, n: usize, filter: &F) {
        let Self { given, nearest, found, .. } = self;
        nearest.reset(n);
        let exact = Exact::new(backend, view.shape.metric, given);
        for (id, vector) in view.ids.iter().zip(view.vectors.chunks_exact(view.shape.dimensions)) {
            if filter.allows(*id) {
                nearest.push(exact.order(vector), *id);
            }
        }
        found.clear();
        found.extend(nearest.finish().map(|x| reported(view.shape.metric, x)));
    }
}

/// Groups of scores of a tile that share a maximum.
const GROUPS: usize = 4;

/// The keys of the `n` leaves with the best scores, in no order. A leaf whose score is minus infinity is none.
pub(crate) fn best_leaves(scores: &[[f32; TILE_ROWS]], n: usize, keys: &mut Vec<u64>) {
    keys.clear();
    let mut limit = f32::NEG_INFINITY;
    // As many groups as reach the n-th greatest of the groups' maxima have a score that does.
    if (1..scores.len() * GROUPS / 2).contains(&n) {
        for of_tile in scores {
            // The greatest of lanes 0, 4, 8 and 12, of 1, 5, 9 and 13, and so on.
            for group in 0..GROUPS {
                let greatest =
                    (group..TILE_ROWS).step_by(GROUPS).fold(f32::NEG_INFINITY, |a, lane| a.max(of_tile[lane]));
                keys.push(key(-greatest, 0));
            }
        }
        let (_, last, _) = keys.select_nth_unstable(n - 1);
        limit = -split_key(*last).0;
        keys.clear();
    }
    for (first, of_tile) in (0..).step_by(TILE_ROWS).zip(scores) {
        if of_tile.iter().any(|score| *score >= limit) {
            for (leaf, score) in (first..).zip(of_tile) {
                if *score >= limit && *score > f32::NEG_INFINITY {
                    keys.push(key(-score, leaf));
                }
            }
        }
    }
    if keys.len() > n {
        keys.select_nth_unstable(n.max(1) - 1);
        keys.truncate(n.max(1));
    }
}

/// How many candidates ahead memory is asked for.
const AHEAD: usize = 12;

/// The codes of a leaf.
#[inline]
fn codes_of<'a>(view: &View<'a>, leaf: u32) -> &'a [[u8; SCAN_ROWS]] {
    let width = view.codebooks.len() / 2;
    let [start, end] = [leaf, leaf + 1].map(|leaf| view.leaves[leaf as usize].block as usize);
    view.codes.get(start * width..end * width).unwrap_or(&[])
}

/// Adds the biases of a leaf's rows to their sums; returns what is then the base of the leaf.
fn add_biases(view: &View<'_>, leaf: u32, unit: f32, sums: &mut [[u16; SCAN_ROWS]], base: i32) -> i32 {
    let [least, step] = view.leaf_biases[leaf as usize];
    // A bias is at most 65535 steps, and 2¹⁶ of what is added for each are a step of the sums.
    let factor = (step * unit * 65536.0 + 0.5).min(65535.0) as u32;
    let start = view.leaves[leaf as usize].block as usize;
    let biases = view.code_biases.get(start..start + sums.len()).unwrap_or(&[]);
    for (sums, biases) in sums.iter_mut().zip(biases) {
        for (sum, bias) in sums.iter_mut().zip(biases) {
            *sum = sum.saturating_add(((u32::from(*bias) * factor) >> 16) as u16);
        }
    }
    base.saturating_add((least * unit) as i32)
}
