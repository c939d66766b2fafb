//! `Index`: the packed index. Building, opening and saving it; what it is.

mod answers;
mod ask;
mod keys;
mod objects;
mod search;
mod storage;
mod tuning;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use ohyeah::packed::{BuildError, BuildOptions};
use ohyeah::{Cancel, FileError, Packed, Progress, Rayon};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use self::storage::{Loaded, Storage};
use crate::arguments::{Seed, Whole, check_rows, keys_of_frame, packed_metric, rows, text_of};
use crate::exceptions::{bad_file, file_error};
use crate::mapped::map;
use crate::progress::Report;
use crate::saving::save;
use crate::threads::{Threads, run_or_abandon};

pub(crate) fn build_error(error: BuildError) -> PyErr {
    match error {
        BuildError::OutOfMemory => PyMemoryError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// Approximate nearest neighbours of vectors: the packed index.
///
/// `vectors` is a 2-d array, a row for each vector; the id of a row is its number. Anything that numpy makes an array of real numbers of
/// will do. `metric` says what near means:
///
/// - "angular": √(2 − 2·cosine), from 0 to 2, as in Annoy. The cosine is to be had by `similarity=True`.
/// - "euclidean": the length of the difference.
/// - "dot": the product, the largest first. It is no distance: more is nearer.
///
/// `keys` are strings to be kept with the vectors, one for each; those of a pandas `DataFrame` whose rows have texts for labels are
/// these. `threads` work on it, all cores unless you say; the same `seed` gives the same index, however many they are. `progress` is
/// True for a bar (of tqdm, where it is installed), or something to be called with the share that is done, from 0 to 1. Ctrl-C ends
/// the build.
///
/// An index does not change, so threads share it. It can be pickled and copied, works in a process that was forked, and is a
/// context manager that closes it.
///
/// >>> vectors = np.random.default_rng(0).normal(size=(1000, 8)).astype("float32")
/// >>> index = ohyeah.Index(vectors, "angular", keys=[f"item {i}" for i in range(1000)])
/// >>> ids, distances = index.search(vectors[7], 3)
/// >>> int(ids[0]), index.key(ids[0])
/// (7, 'item 7')
#[pyclass(frozen, module = "ohyeah", name = "Index")]
pub(crate) struct Index {
    /// What searches use; a calibration puts another in its place, and `close` none. The lock is held for a moment, by threads that
    /// have the interpreter.
    current: RwLock<Option<Arc<Loaded>>>,
}

impl Index {
    fn over(loaded: Loaded) -> Self {
        Self { current: RwLock::new(Some(Arc::new(loaded))) }
    }

    /// What searches use now. No lock is held while they do.
    fn loaded(&self) -> PyResult<Arc<Loaded>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone().ok_or_else(|| PyValueError::new_err("the index is closed"))
    }

    /// Puts another in the place of the one it was made of.
    fn replace_same(&self, py: Python<'_>, old: &Arc<Loaded>, new: Loaded) -> PyResult<()> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let former = match &mut *current {
            None => return Err(PyValueError::new_err("the index was closed meanwhile")),
            Some(current) if !Arc::ptr_eq(current, old) => {
                return Err(PyRuntimeError::new_err(
                    "another thread calibrated the index meanwhile: calibrate it again",
                ));
            }
            Some(current) => std::mem::replace(current, Arc::new(new)),
        };
        drop(current);
        py.detach(|| drop(former));
        Ok(())
    }

    /// Puts another in its place, or none.
    fn replace(&self, py: Python<'_>, loaded: Option<Arc<Loaded>>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *current, loaded);
        drop(current);
        // Giving back a large index takes a while.
        py.detach(|| drop(former));
    }
}

/// The name of something's class, for messages.
fn class_of(given: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(given.get_type().name()?.to_cow()?.into_owned())
}

/// Keys: strings, one for each vector.
fn strings(keys: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if keys.is_instance_of::<PyString>() {
        return Err(PyValueError::new_err("keys is one string: give a list of them, one for each vector"));
    }
    let string = |(at, key): (usize, PyResult<Bound<'_, PyAny>>)| {
        let key = key?;
        let Ok(key) = key.cast::<PyString>() else {
            let class = class_of(&key)?;
            let text = format!("keys must be strings, and keys[{at}] is of type {class}: use str() of it");
            return Err(PyTypeError::new_err(text));
        };
        let Some(text) = text_of(key)? else {
            let text = format!("keys[{at}] is {}, which has half a surrogate pair: no file keeps that", key.repr()?);
            return Err(PyValueError::new_err(text));
        };
        Ok(text.into_owned())
    };
    keys.try_iter()?.enumerate().map(string).collect()
}

