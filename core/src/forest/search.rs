//! Searching: one priority queue over all trees.
//!
//! The queue holds nodes, best first: a child's priority is how far inside of it the query lies, by the plane that is
//! tightest on the way down. The items of leaves become candidates until there are `search_k`, counting repeats;
//! then each candidate is compared with the query once.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;

use super::damage::{Damage, Rule};
use super::error::SearchError;
use super::node::{Kind, Nodes, Row};
use super::rules::Distance;
use super::score::{self, Pruning};
use super::sketch::Sketch;
use crate::filter::{All, Filter, IdSet};
use crate::metric::Element;
use crate::top_k::{TopK, key, split_key};
use crate::{Backend, Cancel, Neighbour};

/// What to look for, and how hard.
///
/// ```
/// use ohyeah_core::forest::Search;
///
/// // The ten nearest even ids, of at least 5000 candidates.
/// let search = Search::top(10).search_k(5000).filter(|id| id % 2 == 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search<F = All> {
    pub(crate) n: usize,
    search_k: Option<usize>,
    pub(super) exact: bool,
    pub(crate) filter: F,
}

impl Search {
    /// The `n` nearest items, among as many candidates as `n` times the number of trees.
    #[must_use]
    pub const fn top(n: usize) -> Self {
        Self { n, search_k: None, exact: false, filter: All }
    }
}

impl<F> Search<F> {
    /// Looks at this many candidates. An item counts once for each tree in which it is met, and a leaf is taken whole.
    #[must_use]
    pub fn search_k(mut self, candidates: usize) -> Self {
        self.search_k = Some(candidates);
        self
    }

    /// Compares the query with every item: slow, and always right.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    /// Only items that the filter allows are answers. Others do not count toward `search_k`: the search goes on until it
    /// has found enough that are allowed, or there are no more.
    #[must_use]
    pub fn filter<G: Filter>(self, filter: G) -> Search<G> {
        Search { n: self.n, search_k: self.search_k, exact: self.exact, filter }
    }
}

/// The memory that a search works in: kept, the next search allocates nothing. It serves any forest.
///
/// ```
/// use ohyeah_core::forest::{BuildOptions, ForestScratch, Search};
/// use ohyeah_core::{Angular, Euclidean, Forest};
///
/// let vectors = [1.0, 0.0, 0.0, 1.0];
/// let by_angle = Forest::build(Angular, &vectors, 2, &BuildOptions::new())?;
/// let by_distance = Forest::build(Euclidean, &vectors, 2, &BuildOptions::new())?;
/// let mut scratch = ForestScratch::new();
/// assert_eq!(by_angle.search_in(&mut scratch, &[0.0, 2.0], &Search::top(1))?[0].id, 1);
/// assert_eq!(by_distance.search_in(&mut scratch, &[2.0, 0.0], &Search::top(1))?[0].id, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct ForestScratch {
    /// Priority above, node below: of equal priorities the larger node comes first, as in Annoy.
    queue: BinaryHeap<u64>,
    seen: IdSet,
    candidates: Vec<u32>,
    pruning: Pruning,
    pub(super) tops: Vec<TopK>,
    found: Vec<Neighbour>,
}

impl ForestScratch {
    /// Memory that grows with the first search.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Searches a forest again and again, in the same memory.
///
/// ```
/// use ohyeah_core::forest::{BuildOptions, Search};
/// use ohyeah_core::{Euclidean, Forest};
///
/// let forest = Forest::build(Euclidean, &[1.0, 4.0, 9.0], 1, &BuildOptions::new())?;
/// let mut searcher = forest.searcher();
/// assert_eq!(searcher.search(&[5.0], &Search::top(1))?[0].id, 1);
/// assert_eq!(searcher.search_item(2, &Search::top(2))?[1].id, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Searcher<'f, D: Distance> {
    forest: ForestView<'f, D>,
    scratch: ForestScratch,
}

impl<'f, D: Distance> Searcher<'f, D> {
    pub(super) fn new(forest: ForestView<'f, D>) -> Self {
        Self { forest, scratch: ForestScratch::default() }
    }

    /// The nearest items to a vector, nearest first; of equal distances the smaller id first.
    ///
    /// # Errors
    ///
    /// A query of the wrong length or with numbers that no item can have, or a damaged node.
    pub fn search<F: Filter>(&mut self, query: &[D::Element], search: &Search<F>) -> Result<&[Neighbour], SearchError> {
        self.forest.search(&mut self.scratch, query, search)
    }

    /// The nearest items to an item, itself among them.
    ///
    /// # Errors
    ///
    /// [`SearchError::NoSuchItem`], or a damaged node.
    pub fn search_item<F: Filter>(&mut self, id: u32, search: &Search<F>) -> Result<&[Neighbour], SearchError> {
        self.forest.search_item(&mut self.scratch, id, search)
    }
}

