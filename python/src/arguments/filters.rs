//! Filters: which ids may be answers.

use numpy::{PyArray1, PyArrayMethods};
use ohyeah::IdSet;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::vectors::check_unmasked;
use crate::exceptions::NoSuchId;

/// The ids that may be answers, of all queries or of each.
pub(crate) enum Allowed {
    Set(IdSet),
    /// A mask for each query, one after the other: a place is not 0 where its id may be an answer. Bytes, as those of numpy's `bool`
    /// may be others than 0 and 1, which Rust's may not.
    Each(Vec<u8>),
}

fn as_value_error(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn no_id(id: &dyn std::fmt::Display, count: usize) -> PyErr {
    NoSuchId::new_err(format!("filter: there is no id {id}, the index has {count}, numbered from 0"))
}

/// Refuses an array of numpy's with masked entries. What other packages have for gaps is looked at elsewhere.
fn check_no_gaps(name: &str, given: &Bound<'_, PyAny>) -> PyResult<()> {
    let kind = given.py().import("numpy.ma")?.getattr("MaskedArray")?;
    if given.is_instance(&kind)? { check_unmasked(name, given) } else { Ok(()) }
}

/// An array of integers or of bool, of one dimension or more: what is neither is refused.
pub(crate) fn ids_or_masks<'py>(filter: &Bound<'py, PyAny>, count: usize) -> PyResult<Bound<'py, PyAny>> {
    let py = filter.py();
    let numpy = py.import("numpy")?;
    check_no_gaps("filter", filter)?;
    let array = numpy.call_method1("asarray", (filter,))?;
    let dtype = array.getattr("dtype")?;
    match dtype.getattr("kind")?.extract::<char>()? {
        'b' | 'i' => Ok(array),
        'u' => unsigned(&array),
        // An empty list is one of floats to numpy.
        'f' if array.getattr("size")?.extract::<usize>()? == 0 => array.call_method1("astype", ("int64",)),
        'O' if array.getattr("ndim")?.extract::<usize>()? > 0 => from_objects(&array, count),
        _ => Err(PyTypeError::new_err(format!("filter: ids are integers, not {dtype}; a mask is of bool"))),
    }
}

/// Unsigned integers that `int64` holds: those that it does not would become others.
fn unsigned<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let array = array.call_method1("astype", ("uint64",))?;
    array.py().import("numpy")?.call_method1("minimum", (array, i64::MAX as u64))
}

/// Integers too large for any type are objects to numpy, and so are the masks of tables that may have gaps.
fn from_objects<'py>(array: &Bound<'py, PyAny>, count: usize) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let objects: Vec<_> = array.call_method0("ravel")?.try_iter()?.collect::<PyResult<_>>()?;
    let bools = objects.iter().filter(|object| object.is_instance_of::<PyBool>()).count();
    if bools > 0 && bools < objects.len() {
        return Err(PyTypeError::new_err("filter: only some entries are bool: a mask is of bool, without gaps"));
    }
    if bools > 0 {
        return array.call_method1("astype", ("bool",));
    }
    let id = |id: &Bound<'_, PyAny>| {
        id.extract::<i64>().map_err(|error| {
            if error.is_instance_of::<PyOverflowError>(py) {
                no_id(id, count)
            } else if error.is_instance_of::<PyTypeError>(py) {
                PyTypeError::new_err(format!("filter: ids are integers: {}", error.value(py)))
            } else {
                error
            }
        })
    };
    let ids = objects.iter().map(id).collect::<PyResult<Vec<i64>>>()?;
    py.import("numpy")?.call_method1("asarray", (ids, "int64"))
}

fn integers<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let ids = array.call_method1("astype", ("int64",))?;
    ids.cast_into::<PyArray1<i64>>().map_err(|_| PyValueError::new_err("filter: no array of ids"))
}

/// A mask that was made one of integers: as ids it would be nothing but 0 and 1, over and over.
fn check_no_mask(ids: &[i64]) -> PyResult<()> {
    if ids.len() > 2 && ids.iter().all(|id| matches!(id, 0 | 1)) {
        let text = "filter: integers that are all 0 or 1 are taken for a mask by mistake: give a mask as bool (.astype(bool)), \
                    or each id once";
        return Err(PyTypeError::new_err(text));
    }
    Ok(())
}

