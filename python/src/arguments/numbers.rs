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
                Ok(Self(if is_negative(&value)? { i64::MIN } else { i64::MAX }))
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether an integer, or what stands for one, is below 0.
fn is_negative(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.py().import("operator")?.call_method1("index", (value,))?.lt(0)
}

/// A seed of 64 bits: none is taken for another.
#[derive(Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) const fn value(self) -> u64 {
        self.0
    }
}

impl From<u64> for Seed {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Seed {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match value.extract::<u64>() {
            Ok(value) => Ok(Self(value)),
            Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
                let range = if is_negative(&value)? { "0 or more" } else { "below 2**64" };
                let shown = value.repr()?;
                Err(PyValueError::new_err(format!("seed is {}: it must be {range}", shown.to_cow()?)))
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
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            Err(too(if is_negative(value)? { "less" } else { "greater" }))
        }
        Err(error) => Err(error),
    }
}

/// The id of an item.
pub(crate) fn id(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    u32::try_from(c_int(value)?).map_err(|_| PyIndexError::new_err("Item index can not be negative"))
}
