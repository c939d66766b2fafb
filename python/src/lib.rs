//! The Python module `ohyeah._ohyeah`; the package `ohyeah` beside it is what programs import.

mod annoy_index;
mod arguments;
mod index;
mod packed_index;
mod room;
mod word_vectors;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use rayon::ThreadPool;

#[pymodule]
mod _ohyeah {
    #[pymodule_export]
    use crate::annoy_index::AnnoyIndex;
    #[pymodule_export]
    use crate::packed_index::{Index, knn_graph};
    #[pymodule_export]
    use crate::word_vectors::WordVectors;
}

/// The pool of this process, with a thread for each core.
///
/// Not rayon's global one: a process that forks, as Python's do, takes a copy of a pool without its threads along, which would
/// let the child wait forever. So a child makes its own; its parent's is left to itself.
pub(crate) fn own_pool() -> PyResult<Arc<ThreadPool>> {
    static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((process, pool)) = &*pool
        && *process == std::process::id()
    {
        return Ok(Arc::clone(pool));
    }
    let new = rayon::ThreadPoolBuilder::new().build();
    let new = Arc::new(new.map_err(|error| pyo3::exceptions::PyMemoryError::new_err(error.to_string()))?);
    // The parent's threads are not here to be waited for.
    std::mem::forget(pool.replace((std::process::id(), Arc::clone(&new))));
    Ok(new)
}

/// Runs long work while signals are looked at: where one raises an exception, as Ctrl-C does, the work is told to end and the
/// exception is passed on.
fn interruptible<T: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> T + Send) -> PyResult<T> {
    let (cancel, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let caller = std::thread::current();
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().spawn_scoped(scope, || {
            let result = work(&cancel);
            done.store(true, Ordering::Release);
            caller.unpark();
            result
        });
        let worker = worker.map_err(|error| pyo3::exceptions::PyMemoryError::new_err(error.to_string()))?;
        let mut interrupted = Ok(());
        while !(done.load(Ordering::Acquire) || worker.is_finished()) {
            py.detach(|| std::thread::park_timeout(Duration::from_millis(50)));
            if interrupted.is_ok() {
                interrupted = py.check_signals();
                cancel.store(interrupted.is_err(), Ordering::Relaxed);
            }
        }
        let result = py.detach(|| worker.join());
        interrupted.map(|()| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Runs something on so many threads; on all there are for −1.
fn on_threads<T: Send>(threads: i64, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    use pyo3::exceptions::{PyMemoryError, PyValueError};
    match threads {
        -1 => Ok(own_pool()?.install(work)),
        1.. => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build();
            Ok(pool.map_err(|error| PyMemoryError::new_err(error.to_string()))?.install(work))
        }
        _ => Err(PyValueError::new_err(format!("{threads} threads: use -1 for all there are, or at least 1"))),
    }
}
