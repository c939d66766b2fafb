//! Searching an index.

use ohyeah::Neighbour;
use ohyeah::packed::{PackedScratch, Search};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use rayon::prelude::*;

use super::Index;
use super::answers::{Answers, Found, two_arrays};
use super::ask::{Request, queries, with_recall};
use crate::arguments::{self, Queries, Whole, check_recall};
use crate::exceptions::packed_search_error;
use crate::id_set::IdSet;
use crate::threads::Threads;

#[pymethods]
impl Index {
    /// The `k` nearest of one vector, or of each row of a 2-d array: ids and distances, nearest first, in arrays of shape (k,) or
    /// (queries, k). Where there are fewer than `k`, the last ids are -1, and their distances infinite (minus infinity for "dot").
    /// A query may also be the key of a vector, or a list of keys.
    ///
    /// `recall`, above 0 to 1 and .95 unless you say, is the share of the right answers to find on average; 1.0 compares with every
    /// vector. `leaves` and `candidates` say in its place how hard to look. `filter` allows only some ids: an `IdSet`, which is
    /// fastest where it is used many times, an array of ids, a mask (bool, one place for each id), or a mask for each query, of
    /// shape (queries, len(index)). With `similarity`, cosines come in place of angular distances; "dot" gives products anyway.
    /// `threads` answer the rows of a 2-d array, all cores unless you say. Ctrl-C ends a batch.
    ///
    /// >>> ids, distances = index.search(vectors[7], 3, recall=0.99)
    /// >>> ids.shape, int(ids[0])
    /// ((3,), 7)
    /// >>> ids, cosines = index.search(vectors[:5], 3, filter=np.arange(1000) % 2 == 0, similarity=True)
    /// >>> ids.shape, bool((ids % 2 == 0).all()), round(float(cosines[0, 0]), 3)
    /// ((5, 3), True, 1.0)
    /// >>> index.search("item 7", 1)[0]
    /// array([7])
    #[pyo3(signature = (query, k=Whole::from(10), recall=None, filter=None, threads=None, leaves=None, candidates=None,
                        similarity=false))]
    #[pyo3(
        text_signature = "($self, query, k=10, recall=None, filter=None, threads=None, leaves=None, candidates=None, \
                             similarity=False)"
    )]
    fn search<'py>(
        &self,
        query: &Bound<'py, PyAny>,
        k: Whole,
        recall: Option<f32>,
        filter: Option<&Bound<'py, PyAny>>,
        threads: Option<Whole>,
        leaves: Option<Whole>,
        candidates: Option<Whole>,
        similarity: bool,
    ) -> PyResult<Answers<'py>> {
        let (py, loaded) = (query.py(), self.loaded()?);
        let request = Request::new(k, recall, threads, (leaves, candidates), similarity)?;
        request.check(&loaded)?;
        let queries = queries(&loaded, query)?;
        let filter = loaded.allowed(filter, &queries)?;
        Found::new(py, &loaded, &queries, &filter, &request)?.arrays(py)
    }

    /// As `search`, with the keys of the answers in the place of their ids: a list of strings, or for several queries a list of such
    /// lists. Where there are fewer than `k`, the last are None.
    ///
    /// >>> keys, cosines = index.search_keys("item 7", 2, similarity=True)
    /// >>> keys[0]
    /// 'item 7'
    #[pyo3(signature = (query, k=Whole::from(10), recall=None, filter=None, threads=None, similarity=false))]
    #[pyo3(text_signature = "($self, query, k=10, recall=None, filter=None, threads=None, similarity=False)")]
    fn search_keys<'py>(
        &self,
        query: &Bound<'py, PyAny>,
        k: Whole,
        recall: Option<f32>,
        filter: Option<&Bound<'py, PyAny>>,
        threads: Option<Whole>,
        similarity: bool,
    ) -> PyResult<Answers<'py>> {
        let (py, loaded) = (query.py(), self.loaded()?);
        if !loaded.has_keys() {
            return Err(PyValueError::new_err("the index has no keys: give keys= when it is built, or use search"));
        }
        let request = Request::new(k, recall, threads, (None, None), similarity)?;
        request.check(&loaded)?;
        let queries = queries(&loaded, query)?;
        let filter = loaded.allowed(filter, &queries)?;
        Found::new(py, &loaded, &queries, &filter, &request)?.keys(py, &loaded)
    }

    /// All vectors within a distance of one, or, for the metric "dot", with at least this product: ids and distances, nearest
    /// first, in two arrays. For each row of a 2-d array: a list of such arrays of ids, and one of distances. `recall`, `filter` and
    /// `threads` are as in `search`.
    ///
    /// >>> ids, distances = index.within(vectors[7], 0.5)
    /// >>> int(ids[0]), bool((distances <= 0.5).all())
    /// (7, True)
    /// >>> ids, distances = index.within(vectors[:2], 0.5)
    /// >>> [int(some[0]) for some in ids]
    /// [0, 1]
    #[pyo3(signature = (query, distance, recall=None, filter=None, threads=None))]
    fn within<'py>(
        &self,
        query: &Bound<'py, PyAny>,
        distance: f32,
        recall: Option<f32>,
        filter: Option<&Bound<'py, PyAny>>,
        threads: Option<Whole>,
    ) -> PyResult<Answers<'py>> {
        let (py, loaded, threads) = (query.py(), self.loaded()?, Threads::new(threads)?);
        if distance.is_nan() {
            return Err(PyValueError::new_err("distance is NaN: a number is needed"));
        }
        let search = with_recall(Search::top(usize::MAX).within(distance), check_recall(recall)?);
        let queries = queries(&loaded, query)?;
        let filter = loaded.allowed(filter, &queries)?;
        match &queries {
            Queries::One(query) => {
                let found = py.detach(|| {
                    // Not in the memory that a thread keeps: all vectors may be found.
                    loaded.find(&mut PackedScratch::new(), (0, query), &search, &filter).map(<[_]>::to_vec)
                });
                Ok(two_arrays(py, &found.map_err(packed_search_error)?))
            }
            Queries::Many { numbers, rows, width } => {
                let mut all = vec![Vec::new(); *rows];
                let take = |place: &mut Vec<Neighbour>, found: &[Neighbour]| *place = found.to_vec();
                loaded.find_all(py, (numbers, *width), (&search, &filter), threads, all.par_iter_mut(), take)?;
                let (ids, distances): (Vec<_>, Vec<_>) = all.iter().map(|found| two_arrays(py, found)).unzip();
                Ok((PyList::new(py, ids)?.into_any(), PyList::new(py, distances)?.into_any()))
            }
        }
    }

    /// The set of some ids or of a mask, to be used as a filter in many searches; see `IdSet`.
    ///
    /// >>> even = index.filter(np.arange(1000) % 2 == 0)
    /// >>> index.search(vectors[7], 2, filter=even)[0] % 2
    /// array([0, 0])
    fn filter(&self, ids: &Bound<'_, PyAny>) -> PyResult<IdSet> {
        let count = self.loaded()?.len();
        if let Ok(set) = ids.cast::<IdSet>() {
            return Ok(IdSet::new(set.get().for_count(count)?.clone(), Some(count)));
        }
        Ok(IdSet::new(arguments::filter(ids, count)?, Some(count)))
    }
}
