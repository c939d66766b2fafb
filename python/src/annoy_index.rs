//! `AnnoyIndex`: the class of the package annoy, method for method.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use numpy::IntoPyArray;
use numpy::ndarray::Array2;
use ohyeah::{Metric, Neighbour, Scratch};
use pyo3::exceptions::{PyFutureWarning, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use rayon::prelude::*;

use crate::arguments::{c_int, id, matrix, with_numbers, wrong_length};
use crate::index::{Index, Wanted};
use crate::on_threads;

thread_local! {
    /// The memory that a thread searches in.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// An index of vectors for approximate nearest neighbours, as `annoy.AnnoyIndex` is one: the same methods, the same files.
///
/// It may be used from several threads: searches run side by side, and whatever changes the index waits for them.
#[pyclass(frozen, subclass, module = "ohyeah")]
pub(crate) struct AnnoyIndex {
    index: RwLock<Index>,
    dimensions: usize,
    /// Annoy's attribute `f`, which programs may write to without any effect.
    f: AtomicUsize,
    /// Candidates that searches have looked at without a sketch.
    looked_at: AtomicU64,
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
    // A panic while the lock is held would be a bug of ours, and leaves nothing half done that a caller could see.
    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Searches that found no sketch have cost so many candidates more.
    fn count(&self, searches: u64, wanted: Wanted) {
        let unsketched = self.read().unsketched(wanted);
        if let Some((candidates, worth)) = unsketched {
            let candidates = candidates.saturating_mul(searches);
            if self.looked_at.fetch_add(candidates, Ordering::Relaxed).saturating_add(candidates) > worth {
                self.write().sketch();
            }
        }
    }

    fn search(&self, query: &[f32], wanted: Wanted) -> PyResult<Vec<Neighbour>> {
        let found =
            SCRATCH.with_borrow_mut(|scratch| self.read().search(scratch, query, wanted).map(<[Neighbour]>::to_vec));
        self.count(1, wanted);
        found
    }

    /// The answers to many queries: ids, and distances, a row for each query; −1 and NaN where there are fewer than `n`.
    fn search_all(
        &self,
        queries: &(impl Fn(&Index, usize) -> PyResult<Vec<f32>> + Sync),
        rows: usize,
        n: usize,
        wanted: Wanted,
    ) -> PyResult<(Array2<i32>, Array2<f32>)> {
        let no_room = || PyMemoryError::new_err(format!("no memory for {n} answers to {rows} queries: ask for fewer"));
        let places = rows.checked_mul(n).ok_or_else(no_room)?;
        let (mut ids, mut distances) = (Vec::new(), Vec::new());
        ids.try_reserve_exact(places).map_err(|_| no_room())?;
        distances.try_reserve_exact(places).map_err(|_| no_room())?;
        ids.resize(places, -1);
        distances.resize(places, f32::NAN);
        let index = self.read();
        let width = n.max(1);
        ids.par_chunks_mut(width).zip(distances.par_chunks_mut(width)).enumerate().try_for_each(
            |(row, (ids, distances))| {
                let query = queries(&index, row)?;
                SCRATCH.with_borrow_mut(|scratch| {
                    for (at, neighbour) in index.search(scratch, &query, wanted)?.iter().enumerate() {
                        (ids[at], distances[at]) = (neighbour.id as i32, neighbour.distance);
                    }
                    Ok::<_, PyErr>(())
                })
            },
        )?;
        drop(index);
        self.count(rows as u64, wanted);
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
        let index = RwLock::new(Index::new(metric, dimensions)?);
        Ok(Self { index, dimensions, f: dimensions.into(), looked_at: 0.into() })
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
        with_numbers(vector, self.dimensions, |numbers| match self.index.try_write() {
            Ok(mut index) => index.add(id, numbers),
            // Whoever has the lock may wait for the interpreter's.
            Err(_) => vector.py().detach(|| self.write().add(id, numbers)),
        })
    }

    /// Adds the rows of a 2-d array as items `first`, `first` + 1, …
    #[pyo3(signature = (vectors, first=0))]
    fn add_items(&self, vectors: &Bound<'_, PyAny>, first: u32) -> PyResult<()> {
        let vectors = matrix(vectors)?;
        let (width, numbers) =
            (vectors.as_array().ncols(), vectors.as_slice().map_err(|error| PyValueError::new_err(error.to_string()))?);
        if width != self.dimensions {
            return Err(wrong_length(self.dimensions, width));
        }
        // Other threads may change the array while they have the interpreter: a few rows at a time are taken out of it.
        for (first, rows) in (first..).step_by(ROWS).zip(numbers.chunks(ROWS * width.max(1))) {
            let rows = rows.to_vec();
            vectors.py().detach(|| {
                let mut index = self.write();
                (first..).zip(rows.chunks_exact(width.max(1))).try_for_each(|(id, row)| index.add(id, row))
            })?;
        }
        Ok(())
    }

    /// Builds a forest of `n_trees` trees; -1 for as many as double the size of the index. More trees give higher precision
    /// when querying. `n_jobs` is the number of threads; -1 uses all there are. The result does not depend on it.
    #[pyo3(signature = (n_trees, n_jobs=None))]
    fn build(&self, py: Python<'_>, n_trees: &Bound<'_, PyAny>, n_jobs: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let (trees, threads) = (c_int(n_trees)?, n_jobs.map_or(Ok(-1), c_int)?);
        py.detach(|| on_threads(threads.into(), || self.write().build(trees))?)?;
        Ok(true)
    }

    /// Unbuilds the trees, so that more items can be added.
    fn unbuild(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.write().unbuild())?;
        Ok(true)
    }

    /// Builds in a file and not in memory; to be called before items are added. The file is there when the index is built.
    fn on_disk_build(&self, py: Python<'_>, r#fn: PathBuf) -> PyResult<bool> {
        py.detach(|| self.write().build_in(&r#fn))?;
        Ok(true)
    }

    /// Saves the index, whole or not at all. It is then the one in the file, mapped into memory.
    #[pyo3(signature = (r#fn, prefault=false))]
    fn save(&self, py: Python<'_>, r#fn: PathBuf, #[pyo3(from_py_with = truth)] prefault: bool) -> PyResult<bool> {
        py.detach(|| self.write().save(&r#fn, &[], prefault))?;
        Ok(true)
    }

    /// The size of the index in bytes, which is that of its file.
    fn _size(&self, py: Python<'_>) -> usize {
        py.detach(|| self.read().size())
    }

    /// Saves the index with other bytes behind it.
    fn _save_with(&self, py: Python<'_>, r#fn: PathBuf, more: &Bound<'_, PyBytes>) -> PyResult<()> {
        let more = more.as_bytes();
        py.detach(|| self.write().save(&r#fn, more, false))
    }

    /// Loads (maps into memory) an index from a file.
    #[pyo3(signature = (r#fn, prefault=false))]
    fn load(&self, py: Python<'_>, r#fn: PathBuf, #[pyo3(from_py_with = truth)] prefault: bool) -> PyResult<bool> {
        self.looked_at.store(0, Ordering::Relaxed);
        py.detach(|| self.write().load(&r#fn, None, prefault))?;
        Ok(true)
    }

    /// Loads the index that is a file's first bytes.
    fn _load_first(&self, py: Python<'_>, r#fn: PathBuf, length: usize) -> PyResult<()> {
        self.looked_at.store(0, Ordering::Relaxed);
        py.detach(|| self.write().load(&r#fn, Some(length), false))
    }

    /// Unloads the index: it is as new.
    fn unload(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.write().unload())?;
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
        let (id, wanted) = (id(i)?, Wanted::new(c_int(n)?, search_k.map_or(Ok(-1), c_int)?));
        let found = py.detach(|| {
            let query = self.read().numbers(id)?;
            self.search(&query, wanted)
        })?;
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
        let wanted = Wanted::new(c_int(n)?, search_k.map_or(Ok(-1), c_int)?);
        let found = with_numbers(vector, self.dimensions, |numbers| py.detach(|| self.search(numbers, wanted)))?;
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
        let vectors = matrix(vectors)?;
        let (rows, width) = vectors.as_array().dim();
        // Other threads may change the array meanwhile.
        let numbers = vectors.as_slice().map_err(|error| PyValueError::new_err(error.to_string()))?.to_vec();
        let wanted = Wanted::new(i32::try_from(n).unwrap_or(i32::MAX), search_k);
        let found = py.detach(|| {
            if width != self.dimensions {
                return Err(wrong_length(self.dimensions, width));
            }
            on_threads(n_jobs, || {
                self.search_all(&|_, row| Ok(numbers[row * width..][..width].to_vec()), rows, n as usize, wanted)
            })?
        })?;
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
        let wanted = Wanted::new(i32::try_from(n).unwrap_or(i32::MAX), search_k);
        let found = py.detach(|| {
            on_threads(n_jobs, || {
                self.search_all(&|index, row| index.numbers(items[row]), items.len(), n as usize, wanted)
            })?
        })?;
        arrays(py, found, include_distances)
    }

    /// The vector of item `i`.
    fn get_item_vector(&self, py: Python<'_>, i: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
        let id = id(i)?;
        py.detach(|| self.read().numbers(id))
    }

    /// The distance between items `i` and `j`.
    fn get_distance(&self, py: Python<'_>, i: &Bound<'_, PyAny>, j: &Bound<'_, PyAny>) -> PyResult<f32> {
        let (i, j) = (id(i)?, id(j)?);
        py.detach(|| self.read().distance(i, j))
    }

    /// The number of items.
    fn get_n_items(&self, py: Python<'_>) -> u32 {
        py.detach(|| self.read().items())
    }

    /// The number of trees.
    fn get_n_trees(&self, py: Python<'_>) -> usize {
        py.detach(|| self.read().trees())
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
        py.detach(|| self.write().set_seed(seed));
        Ok(())
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.get_n_items(py) as usize
    }
}
