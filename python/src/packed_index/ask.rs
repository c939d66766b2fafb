//! What a caller asks for: queries, which ids may be answers, how hard to look.

use std::sync::Arc;

use ohyeah::Metric;
use ohyeah::packed::{RowSet, Search};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use super::keys::shown;
use super::storage::Loaded;
use crate::arguments::{self, Allowed, Queries, Whole, check_recall, check_rows};
use crate::exceptions::{packed_search_error, wrong_length};
use crate::id_set::IdSet;
use crate::threads::Threads;

/// Which ids may be answers.
pub(super) enum Filter {
    All,
    Rows(Arc<RowSet>),
    /// A mask for each query, one after the other.
    Each(Vec<u8>),
}

/// What is asked for of every query.
pub(super) struct Request {
    pub(super) k: usize,
    pub(super) search: Search,
    pub(super) threads: Threads,
    pub(super) similarity: bool,
}

impl Request {
    pub(super) fn new(
        k: Whole,
        recall: Option<f32>,
        threads: Option<Whole>,
        (leaves, candidates): (Option<Whole>, Option<Whole>),
        similarity: bool,
    ) -> PyResult<Self> {
        let k = k.count("k")?;
        let search = with_recall(Search::top(k), check_recall(recall)?);
        let leaves = leaves.map(|leaves| leaves.at_least_one("leaves")).transpose()?;
        let candidates = candidates.map(|candidates| candidates.at_least_one("candidates")).transpose()?;
        let search = match (leaves, candidates) {
            (None, None) => search,
            _ if recall.is_some() => {
                let text = "recall says how hard to look, and so do leaves and candidates: give one or the others";
                return Err(PyValueError::new_err(text));
            }
            (leaves, candidates) => search.probe(leaves.unwrap_or(1), candidates.unwrap_or(k)),
        };
        Ok(Self { k, search, threads: Threads::new(threads)?, similarity })
    }

    pub(super) fn check(&self, loaded: &Loaded) -> PyResult<()> {
        if self.similarity && loaded.metric() == Metric::Euclidean {
            let text = "similarity=True is for the metrics \"angular\", of which it gives cosines, and \"dot\": a euclidean \
                        index has distances alone";
            return Err(PyValueError::new_err(text));
        }
        Ok(())
    }
}

/// A recall of 1 compares with every vector.
pub(super) fn with_recall(search: Search, recall: f32) -> Search {
    if recall >= 1.0 { search.exact() } else { search.recall(recall) }
}

/// The queries as vectors, or as keys of vectors.
pub(super) fn queries(loaded: &Loaded, query: &Bound<'_, PyAny>) -> PyResult<Queries> {
    let vector = |key: &Bound<'_, PyString>| {
        if !loaded.has_keys() {
            let key = shown(key)?;
            let text =
                format!("query is the text {key}, and the index has no keys: give numbers, or keys= when it is built");
            return Err(PyValueError::new_err(text));
        }
        Ok(loaded.vector(loaded.id_of_key(key)?).unwrap_or(&[]).to_vec())
    };
    if let Ok(key) = query.cast::<PyString>() {
        return vector(key).map(Queries::One);
    }
    let is_sequence = query.is_instance_of::<PyList>() || query.is_instance_of::<PyTuple>();
    if is_sequence && query.get_item(0).is_ok_and(|first| first.is_instance_of::<PyString>()) {
        let keys: Vec<Bound<'_, PyString>> = query.extract()?;
        let mut numbers = Vec::new();
        for key in &keys {
            numbers.extend(vector(key)?);
        }
        return Ok(Queries::Many { numbers, rows: keys.len(), width: loaded.dimensions() });
    }
    let queries = arguments::queries("query", query)?;
    let width = match &queries {
        Queries::One(numbers) => numbers.len(),
        Queries::Many { width, .. } => *width,
    };
    if width != loaded.dimensions() {
        return Err(wrong_length(loaded.dimensions(), width));
    }
    if let Queries::Many { numbers, .. } = &queries {
        check_rows("query", 0, numbers, width)?;
    }
    Ok(queries)
}

impl Loaded {
    /// The rows that a filter allows, an `IdSet` or what makes one.
    pub(super) fn allowed(&self, filter: Option<&Bound<'_, PyAny>>, queries: &Queries) -> PyResult<Filter> {
        let Some(filter) = filter else { return Ok(Filter::All) };
        let make = |ids: &ohyeah::IdSet| self.row_set(ids).map_err(packed_search_error);
        if let Ok(set) = filter.cast::<IdSet>() {
            set.get().for_count(self.len())?;
            return set.get().rows_of(self.number, make).map(Filter::Rows);
        }
        let count = if let Queries::Many { rows, .. } = queries { Some(*rows) } else { None };
        Ok(match arguments::filter_of(filter, self.len(), count)? {
            Allowed::Set(set) => Filter::Rows(Arc::new(make(&set)?)),
            Allowed::Each(masks) => Filter::Each(masks),
        })
    }
}
