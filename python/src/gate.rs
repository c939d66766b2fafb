//! Waiting for the thread that has taken something out.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Opens once. Clones are the same gate.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

struct Inner {
    /// The process whose thread will open it.
    process: u32,
    /// The thread, which cannot wait for itself.
    thread: ThreadId,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let (process, thread) = (std::process::id(), std::thread::current().id());
        Self(Arc::new(Inner { process, thread, is_open: Mutex::new(false), opened: Condvar::new() }))
    }

    /// Whether nobody is there to open it: this process is a child of the one that would have.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.process != std::process::id()
    }

    pub(crate) fn open(&self) {
        *self.0.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.opened.notify_all();
    }

    /// Waits until it is open, or a signal raises an exception. Other threads have the interpreter meanwhile.
    pub(crate) fn wait(&self, py: Python<'_>) -> PyResult<()> {
        // Before the lock is touched, which a thread that is not in this process may have had.
        if self.is_abandoned() {
            return Err(PyRuntimeError::new_err(
                "this process was forked while another thread changed the index: load() it, or unload() it and begin anew",
            ));
        }
        // A function that is told of the progress, or a signal's handler, runs while this thread builds.
        if self.0.thread == std::thread::current().id() {
            return Err(PyRuntimeError::new_err(
                "the index is being built by this very thread: use it when build() has ended",
            ));
        }
        let waited = || {
            let is_open = self.0.is_open.lock().unwrap_or_else(PoisonError::into_inner);
            let slice = Duration::from_millis(50);
            let waited = self.0.opened.wait_timeout_while(is_open, slice, |is_open| !*is_open);
            *waited.unwrap_or_else(PoisonError::into_inner).0
        };
        while !py.detach(waited) {
            py.check_signals()?;
        }
        Ok(())
    }
}
