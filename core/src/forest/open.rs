//! Whether bytes are a forest.
//!
//! [`open`] checks, in work proportional to the number of trees and their depth, and never to more than the size of the file:
//!
//! 1. There are bytes, aligned for their elements, a whole number of nodes.
//! 2. There are fewer than 2³¹ nodes ([`Rule::NodeCount`]).
//! 3. The last node, which is a root's copy, has as many descendants as there are items: no more than nodes before it
//!    ([`Rule::ItemCount`]).
//! 4. The last nodes are copies of roots; where there are no items, there is nothing but roots ([`Rule::Roots`]; see
//!    [`find_roots`]). There are no items only where there are at most [`MOST_TREES_OF_NO_ITEMS`] ([`Rule::NoItems`]).
//! 5. On one path down each tree, every node follows rules 6 to 10.
//!
//! [`verify`] checks every node:
//!
//! 6. Descendants are 0 or 1 for an item, at least 1 for a node below a root ([`Rule::Descendants`]).
//! 7. A child is an item that was added, or a node of a tree ([`Rule::Child`]); below a root alone it may be a hole.
//! 8. The descendants of two children add up to their parent's ([`Rule::Sum`]). A root claims all items, holes included, so
//!    there the sum may be less. Hence numbers of descendants shrink on the way down, and no path is endless.
//! 9. A leaf lists items ([`Rule::Leaf`]).
//! 10. Planes are made of finite numbers ([`Rule::Plane`]), and so are items, whose headers say nothing else than the metric
//!     writes there ([`Rule::Item`]). [`verify`] also names an item so long that distances to it are no numbers
//!     ([`Rule::Length`]), which Annoy lets in.
//! 11. No node has two parents ([`Rule::Parent`]).
//! 12. A tree has every item once ([`Rule::Cover`]).
//! 13. Where there are trees there are items ([`Rule::NoItems`]).
//!
//! # No items, or zeros
//!
//! Annoy saves an index of no items as two nodes of zeros for each of its trees. A copy that failed, or a file system after a
//! crash, leaves zeros as well, and no byte tells the one from the other. The number of trees does, roughly: an index is given
//! tens of them, and a file of zeros of the size of an index looks like hundreds. So [`open`] takes up to
//! [`MOST_TREES_OF_NO_ITEMS`] for an index of no items, which Annoy opens too, and refuses more; and [`verify`], which is asked
//! whether a file is whole, reports each such file.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::damage::{Damage, Rule};
use super::error::OpenError;
use super::layout::{Header, NodeLayout};
use super::node::{Kind, Nodes, Row};
use super::rules::Distance;
use crate::Backend;
use crate::error::VectorError;
use crate::filter::IdSet;
use crate::metric::Element;

/// A forest of no items has at most so many trees: twice as many as anyone has a reason for.
const MOST_TREES_OF_NO_ITEMS: usize = 100;

/// The number of items, and the roots.
pub(super) fn open<D: Distance>(
    bytes: &[u8],
    layout: NodeLayout,
    backend: Backend,
) -> Result<(u32, Vec<u32>), OpenError> {
    if bytes.is_empty() {
        return Err(OpenError::Empty);
    }
    let node = layout.bytes;
    if !bytes.len().is_multiple_of(node) {
        return Err(OpenError::PartialNode { length: bytes.len(), node });
    }
    let elements =
        bytemuck::try_cast_slice(bytes).map_err(|_| OpenError::Unaligned { needed: align_of::<D::Element>() })?;
    let (items, roots) = structure::<D>(elements, layout)?;
    let nodes = Nodes::<D>::new(elements, layout, items);
    let mut walks = Walks::new(nodes);
    for root in &roots {
        walks.one_path(nodes, backend, *root)?;
    }
    Ok((items, roots))
}

fn structure<D: Distance>(elements: &[D::Element], layout: NodeLayout) -> Result<(u32, Vec<u32>), Damage> {
    let count = elements.len() / layout.stride;
    let last = i32::try_from(count).map_err(|_| Damage { node: u32::MAX, rule: Rule::NodeCount })? as u32 - 1;
    let nodes = Nodes::<D>::new(elements, layout, 0);
    let descendants = nodes.row(last).map_or(-1, |row| row.header.descendants());
    let items = u32::try_from(descendants).map_err(|_| Damage { node: last, rule: Rule::ItemCount })?;
    if items > last {
        return Err(Damage { node: last, rule: Rule::ItemCount });
    }
    let roots = find_roots(nodes, items, last);
    let broken = |rule| Err(Damage { node: last, rule });
    match (items, roots.len()) {
        (_, 0) => broken(Rule::Roots),
        (0, trees) if 2 * trees != count => broken(Rule::Roots),
        (0, trees) if trees > MOST_TREES_OF_NO_ITEMS => broken(Rule::NoItems),
        _ => Ok((items, roots)),
    }
}

