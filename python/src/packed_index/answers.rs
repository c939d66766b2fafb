//! Answers: found, and handed out as arrays or as keys.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use numpy::{PyArray1, PyArrayMethods};
use ohyeah::packed::{PackedScratch, Search, SearchError};
use ohyeah::{Metric, Neighbour};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use rayon::prelude::*;

use super::ask::{Filter, Request};
use super::storage::Loaded;
use crate::arguments::{Queries, padded};
use crate::exceptions::packed_search_error;
use crate::threads::Threads;

thread_local! {
    /// Searches of a thread share their memory.
    static SCRATCH: RefCell<PackedScratch> = RefCell::new(PackedScratch::new());
}

/// Ids, or keys, and distances, as they are handed out.
pub(super) type Answers<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

impl Loaded {
    /// The answers to one query, the `row`-th.
    pub(super) fn find<'s>(
        &self,
        scratch: &'s mut PackedScratch,
        (row, query): (usize, &[f32]),
        search: &Search,
        filter: &Filter,
    ) -> Result<&'s [Neighbour], SearchError> {
        match filter {
            Filter::All => self.search_in(scratch, query, search),
            Filter::Rows(rows) => self.search_in(scratch, query, &search.filter(&**rows)),
            Filter::Each(masks) => {
                let mask = masks.get(row * self.len()..(row + 1) * self.len()).unwrap_or(&[]);
                let rows = self.row_set(|id: u32| mask.get(id as usize).is_some_and(|byte| *byte != 0))?;
                self.search_in(scratch, query, &search.filter(&rows))
            }
        }
    }

    /// Hands the answers to each query to `take`, on many threads; Ctrl-C is heard after each.
    pub(super) fn find_all<T: Send>(
        &self,
        py: Python<'_>,
        (numbers, width): (&[f32], usize),
        (search, filter): (&Search, &Filter),
        threads: Threads,
        places: impl IndexedParallelIterator<Item = T>,
        take: impl Fn(T, &[Neighbour]) + Sync + Send,
    ) -> PyResult<()> {
        let one = |cancel: &AtomicBool, query: (usize, &[f32]), place: T| {
            if cancel.load(Ordering::Relaxed) {
                return Err(SearchError::Cancelled);
            }
            SCRATCH.with_borrow_mut(|scratch| {
                take(place, self.find(scratch, query, search, filter)?);
                Ok(())
            })
        };
        threads
            .pool(py)?
            .run_interruptible(py, |cancel| {
                let queries = numbers.par_chunks(width.max(1)).enumerate();
                queries.zip(places).try_for_each(|(query, place)| one(cancel, query, place))
            })?
            .map_err(packed_search_error)
    }
}

/// Places for answers: ids of −1 and the farthest distance.
fn places(count: usize, farthest: f32) -> PyResult<(Vec<i64>, Vec<f32>)> {
    let (mut ids, mut distances) = (Vec::new(), Vec::new());
    let no_room = |_| PyMemoryError::new_err(format!("no memory for {count} answers: ask for fewer"));
    ids.try_reserve_exact(count).map_err(no_room)?;
    distances.try_reserve_exact(count).map_err(no_room)?;
    ids.resize(count, -1_i64);
    distances.resize(count, farthest);
    Ok((ids, distances))
}

/// Writes the answers of a query to the start of its ids and distances.
fn write(found: &[Neighbour], ids: &mut [i64], distances: &mut [f32]) {
    for (found, (id, distance)) in found.iter().zip(ids.iter_mut().zip(distances)) {
        (*id, *distance) = (i64::from(found.id), found.distance);
    }
}

/// Ids and distances, a row of `k` for each query, and how many queries there were; none for a query that is not in a row of others.
pub(super) struct Found {
    ids: Vec<i64>,
    distances: Vec<f32>,
    k: usize,
    rows: Option<usize>,
}

impl Found {
    pub(super) fn new(
        py: Python<'_>,
        loaded: &Loaded,
        queries: &Queries,
        filter: &Filter,
        request: &Request,
    ) -> PyResult<Self> {
        let (k, search) = (request.k, &request.search);
        // Less is farther where distances are products.
        let farthest = if loaded.metric() == Metric::Dot { f32::NEG_INFINITY } else { f32::INFINITY };
        let rows = if let Queries::Many { rows, .. } = queries { Some(*rows) } else { None };
        padded(k, loaded.len(), rows.unwrap_or(1))?;
        let (mut ids, mut distances) = places(k.saturating_mul(rows.unwrap_or(1)), farthest)?;
        match queries {
            Queries::One(query) => py.detach(|| {
                SCRATCH.with_borrow_mut(|scratch| {
                    let found = loaded.find(scratch, (0, query), search, filter).map_err(packed_search_error)?;
                    write(found, &mut ids, &mut distances);
                    Ok::<_, PyErr>(())
                })
            })?,
            // Rows of nothing cannot be cut.
            Queries::Many { .. } if k == 0 => {}
            Queries::Many { numbers, width, .. } => {
                let to = ids.par_chunks_mut(k).zip(distances.par_chunks_mut(k));
                let take =
                    |(ids, distances): (&mut [i64], &mut [f32]), found: &[Neighbour]| write(found, ids, distances);
                loaded.find_all(py, (numbers, *width), (search, filter), request.threads, to, take)?;
            }
        }
        if request.similarity && loaded.metric() == Metric::Angular {
            for distance in &mut distances {
                *distance = cosine(*distance);
            }
        }
        Ok(Self { ids, distances, k, rows })
    }

    fn shaped<'py, T: numpy::Element>(&self, py: Python<'py>, values: Vec<T>) -> PyResult<Bound<'py, PyAny>> {
        let array = PyArray1::from_vec(py, values);
        Ok(match self.rows {
            None => array.into_any(),
            Some(rows) => array.reshape([rows, self.k])?.into_any(),
        })
    }

    /// Arrays of one dimension for one query, and of two for several.
    pub(super) fn arrays(mut self, py: Python<'_>) -> PyResult<Answers<'_>> {
        let (ids, distances) = (std::mem::take(&mut self.ids), std::mem::take(&mut self.distances));
        Ok((self.shaped(py, ids)?, self.shaped(py, distances)?))
    }

    /// Keys in the place of ids, None where there is no more answer: a list, or a list of lists.
    pub(super) fn keys<'py>(mut self, py: Python<'py>, loaded: &Loaded) -> PyResult<Answers<'py>> {
        let distances = std::mem::take(&mut self.distances);
        let key = |id: &i64| u32::try_from(*id).ok().and_then(|id| loaded.key(id));
        let keys = match self.rows {
            None => PyList::new(py, self.ids.iter().map(key))?,
            Some(rows) => {
                let row = |row: usize| PyList::new(py, self.ids[row * self.k..(row + 1) * self.k].iter().map(key));
                PyList::new(py, (0..rows).map(row).collect::<PyResult<Vec<_>>>()?)?
            }
        };
        Ok((keys.into_any(), self.shaped(py, distances)?))
    }
}

/// The cosine of an angular distance, which is √(2 − 2·cosine).
fn cosine(distance: f32) -> f32 {
    1.0 - distance * distance / 2.0
}

/// Arrays of ids and of distances.
pub(super) fn two_arrays<'py>(py: Python<'py>, found: &[Neighbour]) -> Answers<'py> {
    let ids = PyArray1::from_iter(py, found.iter().map(|x| i64::from(x.id)));
    (ids.into_any(), PyArray1::from_iter(py, found.iter().map(|x| x.distance)).into_any())
}
