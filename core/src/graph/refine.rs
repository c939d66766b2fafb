//! The neighbours of neighbours.

use alloc::vec::Vec;

use super::table::Table;
use super::vec_of;
use crate::Backend;
use crate::filter::IdSet;
use crate::forest::node::Nodes;
use crate::metric::Distance;
use crate::parallel::{self, Join};
use crate::score;

/// Rows that a thread takes at a time.
const ROWS: u32 = 1024;

/// The table, and in each row what is better among the neighbours of its neighbours. None where there is no memory.
pub(super) fn refine<J: Join, D: Distance>(nodes: Nodes<'_, D>, backend: Backend, table: Table) -> Option<Table> {
    let before = Snapshot::new(&table, nodes.items())?;
    let blocks = nodes.items().div_ceil(ROWS);
    parallel::map::<J, _>(0..blocks as usize, &|block| {
        let first = block as u32 * ROWS;
        let mut seen = IdSet::new();
        seen.reserve(nodes.items());
        let mut candidates = Vec::new();
        for id in first..nodes.items().min(first.saturating_add(ROWS)) {
            if let Some(row) = nodes.item(id) {
                before.two_steps_from(id, &mut seen, &mut candidates);
                score::candidates(nodes, backend, row, &candidates, |distance, other| table.push(id, distance, other));
            }
        }
    });
    Some(table)
}

/// The ids of a table as it was.
struct Snapshot {
    ids: Vec<u32>,
    width: usize,
}

impl Snapshot {
    fn new(table: &Table, items: u32) -> Option<Self> {
        let width = table.width();
        let mut ids = vec_of(items as usize * width, || u32::MAX)?;
        for (row, to) in (0..items).zip(ids.chunks_exact_mut(width.max(1))) {
            for (to, id) in to.iter_mut().zip(table.ids(row)) {
                *to = id;
            }
        }
        Some(Self { ids, width })
    }

    fn row(&self, row: u32) -> &[u32] {
        let start = row as usize * self.width;
        let row = self.ids.get(start..start + self.width).unwrap_or(&[]);
        // Unused places are at the end.
        &row[..row.iter().position(|id| *id == u32::MAX).unwrap_or(row.len())]
    }

    /// The neighbours of an item's neighbours that are not its neighbours already, each once.
    fn two_steps_from(&self, id: u32, seen: &mut IdSet, candidates: &mut Vec<u32>) {
        let near = self.row(id);
        seen.insert(id);
        for one in near {
            seen.insert(*one);
        }
        candidates.clear();
        for one in near {
            candidates.extend(self.row(*one).iter().filter(|two| seen.insert(**two)));
        }
        seen.clear_words_of(near);
        seen.clear_words_of(candidates);
        seen.clear_words_of(&[id]);
    }
}
