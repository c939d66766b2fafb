//! The ways to call a search, and from what a caller asks for to what a search does.

use alloc::vec::Vec;

use super::PackedScratch;
use super::allowed::{ById, ByRow, RowFilter};
use super::cost::Costs;
use super::filtered::scatters_more;
use super::params::{AdaptivePlan, FixedPlan, Plan, for_recall};
use crate::filter::{Filter, RowSet};
use crate::packed::damage::{Damage, Rule};
use crate::packed::error::SearchError;
use crate::packed::file::view::View;
use crate::packed::options::{Mode, Search, SearchPlan};
use crate::packed::quantise::space::check_vector;
use crate::parallel::{self, Join};
use crate::progress::{Cancel, Progress, Steps};
use crate::{Metric, Neighbour, Packed};

impl<S: AsRef<[u8]>> Packed<S> {
    /// The nearest vectors, nearest first, of equals the smaller id first.
    ///
    /// # Errors
    ///
    /// A query that no vector could be, a recall that is none, or an answer that shows that the file is damaged.
    pub fn search<F: Filter>(&self, query: &[f32], search: &Search<F>) -> Result<Vec<Neighbour>, SearchError> {
        self.search_in(&mut PackedScratch::new(), query, search).map(<[_]>::to_vec)
    }

    /// [`search`](Self::search) in memory that the caller keeps.
    ///
    /// # Errors
    ///
    /// See [`search`](Self::search).
    pub fn search_in<'s, F: Filter>(
        &self,
        scratch: &'s mut PackedScratch,
        query: &[f32],
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        search_in(&self.view().ok_or(SearchError::Storage)?, scratch, query, search)
    }

    /// The nearest vectors of a vector of the index, itself among them.
    ///
    /// # Errors
    ///
    /// There is no such id; or see [`search`](Self::search).
    pub fn search_item_in<'s, F: Filter>(
        &self,
        scratch: &'s mut PackedScratch,
        id: u32,
        search: &Search<F>,
    ) -> Result<&'s [Neighbour], SearchError> {
        let items = self.len() as u32;
        let view = self.view().ok_or(SearchError::Storage)?;
        if id >= items {
            return Err(SearchError::NoSuchItem { id, items });
        }
        let row = view.row_of(id).ok_or(Damage { rule: Rule::Ids, at: u64::from(id) })?;
        search_in(&view, scratch, view.vector(row), search)
    }

    /// How a search for the `n` nearest with this recall is answered; with one that is exact or no recall, all are compared.
    #[must_use]
    pub fn plan(&self, n: usize, recall: f32) -> SearchPlan {
        let Some(view) = self.view().filter(|_| recall > 0.0 && recall < 1.0) else { return SearchPlan::All };
        match for_recall(&view, recall, n.min(view.shape.rows), Costs::of(&view.shape).all(n as f32)) {
            Plan::Adaptive(AdaptivePlan { leaves, rows, candidates, tenth, .. }) => {
                SearchPlan::Scan { leaves, rows, candidates, tenth }
            }
            Plan::Fixed(FixedPlan { leaves, candidates, .. }) => {
                let (leaves, all) = (leaves as f32, view.shape.leaves.max(1) as f32);
                let rows = view.shape.rows as f32 * leaves / all;
                SearchPlan::Scan { leaves, rows, candidates: candidates as f32, tenth: f32::NAN }
            }
            Plan::All => SearchPlan::All,
        }
    }

    /// A filter made ready for searches of this index; see [`RowSet`].
    ///
    /// # Errors
    ///
    /// The storage no longer gives the bytes that were opened.
    #[allow(clippy::needless_pass_by_value, reason = "as searches take filters: a closure or a reference")]
    pub fn row_set<F: Filter>(&self, filter: F) -> Result<RowSet, SearchError> {
        let view = self.view().ok_or(SearchError::Storage)?;
        let leaves = (0..view.shape.leaves as u32).map(|leaf| view.leaf_rows(leaf));
        let mut set = RowSet::new(&filter, view.ids, leaves, view.fingerprint);
        if scatters_more(&view, &set) {
            set.set_uneven();
        }
        Ok(set)
    }

    /// [`search`](Self::search) for each of many queries, in their order.
    ///
    /// # Errors
    ///
    /// That of the first query that has one.
    pub fn search_many<F: Filter + Sync>(
        &self,
        queries: &[&[f32]],
        search: &Search<F>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        search_many(&self.view().ok_or(SearchError::Storage)?, queries, search)
    }

    /// [`search_many`](Self::search_many) on the threads of `J`, with the same answers.
    ///
    /// # Errors
    ///
    /// That of the first query that has one, or [`SearchError::Cancelled`].
    pub fn search_many_with<J: Join, F: Filter + Sync>(
        &self,
        queries: &[&[f32]],
        search: &Search<F>,
        progress: Progress<'_>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        let view = self.view().ok_or(SearchError::Storage)?;
        // Enough for each thread to make good use of its memory, and few enough for all threads to have some.
        let together = queries.len().div_ceil(16 * J::threads()).clamp(1, 256);
        let chunks = queries.len().div_ceil(together);
        let steps = Steps::new(progress, 0.0..1.0, chunks);
        let found = parallel::map::<J, _>(0..chunks, &|chunk| {
            cancel.check()?;
            let some = &queries[chunk * together..queries.len().min((chunk + 1) * together)];
            let found = search_many(&view, some, search);
            steps.step();
            found
        });
        cancel.check()?;
        let found: Vec<_> = found.into_iter().collect::<Result<_, SearchError>>()?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn search_in<'s, F: Filter>(
    view: &View<'_>,
    scratch: &'s mut PackedScratch,
    query: &[f32],
    search: &Search<F>,
) -> Result<&'s [Neighbour], SearchError> {
    search.check()?;
    check_vector(view.shape.metric, query, view.shape.dimensions, view.backend)?;
    scratch.set_query(view, query);
    let found = search_view(view, scratch, search);
    scratch.check_found(view)?;
    check_allowed(scratch.found(), search)?;
    Ok(&scratch.found()[..found])
}