#[pymethods]
impl Index {
    #[new]
    #[pyo3(signature = (vectors, metric="angular", keys=None, threads=None, seed=Seed::from(0), progress=None))]
    #[pyo3(text_signature = "(vectors, metric='angular', keys=None, threads=None, seed=0, progress=None)")]
    fn new(
        py: Python<'_>,
        vectors: &Bound<'_, PyAny>,
        metric: &str,
        keys: Option<&Bound<'_, PyAny>>,
        threads: Option<Whole>,
        seed: Seed,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let metric = packed_metric(metric)?;
        let (threads, seed) = (Threads::new(threads)?, seed.value());
        let report = Report::new(py, "index", progress)?;
        let keys = if let Some(keys) = keys { Some(keys.clone()) } else { keys_of_frame(vectors)? };
        let keys = keys.as_ref().map(strings).transpose()?;
        let (numbers, dimensions) = rows(vectors)?;
        check_rows("vectors", 0, &numbers, dimensions)?;
        let backend = ohyeah::backend().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let index = threads.pool(py)?.run_reporting(py, report, |cancel, tell| {
            let keys: Option<Vec<&str>> = keys.as_ref().map(|keys| keys.iter().map(String::as_str).collect());
            let mut options = BuildOptions::new().backend(backend).seed(seed).cancel(Cancel::new(cancel));
            options = options.progress(Progress::new(tell));
            if let Some(keys) = &keys {
                options = options.keys(keys);
            }
            Packed::build_with::<Rayon>(metric, &numbers, dimensions, &options)
        })?;
        Ok(Self::over(Loaded::new(Storage::Built(index.map_err(build_error)?.into_storage()))?))
    }

    /// Opens a file that `save` or the command `ohyeah build` has written.
    ///
    /// It is mapped into memory, not read: that takes no time, and processes share it. Replace such a file (write another and rename
    /// it, as `save` does), and do not write to it while it is open: answers would be wrong, and if it becomes shorter, the process
    /// ends with SIGBUS. With `mmap=False` it is read into memory, and may then be changed.
    ///
    /// What the system has against it is raised as by Python's own `open`: `FileNotFoundError`, `PermissionError`. A file that is
    /// damaged or of another kind raises `FileFormatError`, an `OSError` and a `ValueError`.
    ///
    /// >>> index.save(folder + "/items.oy")
    /// >>> again = ohyeah.Index.open(folder + "/items.oy")
    /// >>> len(again)
    /// 1000
    #[staticmethod]
    #[pyo3(signature = (path, mmap=true))]
    fn open(py: Python<'_>, path: PathBuf, mmap: bool) -> PyResult<Self> {
        if !mmap {
            let read =
                run_or_abandon(py, move || ohyeah::read_packed(&path))?.map_err(|error| opening_error(&error))?;
            return Ok(Self::over(Loaded::new(Storage::Built(read.into_storage()))?));
        }
        let file = py.detach(|| map(&path, false));
        let file = file.map_err(|error| file_error(&FileError::Io(path.clone(), error)))?;
        Ok(Self::over(Loaded::mapped(file, &path).map_err(|error| match error {
            Ok(error) => opening_error(&FileError::Packed(path, error)),
            Err(error) => error,
        })?))
    }

    /// Writes the index to a file, which is there whole or not at all.
    ///
    /// >>> index.save(folder + "/items.oy")
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        save(py, &path, &[self.loaded()?.as_bytes()])
    }

    /// Reads all of the index and checks it: its checksums, and that it means what a build would have written. Raises
    /// `FileFormatError` (an `OSError` and a `ValueError`), as `open` does, that names the rule and the place otherwise.
    ///
    /// >>> index.verify()
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        let loaded = self.loaded()?;
        let verified = Arc::clone(&loaded);
        run_or_abandon(py, move || verified.verify())?.map_err(|error| loaded.open_error(&error))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.loaded()?.len())
    }

    /// The metric: "angular", "euclidean" or "dot".
    #[getter]
    fn metric(&self) -> PyResult<&'static str> {
        Ok(self.loaded()?.metric().name())
    }

    /// Numbers in a vector.
    #[getter]
    fn dimensions(&self) -> PyResult<usize> {
        Ok(self.loaded()?.dimensions())
    }

    /// Bytes of the index, which are those of its file.
    #[getter]
    fn nbytes(&self) -> PyResult<usize> {
        Ok(self.loaded()?.as_bytes().len())
    }

    /// The file that is mapped; None where the index is in memory.
    #[getter]
    fn path(&self) -> PyResult<Option<PathBuf>> {
        Ok(self.loaded()?.path.clone())
    }
}

/// Why a file is no packed index; where it is something else, what to do with it.
fn opening_error(error: &FileError) -> PyErr {
    let FileError::Packed(path, ohyeah::packed::OpenError::NotPacked) = error else { return file_error(error) };
    let mut start = [0; 6];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start));
    if read.is_ok() && start == *b"\x93NUMPY" {
        return bad_file(path, "is an array of numpy, not a packed index: ohyeah.Index(numpy.load(path)) builds one");
    }
    bad_file(
        path,
        "is not a packed index, which begins with \\x89ohyeah. A forest of Annoy's is opened by ohyeah.AnnoyIndex(f, \
         metric).load(path), word vectors by ohyeah.WordVectors.load(path)",
    )
}
