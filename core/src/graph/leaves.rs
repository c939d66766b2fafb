//! Comparing the items of each leaf with one another.

use alloc::vec::Vec;

use super::table::Table;
use crate::Backend;
use crate::forest::build::leaves;
use crate::forest::node::{Nodes, Row};
use crate::metric::Distance;
use crate::parallel::{self, Join};

/// Rows compared at once.
const TOGETHER: usize = 4;
/// Leaves that a thread takes at a time.
const LEAVES: usize = 8;

/// Puts every pair of items that share a leaf of the tree into the table, both ways.
pub(super) fn compare_all<J: Join, D: Distance>(
    nodes: Nodes<'_, D>,
    backend: Backend,
    tree: &[D::Element],
    table: &Table,
) {
    let leaves: Vec<&[u32]> = leaves::<D>(nodes.layout(), tree).collect();
    parallel::map::<J, _>(0..leaves.len().div_ceil(LEAVES), &|group| {
        let first = group * LEAVES;
        for leaf in &leaves[first..leaves.len().min(first + LEAVES)] {
            compare(nodes, backend, leaf, table);
        }
    });
}

/// An item of the leaf at work.
struct Member<'a, D: Distance> {
    id: u32,
    /// The table's, kept at hand.
    farthest: f32,
    row: Row<'a, D>,
}

fn compare<D: Distance>(nodes: Nodes<'_, D>, backend: Backend, leaf: &[u32], table: &Table) {
    for id in leaf {
        nodes.prefetch(*id);
    }
    // The leaf of a root may list holes, and ids again.
    let member = |id: &u32| Some(Member { id: *id, farthest: table.farthest(*id), row: nodes.item(*id)? });
    let mut members: Vec<Member<'_, D>> = leaf.iter().filter_map(member).collect();
    let rows: Vec<Row<'_, D>> = members.iter().map(|member| member.row).collect();
    for first in 0..members.len() {
        let (before, after) = members.split_at_mut(first + 1);
        let Some(one) = before.last_mut() else { return };
        let (row_groups, row_rest) = rows[first + 1..].as_chunks::<TOGETHER>();
        let (groups, rest) = after.as_chunks_mut::<TOGETHER>();
        for (others, rows) in groups.iter_mut().zip(row_groups) {
            let distances = D::distances(backend, one.row, rows);
            for (other, distance) in others.iter_mut().zip(distances) {
                meet(one, other, distance, table);
            }
        }
        for (other, row) in rest.iter_mut().zip(row_rest) {
            let [distance] = D::distances(backend, one.row, &[*row]);
            meet(one, other, distance, table);
        }
    }
}

#[inline]
fn meet<D: Distance>(one: &mut Member<'_, D>, other: &mut Member<'_, D>, distance: f32, table: &Table) {
    if distance > one.farthest && distance > other.farthest {
        return;
    }
    if one.id != other.id {
        exchange(one, other.id, distance, table);
        exchange(other, one.id, distance, table);
    }
}

#[inline(never)]
fn exchange<D: Distance>(member: &mut Member<'_, D>, id: u32, distance: f32, table: &Table) {
    table.push(member.id, distance, id);
    member.farthest = table.farthest(member.id);
}
