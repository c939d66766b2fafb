//! Many queries at a time. Exact searches share their passes over the items.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::error::SearchError;
use super::node::Row;
use super::rules::Distance;
use super::score;
use super::search::{ForestScratch, ForestView, Search, check_found};
use crate::filter::Filter;
use crate::parallel::{self, Join};
use crate::top_k::TopK;
use crate::{Cancel, Neighbour, Progress};

/// Queries that a thread answers before it looks for others to share the work; in an exact search they share one pass over the
/// items.
const QUERIES_A_BLOCK: usize = 64;

impl<D: Distance> ForestView<'_, D> {
    /// [`Forest::search_many_with`](super::Forest::search_many_with).
    pub(super) fn search_many<J: Join, F: Filter + Sync>(
        self,
        queries: &[&[D::Element]],
        search: &Search<F>,
        progress: Progress<'_>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        let blocks: Vec<_> = queries.chunks(QUERIES_A_BLOCK).collect();
        let done = AtomicUsize::new(0);
        let found = parallel::map::<J, _>(0..blocks.len(), &|block| {
            let queries_of_block = blocks[block];
            let found = self.search_block(queries_of_block, search, cancel)?;
            let done = done.fetch_add(queries_of_block.len(), Relaxed) + queries_of_block.len();
            progress.tell(done as f32 / queries.len() as f32);
            Ok::<_, SearchError>(found)
        });
        let mut all = Vec::with_capacity(queries.len());
        for block in found {
            all.extend(block?);
        }
        Ok(all)
    }

    /// The nearest items to each vector of a block.
    fn search_block<F: Filter>(
        self,
        queries: &[&[D::Element]],
        search: &Search<F>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Neighbour>>, SearchError> {
        let mut scratch = ForestScratch::default();
        if !search.exact {
            let mut answer = |query: &&[D::Element]| {
                cancel.check()?;
                self.search(&mut scratch, query, search).map(<[_]>::to_vec)
            };
            return queries.iter().map(&mut answer).collect();
        }
        let headers = queries.iter().map(|query| self.check(query)).collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<_> = headers.iter().zip(queries).map(|(header, vector)| Row { header, vector }).collect();
        let tops = &mut scratch.tops;
        tops.resize_with(rows.len(), TopK::default);
        for top in tops.iter_mut() {
            top.reset(search.n);
        }
        score::all(self.nodes, self.backend, &rows, tops, &search.filter, cancel);
        cancel.check()?;
        let reported = |top: &mut TopK| {
            let found = top.finish().map(|x| Neighbour { distance: D::reported(x.distance), ..x });
            let found: Vec<Neighbour> = found.collect();
            check_found(&found)?;
            Ok(found)
        };
        tops.iter_mut().map(reported).collect()
    }
}
