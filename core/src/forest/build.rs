//! Building: the trees are grown, and put together.
//!
//! What differs from Annoy is where the nodes go: each tree is moved to its place when its turn comes. So trees can grow at the
//! same time, and the array is the same however many do.

use alloc::vec;
use alloc::vec::Vec;

use super::layout::{Header, NodeLayout};
use super::node::{Nodes, elements};
use super::options::{BuildOptions, TreeCount};
use super::rules::Rules;
use super::sketch::Sketch;
use super::split::input::Pulls;
use super::storage::Storage;
use super::tree::{GrowInput, Tree, grow_tree, node_id};
use crate::Backend;
use crate::error::BuildError;
use crate::parallel::{self, Join};
use crate::rng::Kiss64;

/// TreeCount that grow before they are moved, for each thread: enough that threads seldom wait for the slowest.
const TREES_A_THREAD: usize = 4;

/// Appends the trees and the copies of their roots to the items; returns the roots.
pub(super) fn grow<J: Join, D: Rules>(
    storage: &mut impl Storage,
    layout: NodeLayout,
    items: u32,
    backend: Backend,
    sketch: Option<&Sketch>,
    options: BuildOptions<'_>,
) -> Result<Vec<u32>, BuildError> {
    let present = Nodes::<D>::new(elements::<D>(storage), layout, items).present();
    let mut originals = Vec::new();
    let mut one_stream = options.kiss64.then(|| Kiss64::new(options.seed.unwrap_or(Kiss64::DEFAULT_SEED)));
    let pulls = if options.kiss64 { Pulls::Annoy } else { Pulls::Distinct };
    let together = if options.kiss64 { 1 } else { J::threads().saturating_mul(TREES_A_THREAD).max(1) };
    loop {
        let done = originals.len();
        let batch = done..done.saturating_add(options.trees.left(storage, layout, items, done).min(together));
        if batch.is_empty() {
            break;
        }
        let nodes = Nodes::<D>::new(elements::<D>(storage), layout, items);
        let input = GrowInput { nodes, present: &present, sketch, backend, pulls };
        let finished = |tree| {
            if let Some(progress) = options.progress {
                progress();
            }
            tree
        };
        let trees = match &mut one_stream {
            Some(stream) => vec![finished(Tree::grow(input, stream))],
            None => {
                parallel::map::<J, _>(batch, &|tree| finished(grow_tree(input, options.seed.unwrap_or_default(), tree)))
            }
        };
        for tree in trees {
            // More trees may have grown side by side than are wanted.
            if options.trees.left(storage, layout, items, originals.len()) == 0 {
                break;
            }
            let tree = tree?;
            if let (true, TreeCount::Count(count)) = (originals.is_empty(), options.trees) {
                // TreeCount over the same items have about as many nodes: make room for all, not by doubling.
                let bytes = (tree.len() + tree.len() / 16 + layout.stride) * size_of::<D::Element>();
                storage.reserve(storage.as_ref().len().saturating_add(bytes.saturating_mul(count)))?;
            }
            originals.push(append::<D>(storage, layout, items, tree)?);
        }
    }
    let copies = originals.into_iter().map(|root| {
        let start = root as usize * layout.stride;
        // Storage that lies at an odd address has no elements.
        let root = elements::<D>(storage).get(start..start + layout.stride).map(<[_]>::to_vec);
        append_nodes::<D>(storage, layout, &root.ok_or(BuildError::OutOfMemory)?)
    });
    copies.collect()
}

/// Moves a tree to the end; returns its root.
fn append<D: Rules>(
    storage: &mut impl Storage,
    layout: NodeLayout,
    items: u32,
    mut tree: Vec<D::Element>,
) -> Result<u32, BuildError> {
    let end = node_id(storage.as_ref().len() / layout.bytes)?;
    let shift = end - items;
    for node in tree.chunks_exact_mut(layout.stride) {
        let header: &mut D::Header = bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(&mut node[..layout.header]));
        // A root is a leaf when all items fit one, whatever its descendants say; and they say `items`.
        if header.descendants() as usize > layout.capacity {
            let children = header.children().map(|child| if child < items { child } else { child + shift });
            header.link(header.descendants(), children);
        }
    }
    append_nodes::<D>(storage, layout, &tree)
}

/// Appends nodes; returns the last one's id.
fn append_nodes<D: Rules>(
    storage: &mut impl Storage,
    layout: NodeLayout,
    nodes: &[D::Element],
) -> Result<u32, BuildError> {
    let nodes: &[u8] = bytemuck::cast_slice(nodes);
    let start = storage.as_ref().len();
    let end = start.checked_add(nodes.len()).ok_or(BuildError::OutOfMemory)?;
    let last = node_id((end / layout.bytes).saturating_sub(1))?;
    storage.resize(end)?;
    storage.as_mut()[start..].copy_from_slice(nodes);
    Ok(last)
}
