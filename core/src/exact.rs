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
    let mut block: Vec<(u32, Row<'_, D>)> = Vec::with_capacity(BLOCK as usize);
    for first in (0..nodes.items()).step_by(BLOCK as usize) {
        block.clear();
        let ids = first..nodes.items().min(first.saturating_add(BLOCK));
        block.extend(ids.filter(|id| filter.allows(*id)).filter_map(|id| Some((id, nodes.item(id)?))));
        for (query, top) in queries.iter().zip(tops.iter_mut()) {
            let (groups, rest) = block.as_chunks::<TOGETHER>();
            for group in groups {
                let distances = D::distances(backend, *query, group.map(|(_, row)| row));
                for (distance, (id, _)) in distances.into_iter().zip(group) {
                    top.push(distance, *id);
                }
            }
            for (id, row) in rest {
                let [distance] = D::distances(backend, *query, [*row]);
                top.push(distance, *id);
            }
        }
    }
}
