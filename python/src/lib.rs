//! The Python module `ohyeah._ohyeah`; the package `ohyeah` beside it is what programs import.

mod annoy_index;
mod arguments;
mod build_how;
mod collected;
mod exceptions;
mod gate;
mod id_set;
mod index;
mod knn_graph;
mod mapped;
mod packed_index;
mod progress;
mod room;
mod saving;
mod threads;
mod trees;
mod word_vectors;

use pyo3::prelude::*;

#[pymodule]
mod _ohyeah {
    use numpy::{PyArray1, PyArrayMethods};
    use pyo3::exceptions::PyRuntimeError;
    use pyo3::prelude::*;

    use crate::exceptions::{FileFormatError, NoSuchId, WrongLength};

    /// Everything else takes numpy for granted: without it, there is no module.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        py.import("numpy")?;
        // Classes of Python are looked for now, and not in the middle of an error.
        py.get_type::<FileFormatError>();
        py.get_type::<NoSuchId>();
        py.get_type::<WrongLength>();
        // The crate numpy looks for numpy's functions when it needs them first, and panics where Ctrl-C comes between. So it needs
        // them now: to make an array, and to look at one.
        let array = PyArray1::from_vec(py, vec![0_f32]);
        array.try_readonly().map(drop).map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    #[pymodule_export]
    use crate::annoy_index::AnnoyIndex;
    #[pymodule_export]
    use crate::id_set::IdSet;
    #[pymodule_export]
    use crate::knn_graph::knn_graph;
    #[pymodule_export]
    use crate::packed_index::Index;
    #[pymodule_export]
    use crate::word_vectors::WordVectors;
}