/// Whether all that was found is of the set that was asked for: rows of a set have other ids where a storage has changed them
/// since, or where another file has the same header.
fn check_allowed<F: Filter>(found: &[Neighbour], search: &Search<F>) -> Result<(), Damage> {
    let Some(rows) = search.filter.rows() else { return Ok(()) };
    match found.iter().find(|found| !Filter::allows(&rows, found.id)) {
        Some(found) => Err(Damage { rule: Rule::Ids, at: u64::from(found.id) }),
        None => Ok(()),
    }
}

fn search_many<F: Filter>(
    view: &View<'_>,
    queries: &[&[f32]],
    search: &Search<F>,
) -> Result<Vec<Vec<Neighbour>>, SearchError> {
    let mut scratch = PackedScratch::new();
    queries.iter().map(|query| search_in(view, &mut scratch, query, search).map(<[_]>::to_vec)).collect()
}

/// So many of those within a distance are asked for at first.
const FEW: usize = 32;

/// Searches for the query that was set; returns how many of what was found are asked for.
fn search_view<F: Filter>(view: &View<'_>, scratch: &mut PackedScratch, search: &Search<F>) -> usize {
    match search.filter.rows().filter(|rows| rows.is_of(view.fingerprint, view.shape.rows)) {
        Some(rows) => search_rows(view, scratch, search, &ByRow(rows)),
        None => search_rows(view, scratch, search, &ById(&search.filter)),
    }
}

fn search_rows<F, R: RowFilter>(view: &View<'_>, scratch: &mut PackedScratch, search: &Search<F>, filter: &R) -> usize {
    let most = search.n.min(filter.row_set().map_or(view.shape.rows, RowSet::len));
    // Of those within a distance it is not known how many there are: a few are asked for, and more while all lie within.
    let at_once = search.within.is_none() || search.mode == Mode::Exact;
    let mut n = if at_once { most } else { most.min(FEW) };
    loop {
        scratch.search(view, n, search.mode, filter);
        let is_within = |x: &Neighbour| match (search.within, view.shape.metric) {
            (None, _) => true,
            (Some(least), Metric::Dot) => x.distance >= least,
            (Some(most), _) => x.distance <= most,
        };
        let found = scratch.found().len();
        let within = scratch.found().iter().take_while(|x| is_within(x)).count();
        if within < n || found < n || n == most {
            return within;
        }
        n = n.saturating_mul(4).min(most);
    }
}
