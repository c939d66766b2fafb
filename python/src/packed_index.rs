//! `Index`: the packed index.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use numpy::PyArray1;
use numpy::ndarray::ArrayView1;
use ohyeah::packed::{
    BuildError, BuildOptions, OpenError, PackedBuf, RowSet, Scratch, Search, SearchError, SearchPlan,
};
use ohyeah::{Cancel, FileError, Filter, MappedFile, Metric, Neighbour, Packed, Progress, Rayon};
use pyo3::exceptions::{PyIndexError, PyMemoryError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arguments::{self, rows, vector, vector_error, wrong_length};
use crate::id_set::IdSet;
use crate::mapped::map;
use crate::threads::Pool;

/// Either kind of storage: what was built, or a file.
enum Storage {
    Built(PackedBuf),
    File(MappedFile),
}

impl AsRef<[u8]> for Storage {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Built(bytes) => bytes.as_ref(),
            Self::File(file) => file.as_ref(),
        }
    }
}

fn build_error(error: BuildError) -> PyErr {
    match error {
        BuildError::OutOfMemory => PyMemoryError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

fn open_error(error: OpenError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn metric(name: &str) -> PyResult<Metric> {
    name.parse().map_err(|error: ohyeah::metric::UnknownMetric| PyValueError::new_err(error.to_string()))
}

fn search_error(error: SearchError) -> PyErr {
    match error {
        SearchError::Vector(error) => vector_error(error),
        error => PyValueError::new_err(error.to_string()),
    }
}

/// A recall of 1 compares with every vector.
fn with_recall(search: Search, recall: f32) -> PyResult<Search> {
    if !(recall > 0.0 && recall <= 1.0) {
        return Err(PyValueError::new_err(format!("recall is {recall}: it must be above 0, and at most 1")));
    }
    Ok(if recall >= 1.0 { search.exact() } else { search.recall(recall) })
}

/// Queries that are answered on the caller's thread before it looks at signals.
const QUERIES_A_PART: usize = 64;

/// Writes the answers of a query to the start of its ids and distances.
fn write(found: &[Neighbour], ids: &mut [i64], distances: &mut [f32]) {
    for (found, (id, distance)) in found.iter().zip(ids.iter_mut().zip(distances)) {
        (*id, *distance) = (i64::from(found.id), found.distance);
    }
}

thread_local! {
    /// Searches of a thread share their room.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

/// Approximate nearest neighbours of vectors: the packed index.
#[pyclass(frozen, module = "ohyeah", name = "Index")]
pub(crate) struct Index {
    /// What searches use, and what tells it from others. A calibration puts another in its place.
    current: RwLock<Arc<Numbered>>,
    /// What searches used before a calibration: arrays that `vector` gave point into it.
    former: Mutex<Vec<Arc<Numbered>>>,
}

/// An index with its number.
struct Numbered {
    index: Packed<Storage>,
    number: u64,
}

impl std::ops::Deref for Numbered {
    type Target = Packed<Storage>;

    fn deref(&self) -> &Packed<Storage> {
        &self.index
    }
}

/// The number of the next index.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Index {
    fn over(storage: Storage, open_error: impl FnOnce(OpenError) -> PyErr) -> PyResult<Self> {
        let backend = ohyeah::backend().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let index = Packed::open(storage).map_err(open_error)?.with_backend(backend);
        let current = RwLock::new(Arc::new(Numbered { index, number: NEXT.fetch_add(1, Relaxed) }));
        Ok(Self { current, former: Mutex::new(Vec::new()) })
    }

    /// What searches use now. No lock is held while they do.
    fn index(&self) -> Arc<Numbered> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The rows that a filter allows, an `IdSet` or what makes one.
    fn allowed(&self, filter: &Bound<'_, PyAny>) -> PyResult<Arc<RowSet>> {
        let index = self.index();
        let make = |ids: &ohyeah::IdSet| index.row_set(ids).map_err(search_error);
        let Ok(set) = filter.cast::<IdSet>() else {
            return make(&arguments::filter(filter, index.len())?).map(Arc::new);
        };
        set.get().for_count(index.len())?;
        set.get().rows_of(index.number, make)
    }

    fn search_all<'py, F: Filter + Sync>(
        &self,
        query: &Bound<'py, PyAny>,
        k: usize,
        search: &Search<F>,
        pool: Option<&Pool>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let (py, index) = (query.py(), &*self.index());
        let k = k.min(index.len());
        if let Some(one) = vector(query)? {
            let (mut ids, mut distances) = (vec![-1_i64; k], vec![f32::INFINITY; k]);
            py.detach(|| {
                SCRATCH.with_borrow_mut(|scratch| {
                    let found = index.search_in(scratch, &one, search).map_err(search_error)?;
                    write(found, &mut ids, &mut distances);
                    Ok::<_, PyErr>(())
                })
            })?;
            return Ok((PyArray1::from_vec(py, ids).into_any(), PyArray1::from_vec(py, distances).into_any()));
        }
        let (queries, dimensions) = rows(query)?;
        if dimensions != index.dimensions() {
            return Err(wrong_length(index.dimensions(), dimensions));
        }
        let count = queries.len() / dimensions;
        let places = count.checked_mul(k).ok_or_else(|| PyMemoryError::new_err("too many answers"))?;
        let (mut ids, mut distances) = (Vec::new(), Vec::new());
        let no_room = |_| PyMemoryError::new_err("no memory for so many answers");
        ids.try_reserve_exact(places).map_err(no_room)?;
        distances.try_reserve_exact(places).map_err(no_room)?;
        ids.resize(places, -1_i64);
        distances.resize(places, f32::INFINITY);
        if k > 0 {
            let queries: Vec<&[f32]> = queries.chunks(dimensions).collect();
            // The caller's thread looks at signals between the parts.
            let together = if pool.is_some() { count } else { QUERIES_A_PART };
            for (part, queries) in queries.chunks(together.max(1)).enumerate() {
                let found = match pool {
                    Some(pool) => pool.run_interruptible(py, |cancel| {
                        index.search_many_with::<Rayon, F>(queries, search, Progress::NONE, Cancel::new(cancel))
                    })?,
                    None => py.detach(|| index.search_many(queries, search)),
                };
                let start = part * together * k;
                let to = ids[start..].chunks_mut(k).zip(distances[start..].chunks_mut(k));
                for (found, (ids, distances)) in found.map_err(search_error)?.iter().zip(to) {
                    write(found, ids, distances);
                }
                py.check_signals()?;
            }
        }
        let shaped = |array: Bound<'py, PyAny>| array.call_method1("reshape", ((count, k),));
        Ok((shaped(PyArray1::from_vec(py, ids).into_any())?, shaped(PyArray1::from_vec(py, distances).into_any())?))
    }
}

#[pymethods]
impl Index {
    /// Builds an index over the rows of a 2-d array; the id of a row is its number.
    ///
    /// `metric` is "angular", "euclidean" or "dot"; `keys` are strings to be kept with the vectors, one for each; `threads` work
    /// on it, -1 for all there are; the same `seed` gives the same index, however many they are.
    #[new]
    #[pyo3(signature = (vectors, metric="angular", keys=None, threads=None, seed=0))]
    fn new(
        py: Python<'_>,
        vectors: &Bound<'_, PyAny>,
        metric: &str,
        keys: Option<Vec<String>>,
        threads: Option<i64>,
        seed: u64,
    ) -> PyResult<Self> {
        let metric = self::metric(metric)?;
        let pool = Pool::of(py, threads.unwrap_or(-1))?;
        let (numbers, dimensions) = rows(vectors)?;
        let backend = ohyeah::backend().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let index = pool.run_interruptible(py, |cancel| {
            let keys: Option<Vec<&str>> = keys.as_ref().map(|keys| keys.iter().map(String::as_str).collect());
            let mut options = BuildOptions::new().backend(backend).seed(seed).cancel(Cancel::new(cancel));
            if let Some(keys) = &keys {
                options = options.keys(keys);
            }
            Packed::build_with::<Rayon>(metric, &numbers, dimensions, &options)
        })?;
        Self::over(Storage::Built(index.map_err(build_error)?.into_storage()), open_error)
    }

    /// Opens a file that `save` or the command `ohyeah build` has written. It is mapped into memory, not read: replace such a file,
    /// as `save` does, and do not write to it while it is open.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        // `FileError` names the file.
        let raised = |error: FileError| PyOSError::new_err(error.to_string());
        let file = py.detach(|| map(&path, false)).map_err(|error| raised(FileError::Io(path.clone(), error)))?;
        Self::over(Storage::File(file), |error| raised(FileError::Packed(path, error)))
    }

    /// Writes the index to a file, which is there whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| ohyeah::save(&path, &self.index().index)).map_err(|error| PyOSError::new_err(error.to_string()))
    }

    /// The `k` nearest of one vector, or of each row of a 2-d array: ids and distances, nearest first, in arrays of one
    /// dimension or two. Where there are fewer, the last ids are -1.
    ///
    /// `recall` says which share of the right answers to find on average, 1.0 to compare with every vector. `leaves` and
    /// `candidates` say in its place how hard to look. `filter` allows only some ids: an `IdSet`, which is fastest where it is used
    /// many times, an array of ids, or a mask.
    #[pyo3(signature = (query, k=10, recall=0.95, filter=None, threads=1, leaves=None, candidates=None))]
    fn search<'py>(
        &self,
        query: &Bound<'py, PyAny>,
        k: usize,
        recall: f32,
        filter: Option<&Bound<'py, PyAny>>,
        threads: i64,
        leaves: Option<usize>,
        candidates: Option<usize>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let search = with_recall(Search::top(k), recall)?;
        let search = match (leaves, candidates) {
            (None, None) => search,
            (leaves, candidates) => search.probe(leaves.unwrap_or(1), candidates.unwrap_or(k)),
        };
        // One thread is the caller's.
        let pool = if threads == 1 { None } else { Some(Pool::of(query.py(), threads)?) };
        match filter {
            None => self.search_all(query, k, &search, pool.as_ref()),
            Some(filter) => self.search_all(query, k, &search.filter(&*self.allowed(filter)?), pool.as_ref()),
        }
    }

    /// All vectors within a distance of one, or, for the metric "dot", with at least this product: ids and distances, nearest
    /// first. `recall` and `filter` are as in `search`.
    #[pyo3(signature = (query, distance, recall=0.95, filter=None))]
    fn within<'py>(
        &self,
        query: &Bound<'py, PyAny>,
        distance: f32,
        recall: f32,
        filter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let py = query.py();
        let query = vector(query)?.ok_or_else(|| PyValueError::new_err("query must be one vector"))?;
        if distance.is_nan() {
            return Err(PyValueError::new_err("distance is no number"));
        }
        let search = with_recall(Search::top(usize::MAX).within(distance), recall)?;
        let filter = filter.map(|filter| self.allowed(filter)).transpose()?;
        let index = &*self.index();
        let found = py.detach(|| match filter {
            None => index.search(&query, &search),
            Some(rows) => index.search(&query, &search.filter(&*rows)),
        });
        let found = found.map_err(search_error)?;
        let ids: Vec<i64> = found.iter().map(|x| i64::from(x.id)).collect();
        let distances: Vec<f32> = found.iter().map(|x| x.distance).collect();
        Ok((PyArray1::from_vec(py, ids).into_any(), PyArray1::from_vec(py, distances).into_any()))
    }

    /// The set of some ids or of a mask, to be used as a filter in many searches; see `IdSet`.
    fn filter(&self, ids: &Bound<'_, PyAny>) -> PyResult<IdSet> {
        if let Ok(set) = ids.cast::<IdSet>() {
            return Ok(IdSet::new(set.get().for_count(self.index().len())?.clone(), Some(self.index().len())));
        }
        Ok(IdSet::new(arguments::filter(ids, self.index().len())?, Some(self.index().len())))
    }

    /// Measures what each recall takes anew, with a sample of real queries (at least 20, better some hundreds) in place of vectors of the
    /// index: for queries from elsewhere, such as texts that ask for images. `save` keeps it.
    #[pyo3(signature = (queries, threads=None))]
    fn calibrate(&self, queries: &Bound<'_, PyAny>, threads: Option<i64>) -> PyResult<()> {
        let py = queries.py();
        let pool = Pool::of(py, threads.unwrap_or(-1))?;
        let (numbers, dimensions) = rows(queries)?;
        let index = self.index();
        if dimensions != index.dimensions() {
            return Err(wrong_length(index.dimensions(), dimensions));
        }
        let each: Vec<&[f32]> = numbers.chunks_exact(dimensions.max(1)).collect();
        let calibrated = pool.run_interruptible(py, |cancel| {
            index.calibrate_with::<Rayon>(&each, Progress::NONE, Cancel::new(cancel))
        })?;
        let calibrated = calibrated.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let made = Self::over(Storage::Built(calibrated.into_storage()), open_error)?;
        let made = made.index();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *current, made);
        self.former.lock().unwrap_or_else(PoisonError::into_inner).push(former);
        Ok(())
    }

    /// How a search for the `k` nearest with this recall is answered, and what that takes on average: None where all vectors are compared,
    /// else a dict of leaves and vectors that are scanned, candidates that are compared, and the recall that nine of ten queries
    /// reach.
    #[pyo3(signature = (k=10, recall=0.95))]
    fn plan<'py>(&self, py: Python<'py>, k: usize, recall: f32) -> PyResult<Option<Bound<'py, PyDict>>> {
        with_recall(Search::top(k), recall)?;
        let SearchPlan::Scan { leaves, rows, candidates, tenth } = self.index().plan(k, recall) else {
            return Ok(None);
        };
        let plan = PyDict::new(py);
        for (name, value) in [("leaves", leaves), ("vectors", rows), ("candidates", candidates), ("tenth", tenth)] {
            plan.set_item(name, value)?;
        }
        Ok(Some(plan))
    }

    /// The key of an id.
    fn key(&self, id: u32) -> PyResult<String> {
        self.index()
            .key(id)
            .map(str::to_owned)
            .ok_or_else(|| PyIndexError::new_err(format!("there is no key of id {id}")))
    }

    /// A vector as it was given, a read-only view.
    fn vector(slf: Bound<'_, Self>, id: u32) -> PyResult<Bound<'_, PyAny>> {
        let index = slf.get().index();
        let vector = index.vector(id).ok_or_else(|| PyIndexError::new_err(format!("there is no id {id}")))?;
        let view = ArrayView1::from(vector);
        // SAFETY: the array's base is the object that owns the numbers, which never moves or changes them: it keeps what it had,
        // in `former`, when a calibration puts another in its place. `read_only` keeps Python programs from writing to them.
        #[allow(unsafe_code)]
        let array = unsafe { PyArray1::borrow_from_array(&view, slf.clone().into_any()) };
        crate::word_vectors::read_only(array)
    }

    /// Reads all of the index and checks it: its checksums, and that it means what a build would have written. Raises `ValueError`
    /// that names the rule and the place otherwise.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.index().verify()).map_err(open_error)
    }

    fn __len__(&self) -> usize {
        self.index().len()
    }

    /// The metric: "angular", "euclidean" or "dot".
    #[getter]
    fn metric(&self) -> &'static str {
        self.index().metric().name()
    }

    /// Numbers in a vector.
    #[getter]
    fn dimensions(&self) -> usize {
        self.index().dimensions()
    }

    /// Bytes of the index, which are those of its file.
    #[getter]
    fn nbytes(&self) -> usize {
        self.index().as_bytes().len()
    }

    fn __repr__(&self) -> String {
        let (metric, dimensions) = (self.index().metric().name(), self.index().dimensions());
        format!("<Index: {} {metric} vectors of {dimensions} dimensions>", self.index().len())
    }
}