/// The ids that may be answers: an array of them, or a mask with a place for each of the `count` ids.
pub(crate) fn filter(filter: &Bound<'_, PyAny>, count: usize) -> PyResult<IdSet> {
    match filter_of(filter, count, None)? {
        Allowed::Set(set) => Ok(set),
        Allowed::Each(_) => Err(no_filter(filter, count, None)),
    }
}

fn no_filter(filter: &Bound<'_, PyAny>, count: usize, queries: Option<usize>) -> PyErr {
    let shape = filter.py().import("numpy").and_then(|numpy| numpy.call_method1("shape", (filter,)));
    let shape = shape.map_or_else(|_| "another".to_owned(), |shape| shape.to_string());
    let each = match queries {
        Some(queries) => format!(", or a mask for each query, of shape ({queries}, {count})"),
        None => String::new(),
    };
    PyValueError::new_err(format!(
        "filter: a 1-d array is needed, of ids or a mask of shape ({count},){each}: its shape is {shape}"
    ))
}

/// The same, or a mask for each of some queries, an array of shape (queries, count).
pub(crate) fn filter_of(filter: &Bound<'_, PyAny>, count: usize, queries: Option<usize>) -> PyResult<Allowed> {
    let array = ids_or_masks(filter, count)?;
    let is_mask = array.getattr("dtype")?.getattr("kind")?.extract::<char>()? == 'b';
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    match (shape.as_slice(), is_mask) {
        ([length], true) if *length != count => Err(PyValueError::new_err(format!(
            "filter: the mask has {length} places, and the index {count} vectors: it is of other data"
        ))),
        ([_], true) => {
            let bytes = array.call_method1("view", ("uint8",))?;
            let ids = bytes.py().import("numpy")?.call_method1("flatnonzero", (bytes,))?;
            set_of(&ids, count).map(Allowed::Set)
        }
        ([_], false) => {
            let ids = integers(&array)?;
            let numbers = ids.try_readonly().map_err(as_value_error)?;
            if let Ok(numbers) = numbers.as_slice() {
                check_no_mask(numbers)?;
            }
            set_of(ids.as_any(), count).map(Allowed::Set)
        }
        ([rows, length], true) if Some(*rows) == queries && *length == count => {
            let flat = array.call_method1("reshape", (-1,))?.call_method1("view", ("uint8",))?;
            let flat = flat.cast_into::<PyArray1<u8>>().map_err(|_| no_filter(filter, count, queries))?;
            let flat = flat.try_readonly().map_err(as_value_error)?;
            Ok(Allowed::Each(flat.as_array().to_vec()))
        }
        _ => Err(no_filter(filter, count, queries)),
    }
}

fn set_of(ids: &Bound<'_, PyAny>, count: usize) -> PyResult<IdSet> {
    let ids = integers(ids)?;
    let ids = ids.try_readonly().map_err(as_value_error)?;
    let id = |id: &i64| match u32::try_from(*id) {
        // A set takes a bit for each id up to the largest.
        Ok(id) if (id as usize) < count => Ok(id),
        _ => Err(no_id(id, count)),
    };
    ids.as_array().iter().map(id).collect()
}

/// Ids of items, one for each query.
pub(crate) fn item_ids(items: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    let py = items.py();
    let numpy = py.import("numpy")?;
    check_no_gaps("items", items)?;
    let items = if items.hasattr("__len__")? {
        items.clone()
    } else {
        py.import("builtins")?.call_method1("list", (items,))?
    };
    let array = numpy.call_method1("asarray", (items,))?;
    let (dtype, shape) = (array.getattr("dtype")?, array.getattr("shape")?);
    let is_empty = array.getattr("size")?.extract::<usize>()? == 0;
    match dtype.getattr("kind")?.extract::<char>()? {
        _ if shape.len()? != 1 => {
            Err(PyValueError::new_err(format!("items must be a 1-d array of ids: its shape is {shape}")))
        }
        _ if is_empty => Ok(Vec::new()),
        'i' => Ok(integers(&array)?.try_readonly().map_err(as_value_error)?.as_array().to_vec()),
        'u' => {
            let array = unsigned(&array)?;
            Ok(integers(&array)?.try_readonly().map_err(as_value_error)?.as_array().to_vec())
        }
        'O' => {
            let ids: Vec<super::Whole> = array.extract()?;
            Ok(ids.into_iter().map(super::Whole::value).collect())
        }
        _ => Err(PyTypeError::new_err(format!("items: ids are integers, not {dtype}"))),
    }
}