/// The copies of the roots at the end of the file, in order.
///
/// How many there are is written nowhere. All have as many descendants as there are items, so they are part of the run of
/// last nodes of which that is true; but the run may begin with originals, when the last tree ends right before the copies
/// or a tree is no more than its root. As the copies equal their originals, the run is as long as its copies and those
/// originals: it starts with the longest stretch whose every node comes again later in the run.
fn find_roots<D: Distance>(nodes: Nodes<'_, D>, items: u32, last: u32) -> Vec<u32> {
    let is_root = |id: &u32| nodes.row(*id).is_some_and(|row| row.header.descendants() == items as i32);
    let first = (items..=last).rev().take_while(is_root).last().unwrap_or(last);
    let mut counts: BTreeMap<&[u8], (usize, usize)> = BTreeMap::new();
    let run = first..=last;
    for bytes in run.clone().filter_map(|id| nodes.bytes(id)) {
        counts.entry(bytes).or_default().0 += 1;
    }
    let is_original = |id: &u32| {
        nodes.bytes(*id).and_then(|bytes| counts.get_mut(bytes)).is_some_and(|(all, before)| {
            *before += 1;
            // As many again must follow.
            2 * *before <= *all
        })
    };
    let originals = run.clone().take(run.count() / 2).take_while(is_original).count() as u32;
    (first + originals..=last).collect()
}

/// Walks down one path of each tree, doing together no more work than reading the file once.
struct Walks {
    /// Steps that are left. Paths of different trees share no node, so all of them together are no longer than there are
    /// nodes. A file whose roots all lead down the same path is not worth the time that the walks would take.
    steps: usize,
    /// Items that were checked. The leaves of different trees share items: where roots are full leaves, each lists all.
    checked: IdSet,
    /// How many checks of items there were.
    item_checks: usize,
}

impl Walks {
    fn new<D: Distance>(nodes: Nodes<'_, D>) -> Self {
        Self { steps: nodes.len(), checked: IdSet::new(), item_checks: 0 }
    }

    /// Follows the larger child of each node down to a leaf.
    fn one_path<D: Distance>(&mut self, nodes: Nodes<'_, D>, backend: Backend, root: u32) -> Result<(), Damage> {
        let mut at = root;
        loop {
            self.steps = self.steps.checked_sub(1).ok_or(Damage { node: at, rule: Rule::Parent })?;
            let below = check_node(nodes, at, at == root)?;
            let size = |id: &u32| nodes.row(*id).map_or(0, |row| row.header.descendants());
            let leaf = if let Some(Kind::Leaf(ids)) = nodes.kind(at) { ids } else { &[] };
            for item in below.iter().flatten().chain(leaf).filter(|id| **id < nodes.items()) {
                if self.checked.insert(*item) {
                    self.item_checks += 1;
                    check_item(nodes, backend, *item)?;
                }
            }
            match below.into_iter().flatten().filter(|id| *id >= nodes.items()).max_by_key(size) {
                // Descendants shrink at every step (rule 8), so there is an end.
                Some(child) => at = child,
                None => return Ok(()),
            }
        }
    }
}

/// Rules 6 and 10 for an item or a hole; whether it is an item.
fn check_item<D: Distance>(nodes: Nodes<'_, D>, backend: Backend, id: u32) -> Result<bool, Damage> {
    let row = nodes.row(id).ok_or(Damage { node: id, rule: Rule::ItemCount })?;
    match row.header.descendants() {
        0 => Ok(false),
        1 if D::check_item(backend, row) => Ok(true),
        1 => Err(Damage { node: id, rule: Rule::Item }),
        _ => Err(Damage { node: id, rule: Rule::Descendants }),
    }
}

/// Whether an item's vector is one that could be added: then all distances to it are numbers.
fn check_vector<D: Distance>(nodes: Nodes<'_, D>, backend: Backend, id: u32) -> Result<(), Damage> {
    let vector = nodes.row(id).map_or(&[][..], |row| row.vector);
    D::Element::check(vector, nodes.layout().dimensions, backend).map_err(|error| Damage {
        node: id,
        rule: if error == VectorError::TooLong { Rule::Length } else { Rule::Item },
    })
}

