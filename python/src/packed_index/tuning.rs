//! What each recall takes.

use ohyeah::packed::SearchPlan;
use ohyeah::{Cancel, Progress, Rayon};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Index;
use super::storage::{Loaded, Storage};
use crate::arguments::{Whole, check_recall, rows_of};
use crate::exceptions::wrong_length;
use crate::progress::Report;
use crate::threads::Threads;

#[pymethods]
impl Index {
    /// Measures what each recall takes anew, with a sample of real queries (at least 20, better some hundreds) in place of vectors of the
    /// index: for queries from elsewhere, such as texts that ask for images. `save` keeps it; the index is in memory afterwards.
    ///
    /// >>> some = ohyeah.Index(vectors)
    /// >>> some.calibrate(vectors[:100] + 0.1)
    #[pyo3(signature = (queries, threads=None, progress=None))]
    fn calibrate(
        &self,
        queries: &Bound<'_, PyAny>,
        threads: Option<Whole>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (py, loaded, threads) = (queries.py(), self.loaded()?, Threads::new(threads)?);
        let report = Report::new(py, "calibration", progress)?;
        let (numbers, dimensions) = rows_of("queries", queries)?;
        if dimensions != loaded.dimensions() {
            return Err(wrong_length(loaded.dimensions(), dimensions));
        }
        let each: Vec<&[f32]> = numbers.chunks_exact(dimensions.max(1)).collect();
        let calibrated = threads.pool(py)?.run_reporting(py, report, |cancel, tell| {
            loaded.calibrate_with::<Rayon>(&each, Progress::new(tell), Cancel::new(cancel))
        })?;
        let calibrated = calibrated.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let made = Loaded::new(Storage::Built(calibrated.into_storage()))?;
        self.replace_same(py, &loaded, made)
    }

    /// How a search for the `k` nearest with this recall is answered, and what that takes on average: None where all vectors are compared,
    /// else a dict of leaves and vectors that are scanned, candidates that are compared, and the recall that nine of ten queries
    /// reach.
    ///
    /// >>> ohyeah.Index(vectors[:50]).plan() is None  # so few vectors are all compared
    /// True
    #[pyo3(signature = (k=Whole::from(10), recall=None))]
    #[pyo3(text_signature = "($self, k=10, recall=None)")]
    fn plan<'py>(&self, py: Python<'py>, k: Whole, recall: Option<f32>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let (k, recall) = (k.count("k")?, check_recall(recall)?);
        let SearchPlan::Scan { leaves, rows, candidates, tenth } = self.loaded()?.plan(k, recall) else {
            return Ok(None);
        };
        let plan = PyDict::new(py);
        for (name, value) in [("leaves", leaves), ("vectors", rows), ("candidates", candidates), ("tenth", tenth)] {
            plan.set_item(name, value)?;
        }
        Ok(Some(plan))
    }
}
