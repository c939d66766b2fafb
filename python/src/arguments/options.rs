//! Options that several calls have in common: they are checked in one place, and raise alike.

use ohyeah::Metric;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The recall that is asked for, .95 unless the caller says.
pub(crate) fn check_recall(recall: Option<f32>) -> PyResult<f32> {
    let recall = recall.unwrap_or(0.95);
    if recall > 0.0 && recall <= 1.0 {
        return Ok(recall);
    }
    let text = format!("recall is {recall}: it must be above 0, and at most 1, which compares with every vector");
    Err(PyValueError::new_err(text))
}

/// Names that other libraries give to metrics of ours.
fn known_as(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().replace(['-', '_', ' '], "").as_str() {
        "cosine" | "cos" | "angular" => "angular",
        "l2" | "euclid" | "euclidean" | "sqeuclidean" => "euclidean",
        "ip" | "innerproduct" | "dot" | "dotproduct" => "dot",
        "l1" | "cityblock" | "manhattan" => "manhattan",
        "hamming" => "hamming",
        _ => return None,
    })
}

fn unknown(name: &str, allowed: &str) -> PyErr {
    let other = known_as(name).map_or_else(String::new, |other| format!(" ({name} is called {other})"));
    PyValueError::new_err(format!("No such metric: {name:?}; use {allowed}{other}"))
}

/// A metric of forests.
pub(crate) fn metric(name: &str) -> PyResult<Metric> {
    let allowed = "\"angular\", \"euclidean\", \"manhattan\", \"hamming\" or \"dot\"";
    name.parse().map_err(|_| unknown(name, allowed))
}

/// A metric of packed indexes. Those of forests alone are refused when it is built, by an error that says so.
pub(crate) fn packed_metric(name: &str) -> PyResult<Metric> {
    name.parse().map_err(|_| unknown(name, "\"angular\", \"euclidean\" or \"dot\""))
}

/// Places that are filled with −1, for all queries together, at most: a `k` that leaves more of them empty is a mistake, and would take
/// gigabytes of nothing.
const MOST_EMPTY: usize = 1 << 26;

/// Whether an array of `k` places for each of `queries` queries is one to make, where there are `count` answers.
pub(crate) fn padded(k: usize, count: usize, queries: usize) -> PyResult<()> {
    if k.saturating_sub(count).saturating_mul(queries.max(1)) <= MOST_EMPTY {
        return Ok(());
    }
    let text =
        format!("k is {k}, and there are {count} vectors to find: so many places would stay empty; ask for fewer");
    Err(PyValueError::new_err(text))
}