/// The parts of a forest that a search reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForestView<'f, D: Distance> {
    pub(super) nodes: Nodes<'f, D>,
    pub(super) roots: &'f [u32],
    pub(super) sketch: Option<&'f Sketch>,
    pub(super) backend: Backend,
    /// Whether the storage gives what it gave when it was opened.
    pub(super) is_as_opened: bool,
}

impl<D: Distance> ForestView<'_, D> {
    pub(crate) fn search<'s, F: Filter>(
        self,
        scratch: &'s mut ForestScratch,
        query: &[D::Element],
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        let header = self.check(query)?;
        let query = Row { header: &header, vector: query };
        scratch.tops.resize_with(scratch.tops.len().max(1), TopK::default);
        scratch.tops[0].reset(search.n);
        if search.exact {
            score::all(self.nodes, self.backend, &[query], &mut scratch.tops, &search.filter, Cancel::NEVER);
        } else {
            let search_k = search.search_k.unwrap_or(search.n.saturating_mul(self.roots.len()));
            self.collect(scratch, query.vector, search_k, &search.filter)?;
            let ForestScratch { tops, candidates, pruning, .. } = scratch;
            let mut ids = candidates.as_slice();
            if let Some(sketch) = self.sketch.filter(|_| D::BOUNDED && ids.len() / 2 > search.n) {
                ids = score::prune(sketch, self.backend, query, ids, search.n, pruning);
            }
            score::candidates(self.nodes, self.backend, query, ids, |distance, id| tops[0].push(distance, id));
        }
        scratch.found.clear();
        scratch.found.extend(scratch.tops[0].finish().map(|x| Neighbour { distance: D::reported(x.distance), ..x }));
        check_found(&scratch.found)?;
        Ok(&scratch.found)
    }

    pub(crate) fn search_item<'s, F: Filter>(
        self,
        scratch: &'s mut ForestScratch,
        id: u32,
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        if !self.is_as_opened {
            return Err(SearchError::Storage);
        }
        let row = self.nodes.item(id).ok_or(SearchError::NoSuchItem { id, items: self.nodes.items() })?;
        self.search(scratch, row.vector, search)
    }

    pub(super) fn check(&self, query: &[D::Element]) -> Result<D::Header, SearchError> {
        if !self.is_as_opened {
            return Err(SearchError::Storage);
        }
        D::Element::check(query, self.nodes.layout().dimensions, self.backend)?;
        Ok(D::query_header(self.backend, query))
    }

    /// Fills `candidates` with different ids until `search_k` have been met.
    fn collect<F: Filter>(
        &self,
        scratch: &mut ForestScratch,
        query: &[D::Element],
        search_k: usize,
        filter: &F,
    ) -> Result<(), Damage> {
        let nodes = self.nodes;
        scratch.seen.clear_words_of(&scratch.candidates);
        scratch.seen.reserve(nodes.items());
        scratch.candidates.clear();
        scratch.queue.clear();
        scratch.queue.extend(self.roots.iter().map(|root| key(D::ROOT_PRIORITY, *root)));
        let mut met = 0;
        // In a forest that is in order no node has two parents. Where this many splits were visited there is a loop, or
        // children are shared so often that the search would never end.
        let mut splits_left = nodes.len();
        while met < search_k {
            let Some(next) = scratch.queue.pop() else { break };
            let (priority, id) = split_key(next);
            match nodes.kind(id).ok_or(Damage { node: id, rule: Rule::Child })? {
                Kind::Hole => {}
                Kind::Item => met += scratch.candidate(id, filter),
                Kind::Leaf(ids) => {
                    for item in ids {
                        if *item >= nodes.items() {
                            return Err(Damage { node: id, rule: Rule::Leaf });
                        }
                        met += scratch.candidate(*item, filter);
                    }
                }
                Kind::Split { children, split } => {
                    splits_left = splits_left.checked_sub(1).ok_or(Damage { node: id, rule: Rule::Parent })?;
                    let [margin] = D::margins(self.backend, split, [query]);
                    let priorities = D::child_priorities(priority, margin);
                    for (child, priority) in children.into_iter().zip(priorities) {
                        scratch.queue.push(key(priority, child));
                        nodes.prefetch(child);
                    }
                }
                Kind::Damaged => return Err(Damage { node: id, rule: Rule::Descendants }),
            }
        }
        Ok(())
    }
}

impl ForestScratch {
    /// Notes a candidate; returns how much it counts.
    #[inline]
    fn candidate<F: Filter>(&mut self, id: u32, filter: &F) -> usize {
        if !filter.allows(id) {
            return 0;
        }
        if self.seen.insert(id) {
            self.candidates.push(id);
        }
        1
    }
}

/// Whether all distances of an answer are numbers. Only those of items that were never verified may not be.
pub(super) fn check_found(found: &[Neighbour]) -> Result<(), Damage> {
    match found.iter().find(|found| found.distance.is_nan()) {
        Some(found) => Err(Damage { node: found.id, rule: Rule::Item }),
        None => Ok(()),
    }
}
