//! A forest as a Python object: pickled, copied, closed, shown.

use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::AnnoyIndex;
use crate::index::Snapshot;

/// Bytes at the start and at the end of a forest that tell it from others, more or less: the format has no checksums.
const EDGE: usize = 64;

fn edges<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyBytes> {
    let edge = bytes.len().min(EDGE);
    PyBytes::new(py, &[&bytes[..edge], &bytes[bytes.len() - edge..]].concat())
}

#[pymethods]
impl AnnoyIndex {
    /// Pickles the path of a file that is mapped, and the bytes or the items otherwise.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (py, this) = (slf.py(), slf.get());
        let (snapshot, seed) = this.index.snapshot(py)?;
        let (kind, payload) = match &snapshot {
            Snapshot::Items(ids, numbers) => {
                let ids = ids.clone().into_pyarray(py);
                let numbers = numbers.clone().into_pyarray(py).reshape([ids.len()?, this.dimensions])?;
                ("items", (ids, numbers).into_pyobject(py)?)
            }
            Snapshot::Trees(trees) => {
                if let Some((path, length)) = trees.file() {
                    ("file", (path.as_os_str(), length, edges(py, trees.as_bytes())).into_pyobject(py)?)
                } else {
                    let copy = |bytes: &mut [u8]| {
                        bytes.copy_from_slice(trees.as_bytes());
                        Ok(())
                    };
                    ("trees", (PyBytes::new_with(py, trees.as_bytes().len(), copy)?,).into_pyobject(py)?)
                }
            }
        };
        let attributes = slf.getattr("__dict__").ok();
        let what = (slf.get_type(), this.dimensions, this.index.metric().name(), seed, kind, payload, attributes);
        (py.import("ohyeah._pickle")?.getattr("annoy_index")?, what).into_pyobject(py)
    }

    /// The trees that these bytes are, in memory.
    fn _set_trees(&self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<()> {
        self.index.set_trees(py, data.as_bytes())
    }

    fn _set_seed(&self, py: Python<'_>, seed: u64) -> PyResult<()> {
        self.index.set_seed(py, seed)
    }

    /// What tells the trees from others, more or less.
    fn _edges<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let (snapshot, _) = self.index.snapshot(py)?;
        Ok(edges(py, if let Snapshot::Trees(trees) = &snapshot { trees.as_bytes() } else { &[] }))
    }

    /// The same as `unload`.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.index.unload(py)
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (items, trees) = (self.index.item_count(py)?, self.index.tree_count(py)?);
        let (metric, dimensions) = (self.index.metric().name(), self.dimensions);
        let trees = if trees == 0 { "no trees".to_owned() } else { format!("{trees} trees") };
        Ok(format!("<AnnoyIndex: {items} {metric} items of {dimensions} dimensions, {trees}>"))
    }
}
