//! Vectors: from anything that is an array of real numbers, or that numpy makes one of.

use numpy::ndarray::Dimension;
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArray};
use ohyeah::Element;
use ohyeah::error::VectorError;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyList, PyString};

use crate::exceptions::annoys_wrong_length;

fn numpy(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("numpy")
}

fn as_value_error(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Hands the numbers of a vector to `use_them`: fast from a numpy array of floats, and else from anything that has a length and items
/// that are numbers, as Annoy takes it.
pub(crate) fn with_numbers<T>(
    vector: &Bound<'_, PyAny>,
    dimensions: usize,
    use_them: impl FnOnce(&[f32]) -> PyResult<T>,
) -> PyResult<T> {
    let checked = |numbers: Vec<f32>| {
        if numbers.len() == dimensions { Ok(numbers) } else { Err(annoys_wrong_length(dimensions, numbers.len())) }
    };
    if let Some(numbers) = floats(vector)? {
        return use_them(&checked(numbers)?);
    }
    let is_list = vector.cast::<PyList>().is_ok();
    if !is_list && (vector.cast::<PyUntypedArray>().is_ok() || is_array(vector)?) {
        return match queries("vector", vector)? {
            Queries::One(numbers) => use_them(&checked(numbers)?),
            Queries::Many { rows, width, .. } => Err(PyValueError::new_err(format!(
                "vector must be one vector, of shape ({dimensions},): its shape is ({rows}, {width})"
            ))),
        };
    }
    let length = vector.len()?;
    if length != dimensions {
        return Err(annoys_wrong_length(dimensions, length));
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

/// Whether it says itself that it is an array: of torch, of pandas, a sparse matrix, a `memoryview`.
fn is_array(given: &Bound<'_, PyAny>) -> PyResult<bool> {
    for name in ["__array__", "__array_interface__", "__dlpack__", "toarray"] {
        if given.hasattr(name)? {
            return Ok(true);
        }
    }
    Ok(given.is_instance_of::<pyo3::types::PyMemoryView>())
}

/// The numbers of an array of one dimension of floats, which is what most programs give. A copy, made before others have the
/// interpreter: see [`Matrix`].
fn floats(vector: &Bound<'_, PyAny>) -> PyResult<Option<Vec<f32>>> {
    // Exactly: arrays of derived classes, such as masked ones, may mean something else.
    if let Ok(array) = vector.cast_exact::<PyArray1<f32>>() {
        let array = array.try_readonly().map_err(as_value_error)?;
        return Ok(array.as_slice().ok().map(<[f32]>::to_vec));
    }
    if let Ok(array) = vector.cast_exact::<PyArray1<f64>>() {
        let array = array.try_readonly().map_err(as_value_error)?;
        return Ok(array.as_slice().ok().map(|numbers| numbers.iter().map(|x| *x as f32).collect()));
    }
    Ok(None)
}

/// Whether its class is one of a package.
///
/// Not by `to_string`: Python looks at signals where it makes a string of an object, and `to_string` would lose Ctrl-C.
fn is_of(given: &Bound<'_, PyAny>, package: &str) -> PyResult<bool> {
    // A class may have something else than a string there.
    let Ok(module) = given.get_type().module() else { return Ok(false) };
    Ok(module.to_cow()?.split('.').next() == Some(package))
}

/// What is wrong with an argument that is no array of real numbers.
fn not_real(name: &str, what: &str) -> PyErr {
    PyTypeError::new_err(format!("{name} must be real numbers, not {what}"))
}

/// Makes what other libraries have for arrays into what numpy understands, or says how the caller does.
fn unwrapped<'py>(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if given.hasattr("nnz")? && (given.hasattr("toarray")? || given.hasattr("todense")?) {
        let method = if given.hasattr("toarray")? { "toarray" } else { "todense" };
        let class_name = given.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "{name} is a sparse matrix ({class_name}): dense rows are needed, {name}.{method}()"
        )));
    }
    if is_of(given, "torch")? {
        // Numbers alone are wanted, not how they came about.
        let tensor = given.call_method0("detach")?;
        // numpy has no such type.
        let is_bfloat = tensor.getattr("dtype")?.str()?.to_cow()?.ends_with("bfloat16");
        return if is_bfloat { tensor.call_method0("float") } else { Ok(tensor) };
    }
    let has_numpy_way = given.hasattr("__array__")? || given.hasattr("__array_interface__")?;
    if !has_numpy_way && given.hasattr("__dlpack__")? {
        return numpy(given.py())?.call_method1("from_dlpack", (given,));
    }
    check_unmasked(name, given)?;
    Ok(given.clone())
}

