//! Vectors and numbers as Python programs give them.

use numpy::ndarray::Dimension;
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyList};

use ohyeah::IdSet;
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
            // A copy, made before others have the interpreter: see `Matrix`.
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
    if vector.cast::<PyUntypedArray>().is_ok() {
        real_array(vector)?;
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

/// An array of real numbers. What numpy would make numbers of without being asked, texts and complex numbers, is a `TypeError`.
fn real_array<'py>(vectors: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let array = vectors.py().import("numpy")?.call_method1("asarray", (vectors,))?;
    let dtype = array.getattr("dtype")?;
    match dtype.getattr("kind")?.extract::<char>()? {
        'b' | 'i' | 'u' | 'f' | 'O' => Ok(array),
        _ => Err(PyTypeError::new_err(format!("vectors must be real numbers, not {dtype}"))),
    }
}

fn no_matrix() -> PyErr {
    PyValueError::new_err("vectors must be a 2-d array")
}

/// Rows of numbers.
///
/// Other threads may write to the array, or make it smaller, whenever they have the interpreter: then its memory may be given
/// back, and numpy's `resize(refcheck=False)` does so whoever holds the array. So nothing points into it while they may:
/// numbers are copied out by a thread that keeps the interpreter meanwhile, and the array is looked at anew each time. (A numpy
/// function that writes without the interpreter in another thread is a race with every reader; numpy's own have it too, and
/// nothing that a reader could hold forbids it. The numbers are then old or new ones, and are checked after the copy.)
pub(crate) struct Matrix<'py> {
    array: Bound<'py, PyAny>,
    pub(crate) rows: usize,
    pub(crate) width: usize,
}

impl<'py> Matrix<'py> {
    /// Of 32-bit floats, without a copy where it is one.
    pub(crate) fn new(vectors: &Bound<'py, PyAny>) -> PyResult<Self> {
        let numpy = vectors.py().import("numpy")?;
        let array = numpy.call_method1("ascontiguousarray", (real_array(vectors)?, "float32"))?;
        let (rows, width) = array.cast::<PyArray2<f32>>().map_err(|_| no_matrix())?.dims().into_pattern();
        Ok(Self { array, rows, width })
    }

    /// A copy of some rows, fewer at the end.
    pub(crate) fn copy_rows(&self, start: usize, count: usize) -> PyResult<Vec<f32>> {
        let changed = || PyValueError::new_err("another thread changed the array's shape while it was read");
        // Another thread may have given it another type.
        let array = self.array.cast::<PyArray2<f32>>().map_err(|_| changed())?;
        let array = array.try_readonly().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let numbers = array.as_slice().map_err(|_| changed())?;
        if array.dims().into_pattern() != (self.rows, self.width) {
            return Err(changed());
        }
        let end = start.saturating_add(count).min(self.rows);
        Ok(numbers.get(start * self.width..end * self.width).unwrap_or(&[]).to_vec())
    }
}

/// The numbers of rows, one after the other, and how many a row has: a copy.
pub(crate) fn rows(vectors: &Bound<'_, PyAny>) -> PyResult<(Vec<f32>, usize)> {
    let matrix = Matrix::new(vectors)?;
    Ok((matrix.copy_rows(0, matrix.rows)?, matrix.width))
}

/// The numbers of one vector, from anything that numpy makes an array of one dimension of; none where there are more.
pub(crate) fn vector(query: &Bound<'_, PyAny>) -> PyResult<Option<Vec<f32>>> {
    let copy = |array: &Bound<'_, PyArray1<f32>>| {
        let array = array.try_readonly().map_err(|error| PyValueError::new_err(error.to_string()))?;
        // A slice is copied faster.
        Ok(array.as_slice().map_or_else(|_| array.as_array().to_vec(), <[f32]>::to_vec))
    };
    if let Ok(array) = query.cast::<PyArray1<f32>>() {
        return copy(array).map(Some);
    }
    let array = real_array(query)?;
    if array.getattr("ndim")?.extract::<usize>()? != 1 {
        return Ok(None);
    }
    let array = array.call_method1("astype", ("float32",))?;
    array.cast::<PyArray1<f32>>().ok().map(copy).transpose()
}

/// The ids that may be answers: an array of them, or a mask with a place for each of the `count` ids.
pub(crate) fn filter(filter: &Bound<'_, PyAny>, count: usize) -> PyResult<IdSet> {
    let py = filter.py();
    let numpy = py.import("numpy")?;
    let array = numpy.call_method1("asarray", (filter,))?;
    if array.getattr("ndim")?.extract::<usize>()? != 1 {
        return Err(PyValueError::new_err("filter: a 1-d array is needed, of ids or a mask"));
    }
    let (dtype, length) = (array.getattr("dtype")?, array.len()?);
    let no_id = |id: &dyn std::fmt::Display| format!("filter: there is no id {id}, the index has {count}");
    let array = match dtype.getattr("kind")?.extract::<char>()? {
        'b' if length != count => {
            let text =
                format!("filter: the mask has {length} places, and the index {count} vectors: it is of other data");
            return Err(PyValueError::new_err(text));
        }
        'b' => numpy.call_method1("flatnonzero", (array,))?,
        'i' => array,
        // Numbers that `int64` does not hold would become others.
        'u' => numpy.call_method1("minimum", (array, i64::MAX as u64))?,
        // An empty list is one of floats to numpy.
        'f' if length == 0 => array,
        // Integers too large for any type are objects to numpy.
        'O' => {
            let id = |id: PyResult<Bound<'_, PyAny>>| {
                let id = id?;
                id.extract::<i64>().map_err(|error| {
                    let is_too_large = error.is_instance_of::<PyOverflowError>(py);
                    if is_too_large { PyValueError::new_err(no_id(&id)) } else { error }
                })
            };
            numpy.call_method1("asarray", (array.try_iter()?.map(id).collect::<PyResult<Vec<i64>>>()?, "int64"))?
        }
        _ => return Err(PyTypeError::new_err(format!("filter: ids are integers, not {dtype}; a mask is of bool"))),
    };
    let ids = array.call_method1("astype", ("int64",))?;
    let ids = ids.cast_into::<PyArray1<i64>>().map_err(|_| PyValueError::new_err("filter: no array of ids"))?;
    let ids = ids.try_readonly().map_err(|error| PyValueError::new_err(error.to_string()))?;
    let id = |id: &i64| match u32::try_from(*id) {
        Ok(id) if (id as usize) < count => Ok(id),
        _ if *id < 0 => Err(PyIndexError::new_err(no_id(id))),
        // A set takes a bit for each id up to the largest.
        _ => Err(PyValueError::new_err(no_id(id))),
    };
    ids.as_array().iter().map(id).collect()
}
