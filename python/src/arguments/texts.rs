//! Strings.

use std::borrow::Cow;

use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// A string as UTF-8; none where it has half a surrogate pair, as no key and no word has.
pub(crate) fn text_of<'s>(string: &'s Bound<'_, PyString>) -> PyResult<Option<Cow<'s, str>>> {
    match string.to_cow() {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(string.py()) => Ok(None),
        Err(error) => Err(error),
    }
}
