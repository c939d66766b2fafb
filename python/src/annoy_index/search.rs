//! Searching a forest: for one item or vector as Annoy does, and for many at once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use numpy::IntoPyArray;
use numpy::ndarray::Array2;
use ohyeah::Neighbour;
use ohyeah::forest::{ForestScratch, SearchError};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;
use rayon::prelude::*;

use super::{AnnoyIndex, Threads, truth};
use crate::arguments::{Whole, c_int, check_rows, id, item_ids, padded, rows, with_numbers};
use crate::exceptions::{annoys_wrong_length, no_such_item, search_error};
use crate::index::Found;
use crate::trees::{SearchParams, Trees};

thread_local! {
    /// The memory that a thread searches in.
    static SCRATCH: RefCell<ForestScratch> = RefCell::default();
}

impl AnnoyIndex {
    /// Searches have looked at these trees: it may be time for a sketch.
    fn count(&self, py: Python<'_>, trees: Arc<Trees>, searches: usize, wanted: SearchParams) {
        if trees.count(searches, wanted) {
            self.index.sketch(py, trees);
        }
    }

    fn search(
        &self,
        py: Python<'_>,
        trees: Arc<Trees>,
        query: &[f32],
        wanted: SearchParams,
    ) -> PyResult<Vec<Neighbour>> {
        let found = py.detach(|| {
            SCRATCH.with_borrow_mut(|scratch| trees.search(scratch, query, wanted).map(<[Neighbour]>::to_vec))
        })?;
        self.count(py, trees, 1, wanted);
        Ok(found)
    }

    /// The answers to many queries: ids, and distances, a row for each query; −1 and NaN where there are fewer than `n`, or no
    /// trees.
    fn search_all<'q>(
        &self,
        py: Python<'_>,
        trees: Option<Arc<Trees>>,
        queries: &(impl Fn(&Trees, usize) -> PyResult<Cow<'q, [f32]>> + Sync),
        rows: usize,
        n: usize,
        wanted: SearchParams,
        threads: Threads,
    ) -> PyResult<(Array2<i32>, Array2<f32>)> {
        let no_room = || PyMemoryError::new_err(format!("no memory for {n} answers to {rows} queries: ask for fewer"));
        let places = rows.checked_mul(n).ok_or_else(no_room)?;
        let (mut ids, mut distances) = (Vec::new(), Vec::new());
        ids.try_reserve_exact(places).map_err(|_| no_room())?;
        distances.try_reserve_exact(places).map_err(|_| no_room())?;
        padded(n, trees.as_ref().map_or(0, |trees| trees.items()), rows)?;
        ids.resize(places, -1);
        distances.resize(places, f32::NAN);
        if let Some(trees) = trees {
            let width = n.max(1);
            let search = |cancel: &AtomicBool, row: usize, ids: &mut [i32], distances: &mut [f32]| {
                if cancel.load(Ordering::Relaxed) {
                    return Err(search_error(SearchError::Cancelled));
                }
                let query = queries(&trees, row)?;
                SCRATCH.with_borrow_mut(|scratch| {
                    for (at, neighbour) in trees.search(scratch, &query, wanted)?.iter().enumerate() {
                        (ids[at], distances[at]) = (neighbour.id as i32, neighbour.distance);
                    }
                    Ok::<_, PyErr>(())
                })
            };
            // Not `search_many`: it gives each thread blocks of queries, and small batches are to use all threads.
            threads.pool(py)?.run_interruptible(py, |cancel| {
                let to = ids.par_chunks_mut(width).zip(distances.par_chunks_mut(width));
                to.enumerate().try_for_each(|(row, (ids, distances))| search(cancel, row, ids, distances))
            })??;
            self.count(py, trees, rows, wanted);
        }
        let shaped = |error: numpy::ndarray::ShapeError| PyValueError::new_err(error.to_string());
        Ok((
            Array2::from_shape_vec((rows, n), ids).map_err(shaped)?,
            Array2::from_shape_vec((rows, n), distances).map_err(shaped)?,
        ))
    }
}

/// A list of ids, or of ids and of distances.
fn answer<'py>(py: Python<'py>, found: &[Neighbour], distances: bool) -> PyResult<Bound<'py, PyAny>> {
    let ids = PyList::new(py, found.iter().map(|x| x.id))?;
    if !distances {
        return Ok(ids.into_any());
    }
    let distances = PyList::new(py, found.iter().map(|x| x.distance))?;
    Ok((ids, distances).into_pyobject(py)?.into_any())
}

/// The arrays, or that of the ids alone.
fn arrays(
    py: Python<'_>,
    (ids, distances): (Array2<i32>, Array2<f32>),
    include_distances: bool,
) -> PyResult<Bound<'_, PyAny>> {
    let ids = ids.into_pyarray(py);
    if !include_distances {
        return Ok(ids.into_any());
    }
    Ok((ids, distances.into_pyarray(py)).into_pyobject(py)?.into_any())
}

/// What a batch looks for: `n` answers to each query, −1 candidates being as many as Annoy would look at.
fn batch(n: Whole, search_k: Whole) -> PyResult<(usize, SearchParams)> {
    let n = n.count("n")?;
    let search_k = i32::try_from(search_k.value()).unwrap_or(if search_k.value() < 0 { -2 } else { i32::MAX });
    Ok((n, SearchParams::new(i32::try_from(n).unwrap_or(i32::MAX), search_k)))
}