/// Numbers behind masked entries of an array are none that count.
pub(super) fn check_unmasked(name: &str, given: &Bound<'_, PyAny>) -> PyResult<()> {
    if given.py().import("numpy.ma")?.call_method1("is_masked", (given,))?.is_truthy()? {
        let text = format!("{name} has masked entries: fill them, or leave them out");
        return Err(PyValueError::new_err(text));
    }
    Ok(())
}

/// An array of real numbers. What numpy would make numbers of without being asked, texts and complex numbers, is a `TypeError`.
fn real_array<'py>(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = given.py();
    let is_plain = given.cast_exact::<PyUntypedArray>().is_ok() || given.cast_exact::<PyList>().is_ok();
    let given = if is_plain { given.clone() } else { unwrapped(name, given)? };
    let array = numpy(py)?.call_method1("asarray", (&given,)).map_err(|error| {
        if error.is_instance_of::<PyValueError>(py) {
            // Rows of several lengths, mostly.
            PyValueError::new_err(format!("{name}: {}", error.value(py)))
        } else {
            error
        }
    })?;
    let dtype = array.getattr("dtype")?;
    match dtype.getattr("kind")?.extract::<char>()? {
        'b' | 'i' | 'u' | 'f' => Ok(array),
        'O' => from_objects(name, &given, &array),
        // Small floats of packages beside numpy, which has no kind for them.
        'V' if dtype.getattr("name")?.extract::<String>()?.contains("float") => {
            array.call_method1("astype", ("float32",))
        }
        _ => Err(not_real(name, &dtype.to_string())),
    }
}

/// An array of real numbers, of one of objects: numbers of several kinds, or vectors, as a column of a table holds them.
fn from_objects<'py>(name: &str, given: &Bound<'py, PyAny>, array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if array.getattr("ndim")?.extract::<usize>()? == 0 {
        return Err(not_real(name, &given.get_type().name()?.to_string()));
    }
    let objects = array.call_method0("ravel")?.call_method0("tolist")?;
    let mut has_vectors = false;
    for object in objects.try_iter()? {
        let object = object?;
        if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() || object.is_none() {
            return Err(not_real(name, &object.get_type().name()?.to_string()));
        }
        has_vectors |= object.hasattr("__len__")?;
    }
    if has_vectors {
        let array = numpy(array.py())?.call_method1("asarray", (array.call_method0("tolist")?,)).map_err(|error| {
            if error.is_instance_of::<PyValueError>(array.py()) {
                PyValueError::new_err(format!("{name}: the rows are not all of one length"))
            } else {
                error
            }
        })?;
        if array.getattr("dtype")?.getattr("kind")?.extract::<char>()? != 'O' {
            return real_array(name, &array);
        }
    }
    // Not of 32 bits: what is too large for them is infinite to whoever makes them of it, and nobody is warned.
    array.call_method1("astype", ("float64",)).map_err(|error| {
        let py = array.py();
        if error.is_instance_of::<PyOverflowError>(py) {
            return PyValueError::new_err(format!(
                "{name}: a number is too large: numbers must be finite, as 32-bit floats"
            ));
        }
        // Not Ctrl-C, and whatever else has nothing to do with the objects.
        let is_theirs = error.is_instance_of::<PyTypeError>(py) || error.is_instance_of::<PyValueError>(py);
        if is_theirs { not_real(name, &error.value(py).to_string()) } else { error }
    })
}

/// 32-bit floats, one after the other at an address that suits them; a copy where they are not.
fn packed<'py>(name: &str, array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    array.py().import("ohyeah._arguments")?.call_method1("packed", (&array, name))
}

