//! On which side of a plane items lie.

use alloc::vec::Vec;

use rand_core::Rng;

use crate::Backend;
use crate::forest::node::{Nodes, Row};
use crate::forest::rules::Rules;
use crate::forest::sketch::{Sketch, SketchQuery};
use crate::metric::Element;

/// Items whose margins are computed at once.
const MARGINS_AT_ONCE: usize = 4;
/// How many items ahead rows are prefetched.
pub(in crate::forest) const ROWS_AHEAD: usize = 16;

/// The rows that a subtree is grown over: all items, or those of a subtree, gathered.
#[derive(Clone, Copy)]
pub(in crate::forest) struct SubtreeRows<'r, D: Rules> {
    pub(in crate::forest) nodes: Nodes<'r, D>,
    /// The ids of the items, where they are gathered and numbered anew.
    pub(in crate::forest) gathered: Option<&'r [u32]>,
}

impl<D: Rules> SubtreeRows<'_, D> {
    pub(in crate::forest) fn id(&self, row: u32) -> u32 {
        self.gathered.and_then(|ids| ids.get(row as usize)).copied().unwrap_or(row)
    }
}

/// Finds the sides of items: by their sketches, and by their rows where sketches do not decide.
pub(in crate::forest) struct Sides<'a> {
    backend: Backend,
    sketch: Option<&'a Sketch>,
    query: SketchQuery,
    /// Items whose side their sketch does not decide, and their positions.
    undecided: Vec<(u32, u32)>,
}

impl<'a> Sides<'a> {
    pub(in crate::forest) fn new(backend: Backend, sketch: Option<&'a Sketch>) -> Self {
        Self { backend, sketch, query: SketchQuery::default(), undecided: Vec::new() }
    }

    /// Finds the side of each item.
    pub(in crate::forest) fn find<D: Rules>(
        &mut self,
        rng: &mut impl Rng,
        plane: Row<'_, D>,
        rows: SubtreeRows<'_, D>,
        ids: &[u32],
        sides: &mut [bool],
    ) {
        let backend = self.backend;
        if rows.gathered.is_some() {
            // SubtreeRows that are gathered are read as fast as sketches.
            by_near_row(backend, rng, plane, rows.nodes, ids, sides);
        } else if let Some(sketch) = self.sketch {
            self.by_sketch(sketch, plane, ids, sides);
            by_row(backend, rng, plane, rows.nodes, self.undecided.iter().copied(), sides);
        } else {
            by_row(backend, rng, plane, rows.nodes, ids.iter().copied().zip(0..), sides);
        }
    }

    /// Finds the sides that the sketch decides, and notes the other items as undecided.
    fn by_sketch<D: Rules>(&mut self, sketch: &Sketch, plane: Row<'_, D>, ids: &[u32], sides: &mut [bool]) {
        let Self { backend, query, undecided, .. } = self;
        query.set(D::Element::as_floats(plane.vector).unwrap_or(&[]), sketch);
        undecided.clear();
        let plane = D::plane(plane);
        let mut four_sides = |four: &[u32; MARGINS_AT_ONCE], at: usize| {
            let [ones, zeros] = plane.sides(&sketch.dots(*backend, query, *four));
            let sure = ones | zeros;
            if sure != (1 << MARGINS_AT_ONCE) - 1 {
                let unsure = (0..MARGINS_AT_ONCE).filter(|i| sure >> i & 1 == 0);
                undecided.extend(unsure.map(|i| (four[i], (at + i) as u32)));
            }
            [0, 1, 2, 3].map(|i| ones >> i & 1 == 1)
        };
        let (fours, rest) = ids.as_chunks::<MARGINS_AT_ONCE>();
        let (fours_sides, rest_sides) = sides.as_chunks_mut::<MARGINS_AT_ONCE>();
        for (at, (four, sides)) in fours.iter().zip(fours_sides).enumerate() {
            for id in fours.get(at + ROWS_AHEAD / MARGINS_AT_ONCE).into_iter().flatten() {
                sketch.prefetch(*id);
            }
            *sides = four_sides(four, at * MARGINS_AT_ONCE);
        }
        if let [filler, ..] = rest {
            let mut four = [*filler; MARGINS_AT_ONCE];
            four[..rest.len()].copy_from_slice(rest);
            rest_sides.copy_from_slice(&four_sides(&four, fours.len() * MARGINS_AT_ONCE)[..rest.len()]);
            // Copies that only fill the group of four have no position among the items.
            while undecided.pop_if(|(_, at)| *at as usize >= ids.len()).is_some() {}
        }
    }
}

