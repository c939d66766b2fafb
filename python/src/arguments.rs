//! Vectors and numbers as Python programs give them.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyList};

use ohyeah::error::VectorError;

/// The exception of a vector that is none of an index's, with Annoy's words where it has some.
pub(crate) fn vector_error(error: VectorError) -> PyErr {
    match error {
        VectorError::WrongLength { expected, found } => {
            PyIndexError::new_err(format!("Vector has wrong length (expected {expected}, got {found})"))
        }
        _ => PyValueError::new_err(error.to_string()),
    }
}

pub(crate) fn wrong_length(expected: usize, found: usize) -> PyErr {
    vector_error(VectorError::WrongLength { expected, found })
}

/// Hands the numbers of a vector to `use_them`: fast from a numpy array of floats, and else from anything that has a length and items that are numbers, as Annoy takes it.
pub(crate) fn with_numbers<T>(
    vector: &Bound<'_, PyAny>,
    dimensions: usize,
    use_them: impl FnOnce(&[f32]) -> PyResult<T>,
) -> PyResult<T> {
    if let Ok(array) = vector.cast::<PyArray1<f32>>() {
        if array.len() != dimensions {
            return Err(wrong_length(dimensions, array.len()));
        }
        let array = array.try_readonly().map_err(|error| PyValueError::new_err(error.to_string()))?;
        if let Ok(numbers) = array.as_slice() {
            // A copy: another thread may write to the array, or make it shorter, while this one computes.
            let numbers = numbers.to_vec();
            drop(array);
            return use_them(&numbers);
        }
    }
    if let Ok(array) = vector.cast::<PyArray1<f64>>() {
        if array.len() != dimensions {
            return Err(wrong_length(dimensions, array.len()));
        }
        let array = array.try_readonly().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let numbers: Vec<f32> = array.as_array().iter().map(|x| *x as f32).collect();
        return use_them(&numbers);
    }
    let length = vector.len()?;
    if length != dimensions {
        return Err(wrong_length(dimensions, length));
    }
    let number = |item: Bound<'_, PyAny>| match item.cast::<PyFloat>() {
        Ok(float) => Ok(float.value() as f32),
        Err(_) => item.extract::<f64>().map(|x| x as f32),
    };
    let numbers: Vec<f32> = match vector.cast::<PyList>() {
        Ok(list) => list.iter().map(number).collect::<PyResult<_>>()?,
        Err(_) => (0..length).map(|at| number(vector.get_item(at)?)).collect::<PyResult<_>>()?,
    };
    use_them(&numbers)
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

/// Rows of numbers as an array of 32-bit floats, without a copy where it is one.
pub(crate) fn matrix<'py>(vectors: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray2<'py, f32>> {
    let numpy = vectors.py().import("numpy")?;
    let array = numpy.call_method1("ascontiguousarray", (vectors, "float32"))?;
    let array = array.cast_into::<PyArray2<f32>>().map_err(|_| PyValueError::new_err("vectors must be a 2-d array"))?;
    array.try_readonly().map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The numbers of such rows, one after the other, and how many a row has. A copy: the array may change meanwhile.
pub(crate) fn rows(vectors: &Bound<'_, PyAny>) -> PyResult<(Vec<f32>, usize)> {
    let array = matrix(vectors)?;
    let numbers = array.as_slice().map_err(|error| PyValueError::new_err(error.to_string()))?.to_vec();
    Ok((numbers, array.as_array().ncols()))
}
