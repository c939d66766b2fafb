//! An index as a Python object: pickled, copied, closed, shown.

use std::sync::{Arc, RwLock};

use ohyeah::packed::PackedBuf;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::Index;
use super::storage::{Loaded, Storage};

/// Bytes at the start of an index that tell it from others: the checksum of its header and of those of its parts is among them.
const HEADER: usize = 64;

#[pymethods]
impl Index {
    /// The bytes of the index, which are those of its file.
    ///
    /// >>> len(index.to_bytes()) == index.nbytes
    /// True
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let loaded = self.loaded()?;
        PyBytes::new_with(py, loaded.as_bytes().len(), |bytes| {
            bytes.copy_from_slice(loaded.as_bytes());
            Ok(())
        })
    }

    /// The index that these bytes are: those of a file, or of `to_bytes`. They are copied.
    ///
    /// >>> len(ohyeah.Index.from_bytes(index.to_bytes()))
    /// 1000
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<Self> {
        // Nobody changes the bytes of a `bytes`, and the reference keeps them.
        let bytes = data.as_bytes();
        let copy = py.detach(|| {
            let mut copy = PackedBuf::zeroed(bytes.len())?;
            copy.as_mut().copy_from_slice(bytes);
            Ok::<_, std::collections::TryReserveError>(copy)
        });
        let copy = copy.map_err(|error| pyo3::exceptions::PyMemoryError::new_err(error.to_string()))?;
        Ok(Self::over(Loaded::new(Storage::Built(copy))?))
    }

    /// What tells the index from others.
    #[pyo3(name = "_header")]
    fn header<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let loaded = self.loaded()?;
        Ok(PyBytes::new(py, loaded.as_bytes().get(..HEADER).unwrap_or(loaded.as_bytes())))
    }

    /// Pickles the path of a file that is mapped, and the bytes otherwise.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let pickle = py.import("ohyeah._pickle")?;
        let path = self.loaded()?.path.clone();
        match path {
            Some(path) => {
                (pickle.getattr("opened_index")?, (path.into_os_string(), self.header(py)?)).into_pyobject(py)
            }
            None => (pickle.getattr("index_from_bytes")?, (self.to_bytes(py)?,)).into_pyobject(py),
        }
    }

    /// A copy shares what it is made of, which does not change.
    fn __copy__(&self) -> PyResult<Self> {
        Ok(Self { current: RwLock::new(Some(Arc::clone(&self.loaded()?))) })
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.__copy__()
    }

    /// Lets go of the file, or of the memory. Searches that run end, and arrays that were given stay; any other use raises `ValueError`.
    ///
    /// >>> with ohyeah.Index(vectors) as some:
    /// ...     _ = some.search(vectors[0])
    /// >>> some.closed
    /// True
    fn close(&self, py: Python<'_>) {
        self.replace(py, None);
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.loaded().is_err()
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().loaded()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        let Ok(loaded) = self.loaded() else { return "<Index: closed>".to_owned() };
        let (metric, dimensions) = (loaded.metric().name(), loaded.dimensions());
        let keys = if loaded.has_keys() { " with keys" } else { "" };
        let path = loaded.path.as_ref().map_or_else(String::new, |path| format!(", mapped from {}", path.display()));
        format!("<Index: {} {metric} vectors of {dimensions} dimensions{keys}{path}>", loaded.len())
    }
}
