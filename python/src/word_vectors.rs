//! `WordVectors`: files of word vectors, similar words, the dictionary of all of them.

use std::path::PathBuf;

use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{PyArray1, PyArray2};
use ohyeah_words::{QueryError, ReadErrorKind, Reader, SimilarWord, Writer};
use pyo3::exceptions::{PyKeyError, PyOSError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList};

use crate::arguments::rows;
use crate::threads::Pool;

/// Words and their vectors.
#[pyclass(frozen, module = "ohyeah")]
pub(crate) struct WordVectors {
    vectors: ohyeah_words::WordVectors,
}

fn query_error(error: QueryError) -> PyErr {
    match error {
        QueryError::UnknownWord { .. } | QueryError::NoKnownWord { .. } => PyKeyError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// One word, or several, or pairs of a word and its weight.
#[derive(FromPyObject)]
enum Terms {
    Word(String),
    Words(Vec<Term>),
}

#[derive(FromPyObject)]
enum Term {
    Word(String),
    Weighted(String, f32),
}

impl Terms {
    fn weighted(terms: Option<Self>, sign: f32) -> Vec<(String, f32)> {
        let weighted = |term| match term {
            Term::Word(word) => (word, sign),
            Term::Weighted(word, weight) => (word, sign * weight),
        };
        match terms {
            None => Vec::new(),
            Some(Self::Word(word)) => vec![(word, sign)],
            Some(Self::Words(terms)) => terms.into_iter().map(weighted).collect(),
        }
    }
}

impl WordVectors {
    fn named(&self, found: &[SimilarWord]) -> Vec<(&str, f32)> {
        found.iter().map(|x| (self.vectors.word(x.id), x.cosine)).collect()
    }
}

/// Keeps programs from writing to an array.
pub(crate) fn read_only<A>(array: Bound<'_, A>) -> PyResult<Bound<'_, PyAny>> {
    let array = array.into_any();
    array.call_method1("setflags", (false,))?;
    Ok(array)
}

#[pymethods]
impl WordVectors {
    /// Vectors of these words, from the rows of a 2-d array.
    #[new]
    fn new(py: Python<'_>, words: Vec<String>, vectors: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (numbers, dimensions) = rows(vectors)?;
        let vectors = Pool::own(py)?.run(py, || ohyeah_words::WordVectors::from_parts(words, numbers, dimensions));
        Ok(Self { vectors: vectors.map_err(|error| PyValueError::new_err(error.to_string()))? })
    }

    /// Reads word2vec's binary or text format or GloVe's text, plain or gzip; which it is is found out from the content. At
    /// most `limit` words; with `lossy`, bytes that are not UTF-8 are replaced and not an error.
    #[staticmethod]
    #[pyo3(signature = (path, limit=None, lossy=false))]
    fn load(py: Python<'_>, path: PathBuf, limit: Option<u64>, lossy: bool) -> PyResult<Self> {
        let read = Pool::own(py)?.run(py, || {
            let mut reader = Reader::new().lossy(lossy);
            if let Some(limit) = limit {
                reader = reader.limit(limit);
            }
            reader.open(&path)
        });
        let loaded = read.map_err(|error| {
            if matches!(error.kind(), ReadErrorKind::Io(_)) || !path.is_file() {
                PyOSError::new_err(error.to_string())
            } else {
                PyValueError::new_err(error.to_string())
            }
        })?;
        for message in loaded.warnings.messages() {
            let message = std::ffi::CString::new(message).unwrap_or_default();
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &message, 1)?;
        }
        Ok(Self { vectors: loaded.vectors })
    }

    /// Writes word2vec's text format where `path` ends in `.txt`, and its binary format where it ends in `.bin`; with
    /// `.gz` behind it, packed. The file is there whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let saved = Pool::own(py)?.run(py, || Writer::named_like(&path)?.save(&self.vectors, &path));
        saved.map_err(|error| PyOSError::new_err(error.to_string()))
    }

    fn __len__(&self) -> usize {
        self.vectors.len()
    }

    fn __contains__(&self, word: &Bound<'_, PyAny>) -> bool {
        word.extract::<String>().is_ok_and(|word| self.vectors.contains(&word))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.words(py)?.try_iter()
    }

    /// The vector of a word, a read-only view.
    fn __getitem__<'py>(slf: Bound<'py, Self>, word: &str) -> PyResult<Bound<'py, PyAny>> {
        let vectors = &slf.get().vectors;
        let id = vectors.require(word).map_err(query_error)?;
        let view = ArrayView1::from(vectors.vector(id));
        // SAFETY: the array's base is the object that owns the numbers, which never moves or changes them: the class is
        // frozen. `read_only` keeps Python programs from writing to them.
        #[allow(unsafe_code)]
        let array = unsafe { PyArray1::borrow_from_array(&view, slf.clone().into_any()) };
        read_only(array)
    }

    /// All vectors, a row for each word: a read-only view, not a copy.
    #[getter]
    fn vectors(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        let vectors = &slf.get().vectors;
        let view = ArrayView2::from_shape((vectors.len(), vectors.dimensions()), vectors.vectors());
        let view = view.map_err(|error| PyValueError::new_err(error.to_string()))?;
        // SAFETY: as in `__getitem__`.
        #[allow(unsafe_code)]
        let array = unsafe { PyArray2::borrow_from_array(&view, slf.clone().into_any()) };
        read_only(array)
    }

    /// The words, in the order of their rows.
    #[getter]
    fn words<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.vectors.words())
    }

    /// The row of a word.
    fn index(&self, word: &str) -> PyResult<u32> {
        self.vectors.require(word).map_err(query_error)
    }

    /// The `topn` words most similar to the sum of some words, less that of others, with their cosines: exact, with the
    /// answers of gensim. `restrict` looks at the first so many words only.
    #[pyo3(signature = (positive=None, negative=None, topn=10, restrict=None))]
    fn most_similar(
        &self,
        py: Python<'_>,
        positive: Option<Terms>,
        negative: Option<Terms>,
        topn: usize,
        restrict: Option<usize>,
    ) -> PyResult<Vec<(&str, f32)>> {
        let mut terms = Terms::weighted(positive, 1.0);
        terms.extend(Terms::weighted(negative, -1.0));
        let found = Pool::own(py)?.run(py, || {
            let mut query = self.vectors.query().top(topn).restrict(restrict.unwrap_or(usize::MAX));
            for (word, weight) in &terms {
                query = query.weighted(word, *weight);
            }
            query.run()
        });
        Ok(self.named(&found.map_err(query_error)?))
    }

    /// The cosine of two words.
    fn similarity(&self, a: &str, b: &str) -> PyResult<f32> {
        self.vectors.similarity(a, b).map_err(query_error)
    }

    /// Which of the words fits least with the others.
    fn doesnt_match(&self, py: Python<'_>, words: Vec<String>) -> PyResult<String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let odd = Pool::own(py)?.run(py, || self.vectors.doesnt_match(&words).map(|odd| odd.word().to_owned()));
        odd.map_err(query_error)
    }

    /// The words that are closer to `word` than `other` is.
    fn closer_than(&self, py: Python<'_>, word: &str, other: &str) -> PyResult<Vec<&str>> {
        let ids = Pool::own(py)?.run(py, || self.vectors.closer_than(word, other)).map_err(query_error)?;
        Ok(ids.into_iter().map(|id| self.vectors.word(id)).collect())
    }

    /// The `top` most similar words of every word: a dictionary from words to lists of words and cosines.
    ///
    /// `recall` says which share of them to find on average at least; `exact` finds all. With `trees` or `search_k` a forest is
    /// searched for each word, as with Annoy. `seed` is that of the random choices; `threads` is how many work, -1 for all there
    /// are, and changes no result.
    #[pyo3(signature = (top=15, trees=None, search_k=None, exact=false, seed=0, threads=-1, recall=0.95))]
    fn dictionary<'py>(
        &self,
        py: Python<'py>,
        top: usize,
        trees: Option<usize>,
        search_k: Option<usize>,
        exact: bool,
        seed: u64,
        threads: i64,
        recall: f32,
    ) -> PyResult<Bound<'py, PyDict>> {
        if top == 0 {
            return Err(PyValueError::new_err("top is 0: ask for at least 1"));
        }
        let pool = Pool::of(py, threads)?;
        let mut dictionary = self.vectors.dictionary().top(top).recall(recall).seed(seed);
        if let Some(trees) = trees {
            dictionary = dictionary.trees(trees);
        }
        if let Some(candidates) = search_k {
            dictionary = dictionary.search_k(candidates);
        }
        if exact {
            dictionary = dictionary.exact();
        }
        let mut all = Vec::with_capacity(self.vectors.len());
        let made = pool.run(py, || {
            let sink = |entry| -> Result<(), std::convert::Infallible> {
                all.push(entry);
                Ok(())
            };
            dictionary.run(|id, found| (id, found.to_vec()), sink)
        });
        made.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let entries = PyDict::new(py);
        for (id, found) in all {
            entries.set_item(self.vectors.word(id), self.named(&found))?;
        }
        Ok(entries)
    }

    fn __repr__(&self) -> String {
        format!("<WordVectors: {} words of {} dimensions>", self.vectors.len(), self.vectors.dimensions())
    }
}