/// Finds the sides of items by their rows, in their order: on the plane itself a random number decides. Each comes with its
/// position.
fn by_row<D: Rules>(
    backend: Backend,
    rng: &mut impl Rng,
    plane: Row<'_, D>,
    nodes: Nodes<'_, D>,
    items: impl Iterator<Item = (u32, u32)> + Clone,
    sides: &mut [bool],
) {
    let mut ahead = items.clone().map(|(id, _)| id).skip(ROWS_AHEAD);
    let mut items = items;
    loop {
        // SubtreeRows of the plane itself fill a last group, and their sides are not looked at.
        let (mut rows, mut positions, mut found) = ([plane; MARGINS_AT_ONCE], [0; MARGINS_AT_ONCE], 0);
        for (id, position) in items.by_ref().take(MARGINS_AT_ONCE) {
            // Ids come from the items, so each has a row.
            (rows[found], positions[found]) = (nodes.row(id).unwrap_or(plane), position);
            found += 1;
        }
        if found == 0 {
            return;
        }
        for id in ahead.by_ref().take(MARGINS_AT_ONCE) {
            nodes.prefetch(id);
        }
        let margins = D::item_margins(backend, plane, &rows);
        for (position, margin) in positions.into_iter().zip(margins).take(found) {
            sides[position as usize] = D::side(rng, margin);
        }
    }
}

/// The same for items whose rows are in the cache.
fn by_near_row<D: Rules>(
    backend: Backend,
    rng: &mut impl Rng,
    plane: Row<'_, D>,
    nodes: Nodes<'_, D>,
    ids: &[u32],
    sides: &mut [bool],
) {
    let (fours, rest) = ids.as_chunks::<MARGINS_AT_ONCE>();
    let (fours_sides, rest_sides) = sides.as_chunks_mut::<MARGINS_AT_ONCE>();
    // Ids come from the items, so each has a row.
    let row = |id| nodes.row(id).unwrap_or(plane);
    for (four, sides) in fours.iter().zip(fours_sides) {
        *sides = D::item_margins(backend, plane, &four.map(row)).map(|margin| D::side(rng, margin));
    }
    for (id, side) in rest.iter().zip(rest_sides) {
        let [margin] = D::item_margins(backend, plane, &[row(*id)]);
        *side = D::side(rng, margin);
    }
}

/// Moves items of side 1 behind those of side 0; the order on each side stays. `moving` is working memory.
pub(in crate::forest) fn partition<'i>(
    ids: &'i mut [u32],
    sides: &[bool],
    moving: &mut Vec<u32>,
) -> (&'i mut [u32], &'i mut [u32]) {
    moving.resize(moving.len().max(ids.len()), 0);
    let (mut zero, mut one) = (0, 0);
    for (at, side) in sides.iter().enumerate().take(ids.len()) {
        // Written to both and kept in one: a side is as good as random, and a branch would be guessed wrong half the
        // time. What is overwritten has been read, as `zero` is never ahead of `at`.
        let id = ids[at];
        ids[zero] = id;
        moving[one] = id;
        one += usize::from(*side);
        zero += usize::from(!*side);
    }
    let (zeros, ones) = ids.split_at_mut(zero);
    ones.copy_from_slice(&moving[..one]);
    (zeros, ones)
}
