//! Keys and vectors of an index.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use hashbrown::hash_table::{Entry, HashTable};
use numpy::ndarray::ArrayView1;
use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::{PyKeyError, PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use super::storage::Loaded;
use super::{Index, class_of};
use crate::arguments::{Whole, text_of};
use crate::exceptions::NoSuchId;

/// From keys to ids: of equal keys the first.
pub(super) struct KeyTable {
    ids: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl KeyTable {
    fn new(index: &Loaded) -> PyResult<Self> {
        let (mut ids, hasher) = (HashTable::new(), DefaultHashBuilder::default());
        let hash = |id: &u32| hasher.hash_one(index.key(*id).unwrap_or_default());
        let no_memory = |_| PyMemoryError::new_err("no memory for a table of the keys");
        ids.try_reserve(index.len(), hash).map_err(no_memory)?;
        for id in 0..index.len() as u32 {
            // A key that is none breaks a rule of the format, and nobody can ask for it.
            let Some(key) = index.key(id) else { continue };
            let is_same = |other: &u32| index.key(*other) == Some(key);
            if let Entry::Vacant(place) = ids.entry(hasher.hash_one(key), is_same, hash) {
                place.insert(id);
            }
        }
        Ok(Self { ids, hasher })
    }

    fn id(&self, index: &Loaded, key: &str) -> Option<u32> {
        self.ids.find(self.hasher.hash_one(key), |id| index.key(*id) == Some(key)).copied()
    }
}

impl Loaded {
    /// The id of a key, if there is one. The first search makes a table of all keys.
    fn find_key(&self, key: &Bound<'_, PyString>) -> PyResult<Option<u32>> {
        if !self.has_keys() {
            return Ok(None);
        }
        let (py, Some(text)) = (key.py(), text_of(key)?) else { return Ok(None) };
        let key = &*text;
        if let Some(keys) = self.keys.get() {
            return Ok(keys.id(self, key));
        }
        // Two threads may make one, and the first of the two is kept.
        let table = py.detach(|| KeyTable::new(self))?;
        Ok(self.keys.get_or_init(|| table).id(self, key))
    }

    pub(super) fn id_of_key(&self, key: &Bound<'_, PyString>) -> PyResult<u32> {
        if let Some(id) = self.find_key(key)? {
            return Ok(id);
        }
        let shown = shown(key)?;
        Err(PyKeyError::new_err(if self.has_keys() {
            format!("there is no key {shown}")
        } else {
            format!("{shown}: the index has no keys; give keys= when it is built")
        }))
    }

    /// The id that is meant by a key or an id.
    fn id_of(&self, key_or_id: &Bound<'_, PyAny>) -> PyResult<u32> {
        if let Ok(key) = key_or_id.cast::<PyString>() {
            return self.id_of_key(key);
        }
        match key_or_id.extract::<Whole>() {
            Ok(whole) => whole.id(self.len()),
            Err(error) if error.is_instance_of::<PyTypeError>(key_or_id.py()) => {
                let class = class_of(key_or_id)?;
                let text = format!("an id (an integer) or a key (a string) is needed, not {class}");
                Err(PyTypeError::new_err(text))
            }
            Err(error) => Err(error),
        }
    }
}

/// A key in quotes, for messages: with escapes where it is no text for others.
pub(super) fn shown(key: &Bound<'_, PyString>) -> PyResult<String> {
    Ok(match text_of(key)? {
        Some(text) => format!("'{text}'"),
        None => key.repr()?.to_cow()?.into_owned(),
    })
}

/// Keeps an index for arrays that point into it.
#[pyclass(frozen, module = "ohyeah")]
struct Keeper(Arc<Loaded>);

fn view_of(py: Python<'_>, loaded: Arc<Loaded>, id: u32) -> PyResult<Bound<'_, PyAny>> {
    let keeper = Bound::new(py, Keeper(loaded))?;
    let vector = keeper.get().0.vector(id).ok_or_else(|| NoSuchId::new_err(format!("there is no id {id}")))?;
    let view = ArrayView1::from(vector);
    // SAFETY: the array's base is the object that keeps the index and so the numbers, which never move or change: the class is frozen,
    // and what is in the `Arc` is never written to. `read_only` keeps Python programs from writing to them.
    #[allow(unsafe_code)]
    let array = unsafe { PyArray1::borrow_from_array(&view, keeper.clone().into_any()) };
    crate::word_vectors::read_only(array)
}

#[pymethods]
impl Index {
    /// The key of an id. An index without keys, and an id that is not there, raise `NoSuchId`, an `IndexError`.
    ///
    /// >>> index.key(7)
    /// 'item 7'
    fn key(&self, id: Whole) -> PyResult<String> {
        let loaded = self.loaded()?;
        let id = id.id(loaded.len())?;
        let no_key = || NoSuchId::new_err(format!("there is no key of id {id}: the index has no keys"));
        loaded.key(id).map(str::to_owned).ok_or_else(no_key)
    }

    /// The id of a key, the first where several vectors have it; `KeyError` where none has. The first call makes a table of all keys,
    /// and others look it up there.
    ///
    /// >>> index.id("item 7")
    /// 7
    fn id(&self, key: &Bound<'_, PyString>) -> PyResult<u32> {
        self.loaded()?.id_of_key(key)
    }

    /// The vector of an id or of a key as it was given, a read-only view; also `index[...]`.
    ///
    /// >>> bool((index.vector(7) == vectors[7]).all()), bool((index["item 7"] == vectors[7]).all())
    /// (True, True)
    fn vector<'py>(&self, py: Python<'py>, id: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let loaded = self.loaded()?;
        let id = loaded.id_of(id)?;
        view_of(py, loaded, id)
    }

    /// The vector of an id or of a key, a read-only view.
    fn __getitem__<'py>(&self, py: Python<'py>, id: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.vector(py, id)
    }

    /// Whether there is such a key, or such an id.
    fn __contains__(&self, key_or_id: &Bound<'_, PyAny>) -> PyResult<bool> {
        let loaded = self.loaded()?;
        if let Ok(key) = key_or_id.cast::<PyString>() {
            return Ok(loaded.find_key(key)?.is_some());
        }
        match key_or_id.extract::<Whole>() {
            Ok(id) => Ok(id.id(loaded.len()).is_ok()),
            Err(error) if error.is_instance_of::<PyTypeError>(key_or_id.py()) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All keys, in the order of the ids; None where the index has none.
    ///
    /// >>> index.keys[:2]
    /// ['item 0', 'item 1']
    #[getter]
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let loaded = self.loaded()?;
        if !loaded.has_keys() {
            return Ok(None);
        }
        PyList::new(py, (0..loaded.len() as u32).map(|id| loaded.key(id).unwrap_or_default())).map(Some)
    }

    /// All vectors as they were given, a row for each id: a copy.
    ///
    /// >>> bool((index.vectors == vectors).all())
    /// True
    #[getter]
    fn vectors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let loaded = self.loaded()?;
        let (rows, width) = (loaded.len(), loaded.dimensions());
        let numbers = py.detach(|| {
            let mut numbers: Vec<f32> = Vec::new();
            let no_memory = |_| PyMemoryError::new_err("no memory for all vectors: ask for some by vector(id)");
            numbers.try_reserve_exact(rows.saturating_mul(width)).map_err(no_memory)?;
            for id in 0..rows as u32 {
                let no_vector = || PyValueError::new_err(format!("there is no vector of id {id}: verify() the index"));
                numbers.extend_from_slice(loaded.vector(id).ok_or_else(no_vector)?);
            }
            Ok::<_, PyErr>(numbers)
        })?;
        Ok(PyArray1::from_vec(py, numbers).reshape([rows, width])?.into_any())
    }
}
