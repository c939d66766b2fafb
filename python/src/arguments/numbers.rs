//! Whole numbers.

use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use crate::exceptions::NoSuchId;

/// An integer of any size; what `i64` does not hold is the nearest that it does. The places that use it say what range they take, so
/// that an error is one and the same `ValueError` for numbers that are a little or far too large.
#[derive(Clone, Copy)]
pub(crate) struct Whole(i64);

impl Whole {
    /// A number of 0 or more.
    pub(crate) fn count(self, name: &str) -> PyResult<usize> {
        usize::try_from(self.0)
            .map_err(|_| PyValueError::new_err(format!("{name} is {}: it must be 0 or more", self.0)))
    }

    /// A number of 1 or more.
    pub(crate) fn at_least_one(self, name: &str) -> PyResult<usize> {
        match self.count(name)? {
            0 => Err(PyValueError::new_err(format!("{name} is 0: it must be 1 or more"))),
            count => Ok(count),
        }
    }

    /// The id of one of `count` vectors.
    pub(crate) fn id(self, count: usize) -> PyResult<u32> {
        u32::try_from(self.0).ok().filter(|id| (*id as usize) < count).ok_or_else(|| {
            NoSuchId::new_err(format!("there is no id {}: the index has {count} vectors, numbered from 0", self.0))
        })
    }

    pub(crate) const fn value(self) -> i64 {
        self.0
    }
}

impl From<i64> for Whole {
    fn from(value: i64) -> Self {
        Self(value)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Whole {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        match value.extract::<i64>() {
            Ok(value) => Ok(Self(value)),
            Err(error) if error.is_instance_of::<PyOverflowError>(py) => {
                Ok(Self(if value.lt(0)? { i64::MIN } else { i64::MAX }))
            }
            Err(error) => Err(error),
        }
    }
}

/// A C `int`, as Annoy's arguments are.
pub(crate) fn c_int(value: &Bound<'_, PyAny>) -> PyResult<i32> {
    if value.is_instance_of::<PyFloat>() {
        return Err(PyTypeError::new_err("'float' object cannot be interpreted as an integer"));
    }
    let too = |what| {
        PyOverflowError::new_err(format!(
            "signed integer is {what} than {}imum",
            if what == "less" { "min" } else { "max" }
        ))
    };
    match value.extract::<i64>() {
        Ok(value) if value > i64::from(i32::MAX) => Err(too("greater")),
        Ok(value) if value < i64::from(i32::MIN) => Err(too("less")),
        Ok(value) => Ok(value as i32),
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => Err(too("greater")),
        Err(error) => Err(error),
    }
}

/// The id of an item.
pub(crate) fn id(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    u32::try_from(c_int(value)?).map_err(|_| PyIndexError::new_err("Item index can not be negative"))
}
