//! `progress=`: who is told how far long work is.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBool;

/// Something to be called with the share of the work that is done, by the thread that called for the work.
///
/// Threads of a pool only write the share down: they have no business with the interpreter.
pub(crate) struct Report<'py> {
    call: Option<Bound<'py, PyAny>>,
    /// A bar of ours, to be closed.
    is_bar: bool,
    told: f32,
}

impl<'py> Report<'py> {
    pub(crate) const fn none() -> Self {
        Self { call: None, is_bar: false, told: 0.0 }
    }

    /// From the argument `progress`: none, true for a bar, or something to be called.
    pub(crate) fn new(py: Python<'py>, title: &str, progress: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        let Some(progress) = progress else { return Ok(Self::none()) };
        if let Ok(is_wanted) = progress.cast::<PyBool>() {
            if !is_wanted.is_true() {
                return Ok(Self::none());
            }
            let bar = py.import("ohyeah._progress")?.call_method1("bar", (title,))?;
            return Ok(Self { call: Some(bar), is_bar: true, told: -1.0 });
        }
        if !progress.is_callable() {
            let text =
                "progress must be True, False, or something to be called with the share that is done, from 0 to 1";
            return Err(PyTypeError::new_err(text));
        }
        Ok(Self { call: Some(progress.clone()), is_bar: false, told: -1.0 })
    }

    /// Tells what share of the work is done, if it is more than before.
    pub(crate) fn tell(&mut self, share: f32) -> PyResult<()> {
        if let Some(call) = &self.call
            && share > self.told
        {
            self.told = share;
            call.call1((share,))?;
        }
        Ok(())
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.call.take().filter(|_| self.is_bar) {
            // A bar that cannot be closed is no reason to lose the work.
            let _ = bar.call_method0("close");
        }
    }
}

/// The largest share that any thread has told.
#[derive(Default)]
pub(crate) struct Share(AtomicU32);

impl Share {
    pub(crate) fn set(&self, share: f32) {
        // Floats of 0 or more are ordered as their bits.
        self.0.fetch_max(share.max(0.0).to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}
