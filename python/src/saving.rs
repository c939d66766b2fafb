//! Saving files, so that Ctrl-C is heard meanwhile.

use std::io::Write as _;
use std::path::Path;

use ohyeah::AtomicFile;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use crate::exceptions::cannot_write;

/// Bytes that are written before signals are looked at.
const PART: usize = 16 << 20;

/// Refuses a pipe that has a name: opening one waits for the other side, and Ctrl-C does not end that. One that is open already, as
/// `/dev/stdout` may be, need not be waited for.
#[cfg(unix)]
pub(crate) fn check_no_pipe(path: &Path) -> PyResult<()> {
    use std::os::unix::fs::FileTypeExt;

    let is_pipe = std::fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo());
    // What is behind `/dev/stdout` has no name, unless it is such a pipe too.
    if is_pipe && std::fs::canonicalize(path).is_ok() {
        let text = "is a pipe, which would have to be waited for: use an ordinary file";
        return Err(PyOSError::new_err((22, text, path.as_os_str().to_owned())));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn check_no_pipe(_: &Path) -> PyResult<()> {
    Ok(())
}

/// Writes a file that consists of these parts, whole or not at all. Other threads have the interpreter meanwhile.
pub(crate) fn save(py: Python<'_>, path: &Path, parts: &[&[u8]]) -> PyResult<()> {
    check_no_pipe(path)?;
    let failed = |error| cannot_write(path, &error);
    let mut file = py.detach(|| AtomicFile::create(path)).map_err(failed)?;
    for part in parts.iter().flat_map(|bytes| bytes.chunks(PART)) {
        py.detach(|| file.write_all(part)).map_err(failed)?;
        py.check_signals()?;
    }
    py.detach(|| file.commit()).map_err(failed)
}
