//! `knn_graph`: the neighbours of every row.

use numpy::PyArray1;
use ohyeah::packed::{GraphError, GraphOptions};
use ohyeah::{Cancel, KnnGraph, Neighbour, Rayon};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::arguments::rows;
use crate::threads::Pool;

fn graph_error(error: GraphError) -> PyErr {
    match error {
        GraphError::OutOfMemory => PyMemoryError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// The `k` nearest neighbours of every row of a 2-d array, itself not among them: ids and distances, a row for each.
///
/// `recall` says which share of them to find on average at least; with `exact` all are found.
#[pyfunction]
#[pyo3(signature = (vectors, k, recall=0.95, exact=false, metric="angular", threads=None, seed=0))]
pub(crate) fn knn_graph<'py>(
    vectors: &Bound<'py, PyAny>,
    k: usize,
    recall: f32,
    exact: bool,
    metric: &str,
    threads: Option<i64>,
    seed: u64,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let py = vectors.py();
    let metric = crate::packed_index::metric(metric)?;
    if !(recall > 0.0 && recall <= 1.0) {
        return Err(PyValueError::new_err(format!("recall is {recall}: it must be above 0, and at most 1")));
    }
    let pool = Pool::of(py, threads.unwrap_or(-1))?;
    let (numbers, dimensions) = rows(vectors)?;
    let backend = ohyeah::backend().map_err(|error| PyValueError::new_err(error.to_string()))?;
    let options = GraphOptions::top(k).backend(backend).recall(recall).seed(seed);
    let options = if exact || recall >= 1.0 { options.exact() } else { options };
    let found = pool.run_interruptible(py, |cancel| {
        let options = options.cancel(Cancel::new(cancel));
        KnnGraph::build_with::<Rayon>(metric, &numbers, dimensions, &options)
    })?;
    let found = found.map_err(graph_error)?;
    let count = numbers.len() / dimensions.max(1);
    let (mut ids, mut distances) =
        (Vec::with_capacity(count * found.width()), Vec::with_capacity(count * found.width()));
    for id in 0..count as u32 {
        for Neighbour { id, distance } in found.neighbours(id) {
            ids.push(i64::from(*id));
            distances.push(*distance);
        }
    }
    let shaped = |array: Bound<'py, PyAny>| array.call_method1("reshape", ((count, found.width()),));
    Ok((shaped(PyArray1::from_vec(py, ids).into_any())?, shaped(PyArray1::from_vec(py, distances).into_any())?))
}
