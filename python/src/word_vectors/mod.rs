//! What the class `ohyeah.WordVectors` is made of: files, exact queries, the dictionary. The class itself, with the habits of
//! gensim, is in the package (`ohyeah/_word_vectors.py`), and has checked the arguments.

mod dictionary;
mod files;

use std::path::PathBuf;

use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{PyArray1, PyArray2, PyReadonlyArray1};
use ohyeah_words::{QueryError, SimilarWord, exact};
use pyo3::exceptions::{PyIndexError, PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use self::dictionary::Wanted;
use self::files::Target;
use crate::arguments::{rows, text_of};
use crate::progress::Report;
use crate::saving::check_no_pipe;
use crate::threads::Pool;

/// Words and their vectors: see `ohyeah.WordVectors`, which has one.
#[pyclass(frozen, module = "ohyeah._ohyeah")]
pub(crate) struct WordVectors {
    vectors: ohyeah_words::WordVectors,
}

fn query_error(error: QueryError) -> PyErr {
    match error {
        QueryError::UnknownWord { .. } => PyKeyError::new_err(error.to_string()),
        QueryError::Row { .. } => PyIndexError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// The words of rows.
fn named<'v>(vectors: &'v ohyeah_words::WordVectors, found: &[SimilarWord]) -> Vec<(&'v str, f32)> {
    found.iter().map(|x| (vectors.word(x.id), x.cosine)).collect()
}

/// Keeps programs from writing to an array.
pub(crate) fn read_only<A>(array: Bound<'_, A>) -> PyResult<Bound<'_, PyAny>> {
    let array = array.into_any();
    array.call_method1("setflags", (false,))?;
    Ok(array)
}

impl WordVectors {
    fn check_row(&self, id: u32) -> PyResult<u32> {
        let rows = self.vectors.len();
        if (id as usize) < rows { Ok(id) } else { Err(query_error(QueryError::Row { id, rows })) }
    }

    /// A copy of a vector, made before others have the interpreter.
    fn check_vector(&self, vector: &PyReadonlyArray1<'_, f32>) -> PyResult<Vec<f32>> {
        let vector = vector.as_array().to_vec();
        if vector.len() != self.vectors.dimensions() {
            let (expected, found) = (self.vectors.dimensions(), vector.len());
            return Err(query_error(QueryError::Length { expected, found }));
        }
        if vector.iter().all(|x| x.is_finite()) { Ok(vector) } else { Err(query_error(QueryError::NotFinite)) }
    }
}

#[pymethods]
impl WordVectors {
    #[new]
    fn new(py: Python<'_>, words: Vec<String>, vectors: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (numbers, dimensions) = rows(vectors)?;
        let vectors = Pool::own(py)?.run(py, || ohyeah_words::WordVectors::from_parts(words, numbers, dimensions));
        Ok(Self { vectors: vectors.map_err(|error| PyValueError::new_err(error.to_string()))? })
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf, limit: Option<u64>, lossy: bool) -> PyResult<Self> {
        check_no_pipe(&path)?;
        let read = Pool::own(py)?.run_interruptible(py, |cancel| files::read(&path, limit, lossy, cancel))?;
        Ok(Self { vectors: files::loaded(py, &path, read)? })
    }

    fn save(
        &self,
        py: Python<'_>,
        path: PathBuf,
        binary: Option<bool>,
        header: bool,
        replace_spaces: Option<char>,
    ) -> PyResult<()> {
        check_no_pipe(&path)?;
        let target = Target { path, binary, header, replace_spaces };
        let saved = Pool::own(py)?.run_interruptible(py, |cancel| target.save(&self.vectors, cancel))?;
        target.saved(saved)
    }

    fn __len__(&self) -> usize {
        self.vectors.len()
    }

    #[getter]
    fn dimensions(&self) -> usize {
        self.vectors.dimensions()
    }

    /// The row of a word, or none.
    fn find(&self, word: &Bound<'_, PyString>) -> PyResult<Option<u32>> {
        Ok(text_of(word)?.and_then(|word| self.vectors.id(&word)))
    }

    /// The row of a word, or `KeyError` with words that are spelled alike.
    fn row(&self, word: &Bound<'_, PyString>) -> PyResult<u32> {
        match text_of(word)? {
            Some(word) => self.vectors.require(&word).map_err(query_error),
            None => Err(PyKeyError::new_err(format!("the word {} is not in the vocabulary", word.repr()?))),
        }
    }

    fn word(&self, id: u32) -> PyResult<&str> {
        self.check_row(id).map(|id| self.vectors.word(id))
    }

    #[getter]
    fn words<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.vectors.words())
    }

    /// The vector of a row, a read-only view.
    fn vector(slf: Bound<'_, Self>, id: u32) -> PyResult<Bound<'_, PyAny>> {
        let this = slf.get();
        let view = ArrayView1::from(this.vectors.vector(this.check_row(id)?));
        // SAFETY: the array's base is the object that owns the numbers, which never moves or changes them: the class is
        // frozen. `read_only` keeps Python programs from writing to them.
        #[allow(unsafe_code)]
        let array = unsafe { PyArray1::borrow_from_array(&view, slf.clone().into_any()) };
        read_only(array)
    }

    /// All vectors, a row for each word: a read-only view.
    #[getter]
    fn vectors(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let vectors = &slf.get().vectors;
        let view = ArrayView2::from_shape((vectors.len(), vectors.dimensions()), vectors.vectors());
        let view = view.map_err(|error| PyValueError::new_err(error.to_string()))?;
        // SAFETY: as in `vector`.
        #[allow(unsafe_code)]
        let array = unsafe { PyArray2::borrow_from_array(&view, slf.clone().into_any()) };
        read_only(array)
    }

    /// The lengths of all vectors.
    #[getter]
    fn norms<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_iter(py, (0..self.vectors.len() as u32).map(|id| self.vectors.norm(id)))
    }

    /// A weighted sum as one vector of length 1: words count with their vectors at length 1, vectors as they are.
    fn resolve<'py>(
        &self,
        py: Python<'py>,
        words: Vec<(u32, f32)>,
        vectors: Vec<(PyReadonlyArray1<'py, f32>, f32)>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let vectors: Vec<_> = vectors
            .iter()
            .map(|(vector, weight)| Ok((self.check_vector(vector)?, *weight)))
            .collect::<PyResult<_>>()?;
        let mut query = self.vectors.query();
        for (id, weight) in words {
            query = query.row(id, weight);
        }
        for (vector, weight) in &vectors {
            query = query.vector(vector, *weight);
        }
        Ok(PyArray1::from_vec(py, query.resolve().map_err(query_error)?.vector))
    }

    /// The `top` words most similar to a vector among the rows from `start` to `end`, without those in `exclude`, which ascends.
    fn nearest(
        &self,
        py: Python<'_>,
        query: PyReadonlyArray1<'_, f32>,
        top: usize,
        start: usize,
        end: usize,
        exclude: Vec<u32>,
    ) -> PyResult<Vec<(&str, f32)>> {
        let query = self.check_vector(&query)?;
        let found = Pool::own(py)?.run(py, || exact::top(&self.vectors, &query, top, start..end, &exclude));
        Ok(named(&self.vectors, &found))
    }

    /// The cosine of a vector with each row.
    fn cosines<'py>(&self, py: Python<'py>, query: PyReadonlyArray1<'py, f32>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let query = self.check_vector(&query)?;
        let cosines = Pool::own(py)?.run(py, || exact::cosines(&self.vectors, &query));
        Ok(PyArray1::from_vec(py, cosines))
    }

    /// The cosine of two words.
    fn similarity(&self, a: u32, b: u32) -> PyResult<f32> {
        let word = |id| self.check_row(id).map(|id| self.vectors.word(id));
        self.vectors.similarity(word(a)?, word(b)?).map_err(query_error)
    }

    /// Words from the one that fits best with all to the one that fits least, with their cosines.
    fn by_centrality(&self, rows: Vec<u32>) -> PyResult<Vec<(String, f32)>> {
        let words = rows.iter().map(|id| self.word(*id)).collect::<PyResult<Vec<_>>>()?;
        let odd = self.vectors.doesnt_match(&words).map_err(query_error)?;
        Ok(odd.ranking.iter().map(|(word, fit)| ((*word).to_owned(), *fit)).collect())
    }

    /// The words that are closer to a word than another is.
    fn closer_than(&self, py: Python<'_>, a: u32, b: u32) -> PyResult<Vec<&str>> {
        let (a, b) = (self.word(a)?, self.word(b)?);
        let ids = Pool::own(py)?.run(py, || self.vectors.closer_than(a, b)).map_err(query_error)?;
        Ok(ids.into_iter().map(|id| self.vectors.word(id)).collect())
    }

    /// The most similar words of every word.
    fn dictionary<'py>(
        &self,
        py: Python<'py>,
        wanted: Wanted,
        threads: i64,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let report = Report::new(py, "dictionary", progress.as_ref())?;
        dictionary::dictionary(py, &self.vectors, &Pool::of(py, threads)?, &wanted, report)
    }
}
