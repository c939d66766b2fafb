//! Saving files, so that Ctrl-C is heard meanwhile.

use std::io::Write as _;
use std::path::Path;

use ohyeah::AtomicFile;
use pyo3::prelude::*;

use crate::exceptions::cannot_write;

/// Bytes that are written before signals are looked at.
const PART: usize = 16 << 20;

/// Writes a file that consists of these parts, whole or not at all. Other threads have the interpreter meanwhile.
pub(crate) fn save(py: Python<'_>, path: &Path, parts: &[&[u8]]) -> PyResult<()> {
    let failed = |error| cannot_write(path, &error);
    let mut file = py.detach(|| AtomicFile::create(path)).map_err(failed)?;
    for part in parts.iter().flat_map(|bytes| bytes.chunks(PART)) {
        py.detach(|| file.write_all(part)).map_err(failed)?;
        py.check_signals()?;
    }
    py.detach(|| file.commit()).map_err(failed)
}
