//! `IdSet`: a filter as a value.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyArray1;
use ohyeah::packed::RowSet;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arguments;

/// Indexes for which a set is kept ready.
const MOST_READY: usize = 4;

/// A set of ids that may be answers, made once and used in many searches: of an array of ids, or of a mask with a place for each id.
///
/// `len` is how many ids there are to choose from; a mask says so itself. Sets are combined by `&`, `|`, `^` and `-`, and `~` gives the
/// other ids. The first search of an index with a set makes it ready for that index, which takes about as long as ten searches.
#[pyclass(frozen, module = "ohyeah", name = "IdSet")]
pub(crate) struct IdSet {
    ids: ohyeah::IdSet,
    /// How many ids there are to choose from, where that is known.
    of: Option<usize>,
    largest: Option<u32>,
    /// The set as rows of the indexes that were searched last.
    ready: Mutex<Vec<(u64, Arc<RowSet>)>>,
}

impl IdSet {
    pub(crate) fn new(ids: ohyeah::IdSet, of: Option<usize>) -> Self {
        let largest = ids.iter().last();
        Self { ids, of, largest, ready: Mutex::new(Vec::new()) }
    }

    /// The ids, as a filter of an index of `count`.
    pub(crate) fn for_count(&self, count: usize) -> PyResult<&ohyeah::IdSet> {
        if let Some(of) = self.of.filter(|of| *of != count) {
            let text = format!("filter: the set is one of {of} ids, and the index has {count}: it is of other data");
            return Err(PyValueError::new_err(text));
        }
        if self.of.is_none()
            && let Some(id) = self.largest.filter(|id| *id as usize >= count)
        {
            return Err(PyValueError::new_err(format!("filter: there is no id {id}, the index has {count}")));
        }
        Ok(&self.ids)
    }

    /// The set as rows of an index, which `make` makes of it for the first search.
    pub(crate) fn rows_of(
        &self,
        index: u64,
        make: impl FnOnce(&ohyeah::IdSet) -> PyResult<RowSet>,
    ) -> PyResult<Arc<RowSet>> {
        let ready = || self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rows)) = ready().iter().find(|(of, _)| *of == index) {
            return Ok(Arc::clone(rows));
        }
        // Without the lock: two threads may make it, and one of the two is kept.
        let rows = Arc::new(make(&self.ids)?);
        let mut ready = ready();
        if ready.len() == MOST_READY {
            ready.remove(0);
        }
        ready.push((index, Arc::clone(&rows)));
        Ok(rows)
    }

    fn combined(&self, other: &Self, ids: ohyeah::IdSet) -> PyResult<Self> {
        match (self.of, other.of) {
            (Some(one), Some(two)) if one != two => Err(PyValueError::new_err(format!(
                "one set is of {one} ids and the other of {two}: they are of other data"
            ))),
            (one, two) => Ok(Self::new(ids, one.or(two))),
        }
    }
}

#[pymethods]
impl IdSet {
    #[new]
    #[pyo3(signature = (ids, len=None))]
    fn make(ids: &Bound<'_, PyAny>, len: Option<usize>) -> PyResult<Self> {
        if let Ok(set) = ids.cast::<Self>() {
            let set = set.get();
            let of = len.or(set.of);
            let made = Self::new(set.ids.clone(), None);
            made.for_count(of.unwrap_or(usize::MAX))?;
            return Ok(Self::new(made.ids, of));
        }
        let array = ids.py().import("numpy")?.call_method1("asarray", (ids,))?;
        let is_mask = array.getattr("dtype")?.getattr("kind")?.extract::<char>()? == 'b';
        let of = len.or(if is_mask { Some(array.len()?) } else { None });
        // Without a length, ids are as large as those of any index: a bit each.
        let most = i32::MAX as usize;
        if of.is_some_and(|of| of > most) {
            return Err(PyValueError::new_err(format!("len is {}: an index has at most {most} ids", of.unwrap_or(0))));
        }
        Ok(Self::new(arguments::filter(&array, of.unwrap_or(most))?, of))
    }

    fn __and__(&self, other: &Self) -> PyResult<Self> {
        self.combined(other, &self.ids & &other.ids)
    }

    fn __or__(&self, other: &Self) -> PyResult<Self> {
        self.combined(other, &self.ids | &other.ids)
    }

    fn __xor__(&self, other: &Self) -> PyResult<Self> {
        self.combined(other, &self.ids ^ &other.ids)
    }

    fn __sub__(&self, other: &Self) -> PyResult<Self> {
        self.combined(other, &self.ids - &other.ids)
    }

    fn __invert__(&self) -> PyResult<Self> {
        let no_length = "which other ids there are is not known: say how many there are, IdSet(ids, len)";
        let of = self.of.ok_or_else(|| PyValueError::new_err(no_length))?;
        Ok(Self::new(self.ids.complement(of as u32), self.of))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.ids == other.get().ids)
    }

    fn __contains__(&self, id: i64) -> bool {
        u32::try_from(id).is_ok_and(|id| self.ids.contains(id))
    }

    /// How many ids are in the set.
    fn __len__(&self) -> usize {
        self.ids.len()
    }

    /// The ids, ascending: an array.
    fn ids<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        PyArray1::from_vec(py, self.ids.iter().map(i64::from).collect())
    }

    fn __repr__(&self) -> String {
        let of = self.of.map_or_else(String::new, |of| format!(" of {of}"));
        format!("<IdSet: {}{of} ids>", self.ids.len())
    }
}
