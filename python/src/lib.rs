//! The Python module `ohyeah._ohyeah`; the package `ohyeah` beside it is what programs import.

mod annoy_index;
mod arguments;
mod index;
mod room;
mod word_vectors;

use pyo3::prelude::*;

#[pymodule]
mod _ohyeah {
    #[pymodule_export]
    use crate::annoy_index::AnnoyIndex;
    #[pymodule_export]
    use crate::word_vectors::WordVectors;
}

/// Runs something on so many threads; on all there are for −1.
fn on_threads<T: Send>(threads: i64, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    use pyo3::exceptions::{PyMemoryError, PyValueError};
    match threads {
        -1 => Ok(work()),
        1.. => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build();
            Ok(pool.map_err(|error| PyMemoryError::new_err(error.to_string()))?.install(work))
        }
        _ => Err(PyValueError::new_err(format!("{threads} threads: use -1 for all there are, or at least 1"))),
    }
}
