//! `IdSet`: a filter as a value.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyArray1;
use ohyeah::packed::RowSet;
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::arguments::{self, Whole};
use crate::exceptions::NoSuchId;

/// Indexes for which a set is kept ready.
const MOST_READY: usize = 4;

/// A set of ids that may be answers, made once and used in many searches: of an array of ids, or of a mask with a place for each id.
///
/// `len` is how many ids there are to choose from; a mask says so itself. Sets are combined by `&`, `|`, `^` and `-`, and `~` gives the
/// other ids. The first search of an index with a set makes it ready for that index, which takes about as long as ten searches.
///
/// >>> even = ohyeah.IdSet(np.arange(1000) % 2 == 0)
/// >>> small = ohyeah.IdSet(range(10), len=1000)
/// >>> even & ~small
/// <IdSet: 495 of 1000 ids>
/// >>> (even & small).ids()
/// array([0, 2, 4, 6, 8])
/// >>> index.search(vectors[4], 1, filter=even & small)[0]
/// array([4])
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
            return Err(NoSuchId::new_err(format!(
                "filter: there is no id {id}, the index has {count}, numbered from 0"
            )));
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
            (one, two) => {
                let of = one.or(two);
                self.check_within(of)?;
                other.check_within(of)?;
                Ok(Self::new(ids, of))
            }
        }
    }

    /// Whether all ids are among so many.
    fn check_within(&self, of: Option<usize>) -> PyResult<()> {
        match (self.largest, of) {
            (Some(id), Some(of)) if id as usize >= of => Err(NoSuchId::new_err(format!(
                "there is no id {id}: the other set is one of {of} ids, numbered from 0"
            ))),
            _ => Ok(()),
        }
    }
}

#[pymethods]
impl IdSet {
    #[new]
    #[pyo3(signature = (ids, len=None))]
    fn make(ids: &Bound<'_, PyAny>, len: Option<Whole>) -> PyResult<Self> {
        let len = len.map(|len| len.count("len")).transpose()?;
        // Without a length, ids are as large as those of any index: a bit each.
        let most = i32::MAX as usize;
        if len.is_some_and(|len| len > most) {
            return Err(PyValueError::new_err(format!("len is {}: an index has at most {most} ids", len.unwrap_or(0))));
        }
        if let Ok(set) = ids.cast::<Self>() {
            let set = set.get();
            let of = len.or(set.of);
            let made = Self::new(set.ids.clone(), None);
            made.for_count(of.unwrap_or(usize::MAX))?;
            return Ok(Self::new(made.ids, of));
        }
        let array = arguments::ids_or_masks(ids, len.unwrap_or(most))?;
        let is_mask = array.getattr("dtype")?.getattr("kind")?.extract::<char>()? == 'b';
        let shape: Vec<usize> = array.getattr("shape")?.extract()?;
        let of = len.or(shape.first().copied().filter(|_| is_mask));
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

    fn __contains__(&self, id: Whole) -> bool {
        u32::try_from(id.value()).is_ok_and(|id| self.ids.contains(id))
    }

    /// How many ids are in the set.
    fn __len__(&self) -> usize {
        self.ids.len()
    }

    /// A set does not change: it is its own copy.
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let bits = PyBytes::new_with(py, self.largest.map_or(0, |id| id as usize / 8 + 1), |bytes| {
            for id in self.ids.iter() {
                bytes[id as usize / 8] |= 1 << (id % 8);
            }
            Ok(())
        })?;
        (py.import("ohyeah._pickle")?.getattr("id_set")?, (bits, self.of)).into_pyobject(py)
    }

    /// The ids, ascending: an array.
    ///
    /// >>> ohyeah.IdSet([7, 3]).ids()
    /// array([3, 7])
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let (mut ids, count) = (Vec::new(), self.ids.len());
        let no_memory = |_| PyMemoryError::new_err(format!("no memory for an array of {count} ids"));
        ids.try_reserve_exact(count).map_err(no_memory)?;
        ids.extend(self.ids.iter().map(i64::from));
        Ok(PyArray1::from_vec(py, ids))
    }

    fn __repr__(&self) -> String {
        let of = self.of.map_or_else(String::new, |of| format!(" of {of}"));
        format!("<IdSet: {}{of} ids>", self.ids.len())
    }
}
