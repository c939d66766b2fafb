//! Comparing a query with items: with those that a search has found, or with all.

use alloc::vec::Vec;

use super::node::{Nodes, Row};
use super::rules::Distance;
use super::sketch::{Sketch, SketchQuery};
use crate::filter::Filter;
use crate::metric::Element;
use crate::top_k::TopK;
use crate::{Backend, Cancel};

/// Rows compared at once.
const ROWS_AT_ONCE: usize = 4;
/// How many candidates ahead rows are prefetched.
const CANDIDATES_AHEAD: usize = 12;
/// The same for sketches, which are smaller.
const SKETCHES_AHEAD: usize = 24;

/// Calls `found` with the distance of each candidate; skips ids that were never added.
pub(crate) fn candidates<D: Distance>(
    nodes: Nodes<'_, D>,
    backend: Backend,
    query: Row<'_, D>,
    ids: &[u32],
    mut found: impl FnMut(f32, u32),
) {
    let (groups, rest) = ids.as_chunks::<ROWS_AT_ONCE>();
    for (at, group) in groups.iter().enumerate() {
        for id in ids[(at * ROWS_AT_ONCE + CANDIDATES_AHEAD).min(ids.len())..].iter().take(ROWS_AT_ONCE) {
            nodes.prefetch(*id);
        }
        if let [Some(a), Some(b), Some(c), Some(d)] = group.map(|id| nodes.item(id)) {
            for (distance, id) in D::distances(backend, query, &[a, b, c, d]).into_iter().zip(group) {
                found(distance, *id);
            }
        } else {
            one_by_one(nodes, backend, query, group, &mut found);
        }
    }
    one_by_one(nodes, backend, query, rest, &mut found);
}

fn one_by_one<D: Distance>(
    nodes: Nodes<'_, D>,
    backend: Backend,
    query: Row<'_, D>,
    ids: &[u32],
    found: &mut impl FnMut(f32, u32),
) {
    for (id, row) in ids.iter().filter_map(|id| Some((*id, nodes.item(*id)?))) {
        let [distance] = D::distances(backend, query, &[row]);
        found(distance, id);
    }
}

/// The working memory of [`prune`].
#[derive(Debug, Default)]
pub(crate) struct Pruning {
    sketched: SketchQuery,
    /// The most that the distances of the nearest can be.
    farthest: TopK,
    /// Items that may be among the nearest, and the least that their distances can be.
    items: Vec<(f32, u32)>,
    ids: Vec<u32>,
}

/// Of the candidates, those that may be among the `n` nearest; all others are farther than `n` of these.
pub(crate) fn prune<'c, D: Distance>(
    sketch: &Sketch,
    backend: Backend,
    query: Row<'_, D>,
    candidates: &[u32],
    n: usize,
    pruning: &'c mut Pruning,
) -> &'c [u32] {
    let Pruning { sketched, farthest, items, ids } = pruning;
    let vector = D::Element::as_floats(query.vector).unwrap_or(&[]);
    sketched.set(vector, sketch);
    farthest.reset(n);
    items.clear();
    let own = D::tail(backend, query);
    for (at, group) in candidates.chunks(ROWS_AT_ONCE).enumerate() {
        for id in candidates[(at * ROWS_AT_ONCE + SKETCHES_AHEAD).min(candidates.len())..].iter().take(ROWS_AT_ONCE) {
            sketch.prefetch(*id);
        }
        let mut four = [group[0]; ROWS_AT_ONCE];
        four[..group.len()].copy_from_slice(group);
        let dots = sketch.dots(backend, sketched, four);
        let [least, most] = D::bounds(&dots, own, vector.len());
        for (at, id) in group.iter().enumerate() {
            // Compared in this direction, a bound that is NaN keeps the item.
            let far = least[at] > farthest.farthest();
            if !far {
                items.push((least[at], *id));
                farthest.push(most[at], *id);
            }
        }
    }
    let limit = farthest.limit();
    ids.clear();
    items.retain(|(least, _)| {
        let far = *least > limit;
        !far
    });
    ids.extend(items.iter().map(|(_, id)| *id));
    ids
}

/// Items that stay in the cache while every query is compared with them.
const ITEMS_A_BLOCK: u32 = 256;
/// Pushes the distance of every item that the filter allows to the `TopK` of each query: the oracle of the approximate
/// searches, and a mode of its own. Where it was cancelled the answers are not whole.
pub(crate) fn all<D: Distance, F: Filter>(
    nodes: Nodes<'_, D>,
    backend: Backend,
    queries: &[Row<'_, D>],
    tops: &mut [TopK],
    filter: &F,
    cancel: Cancel<'_>,
) {
    let mut ids: Vec<u32> = Vec::with_capacity(ITEMS_A_BLOCK as usize);
    let mut rows: Vec<Row<'_, D>> = Vec::with_capacity(ITEMS_A_BLOCK as usize);
    for first in (0..nodes.items()).step_by(ITEMS_A_BLOCK as usize) {
        if cancel.is_set() {
            return;
        }
        let block = first..nodes.items().min(first.saturating_add(ITEMS_A_BLOCK));
        ids.clear();
        ids.extend(block.filter(|id| nodes.item(*id).is_some() && filter.allows(*id)));
        rows.clear();
        rows.extend(ids.iter().filter_map(|id| nodes.item(*id)));
        let (row_groups, row_rest) = rows.as_chunks::<ROWS_AT_ONCE>();
        let (id_groups, id_rest) = ids.as_chunks::<ROWS_AT_ONCE>();
        for (query, top) in queries.iter().zip(tops.iter_mut()) {
            for (rows, ids) in row_groups.iter().zip(id_groups) {
                for (distance, id) in D::distances(backend, *query, rows).into_iter().zip(ids) {
                    top.push(distance, *id);
                }
            }
            for (row, id) in row_rest.iter().zip(id_rest) {
                let [distance] = D::distances(backend, *query, &[*row]);
                top.push(distance, *id);
            }
        }
    }
}
