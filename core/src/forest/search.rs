//! Searching: one priority queue over all trees.
//!
//! The queue holds nodes, best first: a child's priority is how far inside of it the query lies, by the plane that is
//! tightest on the way down. Leaves are emptied into a list of candidates until there are `search_k`, counting repeats;
//! then each candidate is compared with the query once.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;

use super::node::{Kind, Nodes, Row};
use crate::error::{Damage, Rule, SearchError};
use crate::filter::{All, Filter, IdSet};
use crate::metric::{Distance, Element};
use crate::parallel::{self, Join};
use crate::score;
use crate::top_k::{TopK, key, split_key};
use crate::{Backend, Neighbour};

/// What to look for, and how hard.
///
/// ```
/// use ohyeah_core::Search;
///
/// // The ten nearest even ids, of at least 5000 candidates.
/// let search = Search::top(10).search_k(5000).filter(|id| id % 2 == 0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Search<F = All> {
    pub(crate) n: usize,
    search_k: Option<usize>,
    exact: bool,
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

    /// Compares the query with every item: slow, and right.
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

/// Searches a forest again and again, in the same memory.
#[derive(Debug)]
pub struct Searcher<'f, D: Distance> {
    nodes: Nodes<'f, D>,
    roots: &'f [u32],
    backend: Backend,
    /// Priority above, node below: of equal priorities the larger node comes first, as in Annoy.
    queue: BinaryHeap<u64>,
    seen: IdSet,
    candidates: Vec<u32>,
    tops: Vec<TopK>,
    found: Vec<Neighbour>,
}

/// Queries that share one pass over the items in an exact search.
const EXACT_TOGETHER: usize = 64;

impl<'f, D: Distance> Searcher<'f, D> {
    pub(super) fn new(nodes: Nodes<'f, D>, roots: &'f [u32], backend: Backend) -> Self {
        let (queue, seen) = (BinaryHeap::new(), IdSet::new());
        Self { nodes, roots, backend, queue, seen, candidates: Vec::new(), tops: Vec::new(), found: Vec::new() }
    }

    /// The nearest items to a vector, nearest first; of equal distances the smaller id first.
    ///
    /// # Errors
    ///
    /// A query that is no vector that an item could have, or a damaged node.
    pub fn search<F: Filter>(&mut self, query: &[D::Element], search: &Search<F>) -> Result<&[Neighbour], SearchError> {
        let header = self.check(query)?;
        let query = Row { header: &header, vector: query };
        self.tops.resize_with(self.tops.len().max(1), TopK::default);
        self.tops[0].reset(search.n);
        if search.exact {
            score::all(self.nodes, self.backend, &[query], &mut self.tops, &search.filter);
        } else {
            let search_k = search.search_k.unwrap_or(search.n.saturating_mul(self.roots.len()));
            self.collect(query.vector, search_k, &search.filter)?;
            let top = &mut self.tops[0];
            score::candidates(self.nodes, self.backend, query, &self.candidates, |distance, id| top.push(distance, id));
        }
        self.found.clear();
        self.found.extend(self.tops[0].finish().map(|x| Neighbour { distance: D::reported(x.distance), ..x }));
        Ok(&self.found)
    }

    /// The nearest items to an item, itself among them.
    ///
    /// # Errors
    ///
    /// [`SearchError::NoSuchItem`], or a damaged node.
    pub fn search_item<F: Filter>(&mut self, id: u32, search: &Search<F>) -> Result<&[Neighbour], SearchError> {
        let row = self.nodes.item(id).ok_or(SearchError::NoSuchItem { id, items: self.nodes.items() })?;
        self.search(row.vector, search)
    }

    /// The nearest items to each of several vectors. Exact searches share their passes over the items.
    fn search_block<F: Filter>(
        &mut self,
        queries: &[&[D::Element]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        if !search.exact {
            return queries.iter().map(|query| self.search(query, search).map(<[_]>::to_vec)).collect();
        }
        let headers = queries.iter().map(|query| self.check(query)).collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<_> = headers.iter().zip(queries).map(|(header, vector)| Row { header, vector }).collect();
        self.tops.resize_with(self.tops.len().max(rows.len()), TopK::default);
        for top in &mut self.tops {
            top.reset(search.n);
        }
        score::all(self.nodes, self.backend, &rows, &mut self.tops, &search.filter);
        let reported =
            |top: &mut TopK| top.finish().map(|x| Neighbour { distance: D::reported(x.distance), ..x }).collect();
        Ok(self.tops.iter_mut().take(rows.len()).map(reported).collect())
    }

    fn check(&self, query: &[D::Element]) -> Result<D::Header, SearchError> {
        D::Element::check(query, self.nodes.layout().dimensions, self.backend)?;
        Ok(D::query_header(self.backend, query))
    }

    /// Fills `candidates` with different ids until `search_k` have been met.
    fn collect<F: Filter>(&mut self, query: &[D::Element], search_k: usize, filter: &F) -> Result<(), Damage> {
        let nodes = self.nodes;
        self.seen.clear_words_of(&self.candidates);
        self.seen.reserve(nodes.items());
        self.candidates.clear();
        self.queue.clear();
        self.queue.extend(self.roots.iter().map(|root| key(D::ROOT_PRIORITY, *root)));
        let mut met = 0;
        // In a forest that is in order no node has two parents. Where this many splits were visited there is a loop, or
        // children are shared so often that the search would never end.
        let mut splits_left = nodes.len();
        while met < search_k {
            let Some(next) = self.queue.pop() else { break };
            let (priority, id) = split_key(next);
            match nodes.kind(id).ok_or(Damage { node: id, rule: Rule::Child })? {
                Kind::Hole => {}
                Kind::Item => met += self.candidate(id, filter),
                Kind::Leaf(ids) => {
                    for item in ids {
                        if *item >= nodes.items() {
                            return Err(Damage { node: id, rule: Rule::Leaf });
                        }
                        met += self.candidate(*item, filter);
                    }
                }
                Kind::Split { children, split } => {
                    splits_left = splits_left.checked_sub(1).ok_or(Damage { node: id, rule: Rule::Parent })?;
                    let [margin] = D::margins(self.backend, split, [query]);
                    let priorities = D::child_priorities(priority, margin);
                    for (child, priority) in children.into_iter().zip(priorities) {
                        self.queue.push(key(priority, child));
                    }
                    nodes.prefetch(children[usize::from(priorities[1] > priorities[0])]);
                }
                Kind::Damaged => return Err(Damage { node: id, rule: Rule::Descendants }),
            }
        }
        Ok(())
    }

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

/// [`Forest::search_many`](super::Forest::search_many) over what makes a searcher.
pub(super) fn search_many<'f, J: Join, D: Distance, F: Filter + Sync>(
    searcher: &(impl Fn() -> Searcher<'f, D> + Sync),
    queries: &[&[D::Element]],
    search: &Search<F>,
) -> Result<Vec<Vec<Neighbour>>, SearchError> {
    let blocks = queries.len().div_ceil(EXACT_TOGETHER);
    let found = parallel::map::<J, _>(0..blocks, &|block| {
        let first = block * EXACT_TOGETHER;
        let last = queries.len().min(first + EXACT_TOGETHER);
        searcher().search_block(&queries[first..last], search)
    });
    let mut all = Vec::with_capacity(queries.len());
    for block in found {
        all.extend(block?);
    }
    Ok(all)
}
