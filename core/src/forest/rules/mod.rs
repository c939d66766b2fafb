//! What a metric decides about its forests: the layout of a node, the distance, and how a set of items is split.

use rand_core::Rng;

use super::error::SearchError;
use super::layout::{Header, NodeFormat};
use super::node::{Nodes, Row, vectors};
use super::sketch::bounds::{Bounds, Plane};
use super::split::input::{SplitInput, SplitNode};
use crate::Backend;
use crate::metric::{Element, Metric};

mod angular;
mod dot;
mod hamming;
mod offset;

/// A metric as a type: one of [`Angular`](crate::Angular), [`Euclidean`](crate::Euclidean), [`Manhattan`](crate::Manhattan),
/// [`Hamming`](crate::Hamming), [`Dot`](crate::Dot) and [`DotLegacy`](crate::DotLegacy).
///
/// Sealed: the layout of a file and the rules of its trees belong to it.
///
/// ```
/// use ohyeah_core::{Angular, Distance, Metric};
///
/// fn name<D: Distance>(_: D) -> &'static str {
///     D::METRIC.name()
/// }
/// assert_eq!(name(Angular), "angular");
/// ```
pub trait Distance: Rules {
    /// The metric's name and number.
    const METRIC: Metric;
}

/// The sealed half of [`Distance`].
pub trait Rules: NodeFormat {
    /// The priority of a root: no less than that of any node below it.
    const ROOT_PRIORITY: f32 = f32::INFINITY;

    /// The header of an item as it is added.
    fn item_header(backend: Backend, vector: &[Self::Element]) -> Self::Header;

    /// The header of a vector that is searched for.
    fn query_header(backend: Backend, vector: &[Self::Element]) -> Self::Header {
        Self::item_header(backend, vector)
    }

    /// Completes the headers of all items once they are known, before trees are built.
    fn prepare(_backend: Backend, _items: &mut [Self::Element], _dimensions: usize) {}

    /// The distances by which answers are ordered, smallest first.
    fn distances<const N: usize>(backend: Backend, from: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N];

    /// The distance that is reported, from the one that orders.
    fn reported(distance: f32) -> f32;

    /// On which side of a split node's plane vectors lie, and how far. Used to search.
    fn margins<const N: usize>(backend: Backend, split: Row<'_, Self>, rows: [&[Self::Element]; N]) -> [f32; N];

    /// The same while trees are built, for rows that are items.
    fn item_margins<const N: usize>(backend: Backend, split: Row<'_, Self>, rows: &[Row<'_, Self>; N]) -> [f32; N] {
        Self::margins(backend, split, vectors(rows))
    }

    /// The side of an item: child 1 where the margin is positive. A coin decides for an item on the plane itself.
    fn side<R: Rng>(rng: &mut R, margin: f32) -> bool {
        if margin == 0.0 || margin.is_nan() { rng.next_u64() & 1 == 1 } else { margin > 0.0 }
    }

    /// The priorities of the two children: how far the query lies inside of each, at most the parent's.
    fn child_priorities(parent: f32, margin: f32) -> [f32; 2] {
        // Where the margin is NaN the parent's priority stays.
        [-margin, margin].map(|inside| if inside < parent { inside } else { parent })
    }

    /// The number that margins and distances use of an item beside its vector: an item of angular has its squared length, one of
    /// dot its factor.
    fn tail(_backend: Backend, _item: Row<'_, Self>) -> f32 {
        0.0
    }

    /// How [`item_margins`](Self::item_margins) follow from dot products with the split's vector, where vectors are of numbers.
    fn plane(_split: Row<'_, Self>) -> Plane {
        Plane::default()
    }

    /// Whether [`bounds`](Self::bounds) says anything.
    const BOUNDED: bool = false;

    /// The least and the most that [`distances`](Self::distances) can be where dot products are known within bounds; `own`
    /// is the query's [`tail`](Self::tail).
    fn bounds(_dots: &Bounds, _own: f32, _dimensions: usize) -> [[f32; 4]; 2] {
        [[f32::NEG_INFINITY; 4], [f32::INFINITY; 4]]
    }

    /// Chooses how to split a set of two items or more and writes it to `node`.
    fn split<R: Rng>(rng: &mut R, input: &SplitInput<'_, Self>, node: &mut SplitNode<Self>);

    /// Whether an item is one that this metric would write: its numbers are finite, and the parts of its header that only a
    /// node of a tree has are empty.
    fn check_item(_backend: Backend, item: Row<'_, Self>) -> bool {
        item.header.children() == [0, 0] && item.vector.iter().all(|x| x.is_finite())
    }

    /// Whether a split node says something that can be followed.
    fn check_split(_split: Row<'_, Self>, _nodes: Nodes<'_, Self>) -> bool {
        true
    }
}

/// The distance between two items, as it is reported.
pub(crate) fn distance<D: Rules>(nodes: Nodes<'_, D>, backend: Backend, a: u32, b: u32) -> Result<f32, SearchError> {
    let row = |id| nodes.item(id).ok_or(SearchError::NoSuchItem { id, items: nodes.items() });
    let [distance] = D::distances(backend, row(a)?, &[row(b)?]);
    Ok(D::reported(distance))
}

/// Makes 0 of a distance that rounding has made negative; `max` would make 0 of a NaN as well.
fn not_negative(distance: f32) -> f32 {
    if distance < 0.0 { 0.0 } else { distance }
}