fn shape_of(array: &Bound<'_, PyAny>) -> String {
    array.getattr("shape").map_or_else(|_| "none".to_owned(), |shape| shape.to_string())
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

impl Matrix<'_> {
    /// A copy of some rows, fewer at the end.
    pub(crate) fn copy_rows(&self, start: usize, count: usize) -> PyResult<Vec<f32>> {
        let changed = || PyValueError::new_err("another thread changed the array's shape while it was read");
        // Another thread may have given it another type.
        let array = self.array.cast::<PyArray2<f32>>().map_err(|_| changed())?;
        let array = array.try_readonly().map_err(as_value_error)?;
        let numbers = array.as_slice().map_err(|_| changed())?;
        if array.dims().into_pattern() != (self.rows, self.width) {
            return Err(changed());
        }
        let end = start.saturating_add(count).min(self.rows);
        Ok(numbers.get(start * self.width..end * self.width).unwrap_or(&[]).to_vec())
    }
}

/// A 2-d array of 32-bit floats, without a copy where it is one. `name` is what messages call it.
pub(crate) fn matrix<'py>(name: &str, vectors: &Bound<'py, PyAny>) -> PyResult<Matrix<'py>> {
    let array = packed(name, &real_array(name, vectors)?)?;
    let Ok(two) = array.cast::<PyArray2<f32>>() else {
        return Err(PyValueError::new_err(format!(
            "{name} must be a 2-d array, a row for each vector: its shape is {}",
            shape_of(&array)
        )));
    };
    let (rows, width) = two.dims().into_pattern();
    Ok(Matrix { array, rows, width })
}

/// The numbers of rows, one after the other, and how many a row has: a copy.
pub(crate) fn rows_of(name: &str, vectors: &Bound<'_, PyAny>) -> PyResult<(Vec<f32>, usize)> {
    let matrix = matrix(name, vectors)?;
    Ok((matrix.copy_rows(0, matrix.rows)?, matrix.width))
}

/// The numbers of rows, which messages call "vectors".
pub(crate) fn rows(vectors: &Bound<'_, PyAny>) -> PyResult<(Vec<f32>, usize)> {
    rows_of("vectors", vectors)
}

/// One vector, or many.
pub(crate) enum Queries {
    One(Vec<f32>),
    Many {
        /// One row after the other.
        numbers: Vec<f32>,
        rows: usize,
        width: usize,
    },
}

/// The numbers of one vector or of many, from anything that numpy makes an array of one dimension or of two.
pub(crate) fn queries(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Queries> {
    if let Some(numbers) = floats(given)? {
        return Ok(Queries::One(numbers));
    }
    let array = real_array(name, given)?;
    if let Some(numbers) = floats(&array)? {
        return Ok(Queries::One(numbers));
    }
    let array = packed(name, &array)?;
    if let Some(numbers) = floats(&array)? {
        return Ok(Queries::One(numbers));
    }
    let Ok(two) = array.cast::<PyArray2<f32>>() else {
        return Err(PyValueError::new_err(format!(
            "{name} must be one vector, or a 2-d array with a row for each: its shape is {}",
            shape_of(&array)
        )));
    };
    let (rows, width) = two.dims().into_pattern();
    let matrix = Matrix { array, rows, width };
    Ok(Queries::Many { numbers: matrix.copy_rows(0, rows)?, rows, width })
}

/// Whether all rows are vectors that distances can be computed of; the error names the first that is none, counted from `first`.
pub(crate) fn check_rows(name: &str, first: usize, numbers: &[f32], width: usize) -> PyResult<()> {
    let backend = ohyeah::backend().unwrap_or_else(|_| ohyeah::Backend::detect());
    for (row, vector) in (first..).zip(numbers.chunks_exact(width.max(1))) {
        let problem = match f32::check(vector, width, backend) {
            Ok(()) => continue,
            Err(VectorError::NotFinite { position }) => {
                format!("element {position} is NaN or infinite: leave the row out or mend it")
            }
            Err(error) => error.to_string(),
        };
        let one = if name == "vectors" { "vector" } else { "query" };
        return Err(PyValueError::new_err(format!("{one} {row} (row {row} of {name}): {problem}")));
    }
    Ok(())
}

/// The labels of a table's rows, where they are texts: those of a pandas `DataFrame` with such an index.
pub(crate) fn keys_of_frame<'py>(vectors: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if !is_of(vectors, "pandas")? || !vectors.hasattr("index")? {
        return Ok(None);
    }
    // Numbers as labels are mostly those that pandas gives to rows by itself.
    let labels = vectors.getattr("index")?.call_method0("tolist")?;
    for label in labels.try_iter()? {
        if !label?.is_instance_of::<PyString>() {
            return Ok(None);
        }
    }
    Ok(Some(labels))
}
