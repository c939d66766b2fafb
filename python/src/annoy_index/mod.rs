//! `AnnoyIndex`: the class of the package annoy, method for method.

mod objects;
mod search;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use ohyeah::Metric;
use pyo3::exceptions::{PyFutureWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::arguments::{self, Whole, c_int, check_rows, id, matrix, with_numbers};
use crate::build_how::BuildHow;
use crate::exceptions::annoys_wrong_length;
use crate::index::Index;
use crate::progress::Report;
use crate::threads::{Pool, Threads};

/// An index of vectors for approximate nearest neighbours, as `annoy.AnnoyIndex` is one: the same methods, the same files.
///
/// `f` is how many numbers a vector has, `metric` "angular" (√(2 − 2·cosine)), "euclidean", "manhattan", "hamming" or "dot" (the
/// product, the largest first).
///
/// It may be used from several threads: searches run side by side, on what is there when they begin. While it is built or items
/// are added, they wait. It can be pickled and copied: by the path of its file where it was saved or loaded, by its bytes otherwise.
///
/// >>> forest = ohyeah.AnnoyIndex(8, "angular")
/// >>> for i, row in enumerate(vectors[:100]):
/// ...     forest.add_item(i, row)
/// >>> forest.build(10)
/// True
/// >>> forest.get_nns_by_item(7, 1)
/// [7]
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
    arguments::metric(name)
}

/// Whether Python takes something for true.
fn truth(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.is_truthy()
}

/// Rows that are added at a time.
const ROWS: usize = 4096;

/// Whether the trees are to be Annoy's own.
fn is_kiss64(generator: Option<&str>) -> PyResult<bool> {
    match generator {
        None => Ok(false),
        Some("kiss64") => Ok(true),
        Some(name) => {
            let text = format!("generator is {name:?}: use \"kiss64\" for Annoy's own trees, or leave it out");
            Err(PyValueError::new_err(text))
        }
    }
}

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

    /// Numbers in a vector.
    #[getter]
    fn f(&self) -> usize {
        self.f.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_f(&self, f: usize) {
        self.f.store(f, Ordering::Relaxed);
    }

    /// Adds item `i` (any non-negative integer) with vector `vector`. Memory is allocated for `max(i) + 1` items.
    ///
    /// >>> some = ohyeah.AnnoyIndex(2, "euclidean")
    /// >>> some.add_item(0, [1.0, 2.0])
    /// >>> len(some)
    /// 1
    fn add_item(&self, i: &Bound<'_, PyAny>, vector: &Bound<'_, PyAny>) -> PyResult<()> {
        let id = id(i)?;
        with_numbers(vector, self.dimensions, |numbers| self.index.add(vector.py(), id, numbers))
    }

    /// Adds the rows of a 2-d array as items `first`, `first` + 1, … Where one of them is no vector, such as one with NaN, the error
    /// names its row and none is added. Ctrl-C ends it, and leaves items of the first rows.
    ///
    /// >>> some = ohyeah.AnnoyIndex(8, "euclidean")
    /// >>> some.add_items(vectors)
    /// >>> len(some)
    /// 1000
    #[pyo3(signature = (vectors, first=Whole::from(0)))]
    #[pyo3(text_signature = "($self, vectors, first=0)")]
    fn add_items(&self, vectors: &Bound<'_, PyAny>, first: Whole) -> PyResult<()> {
        let (py, first) = (vectors.py(), first.count("first")?);
        let matrix = matrix("vectors", vectors)?;
        if matrix.width != self.dimensions {
            return Err(annoys_wrong_length(self.dimensions, matrix.width));
        }
        if first.saturating_add(matrix.rows) > i32::MAX as usize {
            let text = format!("first is {first}: the ids of {} rows from there on are too large", matrix.rows);
            return Err(PyValueError::new_err(text));
        }
        for start in (0..matrix.rows).step_by(ROWS) {
            check_rows("vectors", start, &matrix.copy_rows(start, ROWS)?, matrix.width)?;
        }
        for start in (0..matrix.rows).step_by(ROWS) {
            self.index.add_all(py, (first + start) as u32, &matrix.copy_rows(start, ROWS)?)?;
            py.check_signals()?;
        }
        Ok(())
    }

    /// Builds a forest of `n_trees` trees; -1 for as many as double the size of the index. More trees give higher precision
    /// when querying. `n_jobs` is the number of threads; -1 uses all there are. The result does not depend on it.
    /// Ctrl-C ends the build and leaves the items as they were.
    ///
    /// `progress` is True for a bar (of tqdm, where it is installed), or something to be called with the share that is done.
    /// `generator="kiss64"` draws the random numbers as Annoy does: the trees are Annoy's own, node for node but for the rounding of
    /// numbers, and grow on one thread.
    ///
    /// >>> some = ohyeah.AnnoyIndex(8, "euclidean")
    /// >>> some.add_items(vectors)
    /// >>> some.build(5, generator="kiss64")
    /// True
    /// >>> some.get_n_trees()
    /// 5
    #[pyo3(signature = (n_trees, n_jobs=None, progress=None, generator=None))]
    fn build(
        &self,
        py: Python<'_>,
        n_trees: &Bound<'_, PyAny>,
        n_jobs: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
        generator: Option<&str>,
    ) -> PyResult<bool> {
        let (trees, threads) = (c_int(n_trees)?, n_jobs.map_or(Ok(-1), c_int)?);
        let how = BuildHow { trees, kiss64: is_kiss64(generator)? };
        let report = Report::new(py, "trees", progress)?;
        self.index.build(py, how, report, &Pool::of(py, threads.into())?)?;
        Ok(true)
    }

    /// Unbuilds the trees, so that more items can be added.
    fn unbuild(&self, py: Python<'_>) -> PyResult<bool> {
        self.index.unbuild(py)?;
        Ok(true)
    }

    /// Builds in a file and not in memory; to be called before items are added. The file is there when the index is built.
    /// Where the disk is full, that is an `OSError` with `errno.ENOSPC`, and the items are kept.
    ///
    /// >>> some = ohyeah.AnnoyIndex(8, "euclidean")
    /// >>> some.on_disk_build(folder + "/built.ann")
    /// True
    /// >>> some.add_items(vectors)
    /// >>> some.build(2)
    /// True
    fn on_disk_build(&self, py: Python<'_>, r#fn: PathBuf) -> PyResult<bool> {
        self.index.build_in(py, r#fn)?;
        Ok(true)
    }

    /// Saves the index, whole or not at all. It is then the one in the file, mapped into memory.
    ///
    /// >>> forest.save(folder + "/items.ann")
    /// True
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

    /// Loads (maps into memory) an index from a file. Replace such a file, and do not write to it while it is loaded.
    ///
    /// >>> again = ohyeah.AnnoyIndex(8, "angular")
    /// >>> again.load(folder + "/items.ann")
    /// True
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
    ///
    /// >>> copy.copy(forest).unload()
    /// True
    fn unload(&self, py: Python<'_>) -> PyResult<bool> {
        self.index.unload(py)?;
        Ok(true)
    }

    /// The vector of item `i`.
    ///
    /// >>> forest.get_item_vector(7) == vectors[7].tolist()
    /// True
    fn get_item_vector(&self, py: Python<'_>, i: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
        self.index.numbers(py, id(i)?)
    }

    /// The distance between items `i` and `j`.
    ///
    /// >>> forest.get_distance(7, 7)
    /// 0.0
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