/// Rules 6 to 10 for a node of a tree; returns its children.
fn check_node<D: Distance>(nodes: Nodes<'_, D>, id: u32, root: bool) -> Result<Option<[u32; 2]>, Damage> {
    let broken = |rule| Damage { node: id, rule };
    match nodes.kind(id).ok_or(broken(Rule::Child))? {
        Kind::Item => Ok(None),
        Kind::Leaf(ids) => {
            // The leaf of a root may list holes, so none of its items has to be looked at.
            let listed = |item: &u32| root && *item < nodes.items() || nodes.item(*item).is_some();
            if ids.iter().all(listed) { Ok(None) } else { Err(broken(Rule::Leaf)) }
        }
        Kind::Hole if root && nodes.items() == 0 => Ok(None),
        Kind::Hole | Kind::Damaged => Err(broken(Rule::Descendants)),
        Kind::Split { children, split } => {
            check_children(nodes, id, root, children, split)?;
            let finite = split.vector.iter().all(|x| x.is_finite()) && D::check_split(split, nodes);
            if finite { Ok(Some(children)) } else { Err(broken(Rule::Plane)) }
        }
    }
}

fn check_children<D: Distance>(
    nodes: Nodes<'_, D>,
    id: u32,
    root: bool,
    children: [u32; 2],
    parent: Row<'_, D>,
) -> Result<(), Damage> {
    let broken = |rule| Damage { node: id, rule };
    let mut sum = 0;
    for child in children {
        let row = nodes.row(child).filter(|_| child != id).ok_or(broken(Rule::Child))?;
        let descendants = i64::from(row.header.descendants());
        let hole = descendants == 0 && root && child < nodes.items();
        if descendants < 1 && !hole {
            return Err(broken(Rule::Child));
        }
        sum += descendants;
    }
    let all = i64::from(parent.header.descendants());
    if sum == all || root && sum < all { Ok(()) } else { Err(broken(Rule::Sum)) }
}

/// All rules, for all nodes.
pub(super) fn verify<D: Distance>(nodes: Nodes<'_, D>, backend: Backend, roots: &[u32]) -> Result<(), Damage> {
    if nodes.items() == 0 && !roots.is_empty() {
        return Err(Damage { node: (nodes.len() - 1) as u32, rule: Rule::NoItems });
    }
    let mut present = 0;
    for id in 0..nodes.items() {
        let is_item = check_item(nodes, backend, id)?;
        if is_item {
            check_vector(nodes, backend, id)?;
        }
        present += usize::from(is_item);
    }
    let mut parents = IdSet::new();
    for root in roots {
        verify_tree(nodes, *root, present, &mut parents)?;
    }
    Ok(())
}

fn verify_tree<D: Distance>(nodes: Nodes<'_, D>, root: u32, present: usize, parents: &mut IdSet) -> Result<(), Damage> {
    let mut met = IdSet::new();
    let mut count = 0;
    let mut meet = |node: u32, item: u32| {
        // Only a root lists or points at holes, and what fills its list beyond its items repeats.
        let counts = nodes.item(item).is_some() && met.insert(item);
        count += usize::from(counts);
        if counts || node == root { Ok(()) } else { Err(Damage { node, rule: Rule::Cover }) }
    };
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if let Some(children) = check_node(nodes, id, id == root)? {
            for child in children {
                if child < nodes.items() {
                    meet(id, child)?;
                } else if parents.insert(child) {
                    open.push(child);
                } else {
                    return Err(Damage { node: id, rule: Rule::Parent });
                }
            }
        } else if let Some(Kind::Leaf(ids)) = nodes.kind(id) {
            for item in ids {
                meet(id, *item)?;
            }
        }
    }
    if count == present { Ok(()) } else { Err(Damage { node: root, rule: Rule::Cover }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forest::{BuildOptions, Forest};
    use crate::metric::Euclidean;

    /// Each root lists all items: checking them anew for each root would take the square of the file's size.
    #[test]
    fn an_item_is_checked_once_however_many_roots_list_it() {
        const DIMENSIONS: usize = 100;
        const ITEMS: usize = DIMENSIONS + 2;
        let vectors: Vec<f32> = (0..ITEMS * DIMENSIONS).map(|x| x as f32).collect();
        let options = BuildOptions::new().trees(1000).sketch(false);
        let forest = Forest::build(Euclidean, &vectors, DIMENSIONS, &options).unwrap();
        let mut walks = Walks::new(forest.nodes());
        for root in &forest.roots {
            let leaf = forest.nodes().kind(*root);
            assert!(matches!(leaf, Some(Kind::Leaf(ids)) if ids.len() == ITEMS), "{leaf:?}");
            walks.one_path(forest.nodes(), forest.backend, *root).unwrap();
        }
        assert_eq!(walks.item_checks, ITEMS);
    }
}
