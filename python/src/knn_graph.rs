//! `knn_graph`: the neighbours of every row.

use numpy::{PyArray1, PyArrayMethods};
use ohyeah::packed::{GraphError, GraphOptions};
use ohyeah::{Cancel, KnnGraph, Metric, Neighbour, Progress, Rayon};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::arguments::{Seed, Whole, check_recall, check_rows, packed_metric, padded, rows};
use crate::progress::Report;
use crate::threads::Threads;

fn graph_error(error: GraphError) -> PyErr {
    match error {
        GraphError::OutOfMemory => PyMemoryError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// The `k` nearest neighbours of every row of a 2-d array, itself not among them: ids and distances, in arrays of shape (rows, k).
/// Where there are fewer than `k`, the last ids are -1, and their distances infinite (minus infinity for "dot").
///
/// `recall`, above 0 to 1 and .95 unless you say, is the share of them to find on average at least; with `exact` all are found.
/// `metric`, `threads`, `seed` and `progress` are as in `Index`. Ctrl-C ends the work.
///
/// >>> ids, distances = ohyeah.knn_graph(vectors, 15)
/// >>> ids.shape, bool((ids[7] != 7).all())
/// ((1000, 15), True)
#[pyfunction]
#[pyo3(signature = (vectors, k, recall=None, exact=false, metric="angular", threads=None, seed=Seed::from(0), progress=None))]
#[pyo3(
    text_signature = "(vectors, k, recall=None, exact=False, metric='angular', threads=None, seed=0, progress=None)"
)]
pub(crate) fn knn_graph<'py>(
    vectors: &Bound<'py, PyAny>,
    k: Whole,
    recall: Option<f32>,
    exact: bool,
    metric: &str,
    threads: Option<Whole>,
    seed: Seed,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let py = vectors.py();
    let metric = packed_metric(metric)?;
    let (k, seed) = (k.count("k")?, seed.value());
    if exact && recall.is_some_and(|recall| recall < 1.0) {
        return Err(PyValueError::new_err("exact finds all neighbours: leave recall out, or exact"));
    }
    let (recall, threads) = (check_recall(recall)?, Threads::new(threads)?);
    let report = Report::new(py, "neighbours", progress)?;
    let (numbers, dimensions) = rows(vectors)?;
    check_rows("vectors", 0, &numbers, dimensions)?;
    let count = numbers.len() / dimensions.max(1);
    padded(k, count.saturating_sub(1), count)?;
    let backend = ohyeah::backend().map_err(|error| PyValueError::new_err(error.to_string()))?;
    let options = GraphOptions::top(k.min(count)).backend(backend).recall(recall).seed(seed);
    let options = if exact || recall >= 1.0 { options.exact() } else { options };
    let found = threads.pool(py)?.run_reporting(py, report, |cancel, tell| {
        let options = options.cancel(Cancel::new(cancel)).progress(Progress::new(tell));
        KnnGraph::build_with::<Rayon>(metric, &numbers, dimensions, &options)
    })?;
    let (ids, distances) = py.detach(|| arrays(&found.map_err(graph_error)?, count, k, metric))?;
    let shape = [count, k];
    let (ids, distances) =
        (PyArray1::from_vec(py, ids).reshape(shape)?, PyArray1::from_vec(py, distances).reshape(shape)?);
    Ok((ids.into_any(), distances.into_any()))
}

/// Ids and distances, `k` for each of `count` rows: −1 and the farthest distance where there are fewer.
fn arrays(graph: &KnnGraph, count: usize, k: usize, metric: Metric) -> PyResult<(Vec<i64>, Vec<f32>)> {
    let no_memory = |_| PyMemoryError::new_err("no memory for the neighbours: ask for fewer");
    let places = count.saturating_mul(k);
    let (mut ids, mut distances) = (Vec::new(), Vec::new());
    ids.try_reserve_exact(places).map_err(no_memory)?;
    distances.try_reserve_exact(places).map_err(no_memory)?;
    // Less is farther where distances are products.
    let farthest = if metric == Metric::Dot { f32::NEG_INFINITY } else { f32::INFINITY };
    for row in 0..count {
        for Neighbour { id, distance } in graph.neighbours(row as u32) {
            ids.push(i64::from(*id));
            distances.push(*distance);
        }
        ids.resize((row + 1) * k, -1);
        distances.resize((row + 1) * k, farthest);
    }
    Ok((ids, distances))
}
