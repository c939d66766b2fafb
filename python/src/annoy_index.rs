//! `AnnoyIndex`: the class of the package annoy, method for method.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use numpy::IntoPyArray;
use numpy::ndarray::Array2;
use ohyeah::forest::{Scratch, SearchError};
use ohyeah::{Metric, Neighbour};
use pyo3::exceptions::{PyFutureWarning, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use rayon::prelude::*;

use crate::arguments::{Matrix, c_int, id, rows, with_numbers, wrong_length};
use crate::exceptions::{no_such_item, search_error};
use crate::index::{Found, Index};
use crate::threads::Pool;
use crate::trees::{SearchParams, Trees};

thread_local! {
    /// The memory that a thread searches in.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// An index of vectors for approximate nearest neighbours, as `annoy.AnnoyIndex` is one: the same methods, the same files.
///
/// It may be used from several threads: searches run side by side, on what is there when they begin. While it is built or items
/// are added, they wait.
#[pyclass(frozen, subclass, module = "ohyeah")]
pub(crate) struct AnnoyIndex {
    index: Index,
    dimensions: usize,
    /// Annoy's attribute `f`, which programs may write to without any effect.
    f: AtomicUsize,
}

/// The metric, and a warning where it was left out.
fn metric(py: Python<'_>, name: Option<&str>) -> PyResult<Metric> {
    let Some(name) = name else {
        let text = c"The default argument for metric will be removed in future version of Annoy. Please pass \
                     metric='angular' explicitly.";
        PyErr::warn(py, &py.get_type::<PyFutureWarning>(), text, 1)?;
        return Ok(Metric::Angular);
    };
    name.parse().map_err(|_| PyValueError::new_err("No such metric"))
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
        pool: &Pool,
    ) -> PyResult<(Array2<i32>, Array2<f32>)> {
        let no_room = || PyMemoryError::new_err(format!("no memory for {n} answers to {rows} queries: ask for fewer"));
        let places = rows.checked_mul(n).ok_or_else(no_room)?;
        let (mut ids, mut distances) = (Vec::new(), Vec::new());
        ids.try_reserve_exact(places).map_err(|_| no_room())?;
        distances.try_reserve_exact(places).map_err(|_| no_room())?;
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
            pool.run_interruptible(py, |cancel| {
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

/// Whether Python takes something for true.
fn truth(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.is_truthy()
}

/// Rows that are added at a time.
const ROWS: usize = 4096;

#[pymethods]
impl AnnoyIndex {
    #[new]
    #[pyo3(signature = (f, metric=None))]
    fn new(py: Python<'_>, f: &Bound<'_, PyAny>, metric: Option<&str>) -> PyResult<Self> {
        let metric = self::metric(py, metric)?;
        let f = c_int(f)?;
        let dimensions = usize::try_from(f).unwrap_or(0);
        Ok(Self { index: Index::new(metric, dimensions)?, dimensions, f: dimensions.into() })
    }

    /// What `__new__` has seen, for classes that derive from this one and hand it on.
    #[pyo3(signature = (*_args, **_kwargs))]
    #[allow(clippy::unused_self)]
    fn __init__(&self, _args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) {}

    /// An index is true, even an empty one, as Annoy's is.
    #[allow(clippy::unused_self)]
    fn __bool__(&self) -> bool {
        true
    }

    #[getter]
    fn f(&self) -> usize {
        self.f.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_f(&self, f: usize) {
        self.f.store(f, Ordering::Relaxed);
    }

    /// Adds item `i` (any non-negative integer) with vector `vector`. Memory is allocated for `max(i) + 1` items.
    fn add_item(&self, i: &Bound<'_, PyAny>, vector: &Bound<'_, PyAny>) -> PyResult<()> {
        let id = id(i)?;
        with_numbers(vector, self.dimensions, |numbers| self.index.add(vector.py(), id, numbers))
    }

    /// Adds the rows of a 2-d array as items `first`, `first` + 1, …
    #[pyo3(signature = (vectors, first=0))]
    fn add_items(&self, vectors: &Bound<'_, PyAny>, first: u32) -> PyResult<()> {
        let matrix = Matrix::new(vectors)?;
        if matrix.width != self.dimensions {
            return Err(wrong_length(self.dimensions, matrix.width));
        }
        for start in (0..matrix.rows).step_by(ROWS) {
            // Ids that do not fit are too large, and an error that the index knows.
            let first = u32::try_from(start).ok().and_then(|start| first.checked_add(start)).unwrap_or(u32::MAX);
            self.index.add_all(vectors.py(), first, &matrix.copy_rows(start, ROWS)?)?;
        }
        Ok(())
    }

    /// Builds a forest of `n_trees` trees; -1 for as many as double the size of the index. More trees give higher precision
    /// when querying. `n_jobs` is the number of threads; -1 uses all there are. The result does not depend on it.
    /// Ctrl-C ends the build and leaves the items as they were.
    #[pyo3(signature = (n_trees, n_jobs=None))]
    fn build(&self, py: Python<'_>, n_trees: &Bound<'_, PyAny>, n_jobs: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let (trees, threads) = (c_int(n_trees)?, n_jobs.map_or(Ok(-1), c_int)?);
        self.index.build(py, trees, &Pool::of(py, threads.into())?)?;
        Ok(true)
    }

    /// Unbuilds the trees, so that more items can be added.
    fn unbuild(&self, py: Python<'_>) -> PyResult<bool> {
        self.index.unbuild(py)?;
        Ok(true)
    }

    /// Builds in a file and not in memory; to be called before items are added. The file is there when the index is built.
    fn on_disk_build(&self, py: Python<'_>, r#fn: PathBuf) -> PyResult<bool> {
        self.index.build_in(py, r#fn)?;
        Ok(true)
    }

    /// Saves the index, whole or not at all. It is then the one in the file, mapped into memory.
    #[pyo3(signature = (r#fn, prefault=false))]
    fn save(&self, py: Python<'_>, r#fn: PathBuf, #[pyo3(from_py_with = truth)] prefault: bool) -> PyResult<bool> {
        self.index.save(py, &r#fn, &[], prefault)?;
        Ok(true)
    }

    /// The size of the index in bytes, which is that of its file.
    fn _size(&self, py: Python<'_>) -> PyResult<usize> {
        self.index.size(py)
    }

    /// Saves the index with other bytes behind it.
    fn _save_with(&self, py: Python<'_>, r#fn: PathBuf, more: &Bound<'_, PyBytes>) -> PyResult<()> {
        // Nobody changes the bytes of a `bytes`, and the reference keeps them.
        self.index.save(py, &r#fn, more.as_bytes(), false)
    }

    /// Loads (maps into memory) an index from a file.
    #[pyo3(signature = (r#fn, prefault=false))]
    fn load(&self, py: Python<'_>, r#fn: PathBuf, #[pyo3(from_py_with = truth)] prefault: bool) -> PyResult<bool> {
        self.index.load(py, &r#fn, None, prefault)?;
        Ok(true)
    }

    /// Loads the index that is a file's first bytes.
    fn _load_first(&self, py: Python<'_>, r#fn: PathBuf, length: usize) -> PyResult<()> {
        self.index.load(py, &r#fn, Some(length), false)
    }

    /// Unloads the index: it is as new.
    fn unload(&self, py: Python<'_>) -> PyResult<bool> {
        self.index.unload(py)?;
        Ok(true)
    }

    /// The `n` closest items to item `i`, itself among them.
    ///
    /// `search_k` candidates are looked at, by default `n` times the number of trees. With `include_distances` the answer is
    /// a tuple of two lists.
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
    /// `include_distances` a tuple of it and an array of distances.
    #[pyo3(signature = (vectors, n, search_k=-1, include_distances=false, n_jobs=-1))]
    fn get_nns_by_vectors<'py>(
        &self,
        vectors: &Bound<'py, PyAny>,
        n: u32,
        search_k: i32,
        #[pyo3(from_py_with = truth)] include_distances: bool,
        n_jobs: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = vectors.py();
        let pool = Pool::of(py, n_jobs)?;
        let (numbers, width) = rows(vectors)?;
        if width != self.dimensions {
            return Err(wrong_length(self.dimensions, width));
        }
        let wanted = SearchParams::new(i32::try_from(n).unwrap_or(i32::MAX), search_k);
        let trees = if let Found::Trees(trees) = self.index.found(py)? { Some(trees) } else { None };
        let query = |_: &Trees, row| Ok(Cow::Borrowed(&numbers[row * width..][..width]));
        let found = self.search_all(py, trees, &query, numbers.len() / width, n as usize, wanted, &pool)?;
        arrays(py, found, include_distances)
    }

    /// The `n` closest items to each of many items; see `get_nns_by_vectors`.
    #[pyo3(signature = (items, n, search_k=-1, include_distances=false, n_jobs=-1))]
    fn get_nns_by_items<'py>(
        &self,
        py: Python<'py>,
        items: Vec<u32>,
        n: u32,
        search_k: i32,
        #[pyo3(from_py_with = truth)] include_distances: bool,
        n_jobs: i64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let pool = Pool::of(py, n_jobs)?;
        let wanted = SearchParams::new(i32::try_from(n).unwrap_or(i32::MAX), search_k);
        let trees = match self.index.found(py)? {
            Found::Items(count) if items.iter().any(|id| *id as usize >= count) => return Err(no_such_item()),
            Found::Items(_) => None,
            Found::Trees(trees) => Some(trees),
        };
        let query = |trees: &Trees, row: usize| trees.numbers_or_zeros(items[row]).map(Cow::Owned);
        let found = self.search_all(py, trees, &query, items.len(), n as usize, wanted, &pool)?;
        arrays(py, found, include_distances)
    }

    /// The vector of item `i`.
    fn get_item_vector(&self, py: Python<'_>, i: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
        self.index.numbers(py, id(i)?)
    }

    /// The distance between items `i` and `j`.
    fn get_distance(&self, py: Python<'_>, i: &Bound<'_, PyAny>, j: &Bound<'_, PyAny>) -> PyResult<f32> {
        self.index.distance(py, id(i)?, id(j)?)
    }

    /// The number of items.
    fn get_n_items(&self, py: Python<'_>) -> PyResult<usize> {
        self.index.item_count(py)
    }

    /// The number of trees.
    fn get_n_trees(&self, py: Python<'_>) -> PyResult<usize> {
        self.index.tree_count(py)
    }

    /// Does nothing: there is nothing to be told.
    #[allow(clippy::unused_self)]
    fn verbose(&self, #[pyo3(from_py_with = truth)] _v: bool) -> bool {
        true
    }

    /// Sets the seed of the random choices; to be called before `build`.
    fn set_seed(&self, py: Python<'_>, s: &Bound<'_, PyAny>) -> PyResult<()> {
        // A C int that is extended with its sign, as Annoy's is.
        let seed = i64::from(c_int(s)?).cast_unsigned();
        self.index.set_seed(py, seed)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.index.item_count(py)
    }
}
