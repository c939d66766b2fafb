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
    use pyo3::prelude::*;

    /// Everything else takes numpy for granted: without it, there is no module.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.py().import("numpy").map(drop)
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