#[pymethods]
impl AnnoyIndex {
    /// The `n` closest items to item `i`, itself among them.
    ///
    /// `search_k` candidates are looked at, by default `n` times the number of trees. With `include_distances` the answer is
    /// a tuple of two lists.
    ///
    /// >>> forest.get_nns_by_item(7, 1, include_distances=True)
    /// ([7], [0.0])
    #[pyo3(signature = (i, n, search_k=None, include_distances=false))]
    fn get_nns_by_item<'py>(
        &self,
        i: &Bound<'py, PyAny>,
        n: &Bound<'py, PyAny>,
        search_k: Option<&Bound<'py, PyAny>>,
        #[pyo3(from_py_with = truth)] include_distances: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = i.py();
        let (id, wanted) = (id(i)?, SearchParams::new(c_int(n)?, search_k.map_or(Ok(-1), c_int)?));
        let found = match self.index.found(py)? {
            Found::Items(items) if (id as usize) < items => Vec::new(),
            Found::Items(_) => return Err(no_such_item()),
            Found::Trees(trees) => {
                let query = trees.numbers_or_zeros(id)?;
                self.search(py, trees, &query, wanted)?
            }
        };
        answer(py, &found, include_distances)
    }

    /// The `n` closest items to a vector; see `get_nns_by_item`.
    ///
    /// >>> forest.get_nns_by_vector(vectors[7], 1)
    /// [7]
    #[pyo3(signature = (vector, n, search_k=None, include_distances=false))]
    fn get_nns_by_vector<'py>(
        &self,
        vector: &Bound<'py, PyAny>,
        n: &Bound<'py, PyAny>,
        search_k: Option<&Bound<'py, PyAny>>,
        #[pyo3(from_py_with = truth)] include_distances: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = vector.py();
        let wanted = SearchParams::new(c_int(n)?, search_k.map_or(Ok(-1), c_int)?);
        let found = with_numbers(vector, self.dimensions, |numbers| match self.index.found(py)? {
            Found::Items(_) => Ok(Vec::new()),
            Found::Trees(trees) => self.search(py, trees, numbers, wanted),
        })?;
        answer(py, &found, include_distances)
    }

    /// The `n` closest items to each row of a 2-d array: an array of ids, -1 where there are fewer; with
    /// `include_distances` a tuple of it and an array of distances. `n_jobs` threads work, all cores for None or -1; Ctrl-C ends it.
    ///
    /// >>> forest.get_nns_by_vectors(vectors[:3], 1).tolist()
    /// [[0], [1], [2]]
    #[pyo3(signature = (vectors, n, search_k=Whole::from(-1), include_distances=false, n_jobs=None))]
    #[pyo3(text_signature = "($self, vectors, n, search_k=-1, include_distances=False, n_jobs=None)")]
    fn get_nns_by_vectors<'py>(
        &self,
        vectors: &Bound<'py, PyAny>,
        n: Whole,
        search_k: Whole,
        #[pyo3(from_py_with = truth)] include_distances: bool,
        n_jobs: Option<Whole>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = vectors.py();
        let (threads, (n, wanted)) = (Threads::new(n_jobs)?, batch(n, search_k)?);
        let (numbers, width) = rows(vectors)?;
        if width != self.dimensions {
            return Err(annoys_wrong_length(self.dimensions, width));
        }
        check_rows("vectors", 0, &numbers, width)?;
        let trees = if let Found::Trees(trees) = self.index.found(py)? { Some(trees) } else { None };
        let query = |_: &Trees, row| Ok(Cow::Borrowed(&numbers[row * width..][..width]));
        let found = self.search_all(py, trees, &query, numbers.len() / width, n, wanted, threads)?;
        arrays(py, found, include_distances)
    }

    /// The `n` closest items to each of many items; see `get_nns_by_vectors`.
    ///
    /// >>> forest.get_nns_by_items([3, 5], 1).tolist()
    /// [[3], [5]]
    #[pyo3(signature = (items, n, search_k=Whole::from(-1), include_distances=false, n_jobs=None))]
    #[pyo3(text_signature = "($self, items, n, search_k=-1, include_distances=False, n_jobs=None)")]
    fn get_nns_by_items<'py>(
        &self,
        items: &Bound<'py, PyAny>,
        n: Whole,
        search_k: Whole,
        #[pyo3(from_py_with = truth)] include_distances: bool,
        n_jobs: Option<Whole>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = items.py();
        let (threads, (n, wanted)) = (Threads::new(n_jobs)?, batch(n, search_k)?);
        let items = item_ids(items)?;
        let (count, trees) = match self.index.found(py)? {
            Found::Items(count) => (count, None),
            Found::Trees(trees) => (trees.items(), Some(trees)),
        };
        let id = |id: &i64| u32::try_from(*id).ok().filter(|id| (*id as usize) < count).ok_or_else(no_such_item);
        let items: Vec<u32> = items.iter().map(id).collect::<PyResult<_>>()?;
        let query = |trees: &Trees, row: usize| trees.numbers_or_zeros(items[row]).map(Cow::Owned);
        let found = self.search_all(py, trees, &query, items.len(), n, wanted, threads)?;
        arrays(py, found, include_distances)
    }
}
