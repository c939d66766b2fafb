//! Comparing with every item: the oracle of the approximate searches, and a mode of its own.

use alloc::vec::Vec;

use crate::Backend;
use crate::filter::Filter;
use crate::forest::node::{Nodes, Row};
use crate::metric::Distance;
use crate::top_k::TopK;

/// Items that stay in the cache while every query is compared with them.
const BLOCK: u32 = 256;
/// Rows compared at once.
const TOGETHER: usize = 4;

/// Pushes the distance of every item that the filter allows to the `TopK` of each query.
pub(crate) fn scan<D: Distance, F: Filter>(
    nodes: Nodes<'_, D>,
    backend: Backend,
    queries: &[Row<'_, D>],
    tops: &mut [TopK],
    filter: &F,
) {
    let mut ids: Vec<u32> = Vec::with_capacity(BLOCK as usize);
    let mut rows: Vec<Row<'_, D>> = Vec::with_capacity(BLOCK as usize);
    for first in (0..nodes.items()).step_by(BLOCK as usize) {
        let block = first..nodes.items().min(first.saturating_add(BLOCK));
        ids.clear();
        ids.extend(block.filter(|id| nodes.item(*id).is_some() && filter.allows(*id)));
        rows.clear();
        rows.extend(ids.iter().filter_map(|id| nodes.item(*id)));
        let (row_groups, row_rest) = rows.as_chunks::<TOGETHER>();
        let (id_groups, id_rest) = ids.as_chunks::<TOGETHER>();
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
