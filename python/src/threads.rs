//! Threads for long work: pools of this process, and signals that are looked at meanwhile.
//!
//! Two rules keep threads from waiting for one another for ever:
//!
//! * Nothing is locked while work runs on a pool. A thread of a pool that waits for its own work takes up other work
//!   meanwhile, and would ask for a lock that it has.
//! * A lock is only taken by a thread that has the interpreter, and given back before the interpreter is. `os.fork` is called
//!   with the interpreter too, so no other thread has a lock at that time, and the child finds all of them free.
//!
//! Rayon's global pool is never used: a forked child has a copy of it without its threads, and rayon cannot be told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::ThreadPool;

use crate::arguments::Whole;
use crate::progress::{Report, Share};

/// More threads than this are a mistake: starting them would take seconds and give nothing.
const MOST: i64 = 1024;

/// Threads that work can be given to.
pub(crate) struct Pool(Arc<ThreadPool>);

/// How many threads are asked for: checked at once, and started where there is work for them.
#[derive(Clone, Copy)]
pub(crate) struct Threads(i64);

impl Threads {
    /// None and −1 are all cores.
    pub(crate) fn new(threads: Option<Whole>) -> PyResult<Self> {
        let threads = threads.map_or(-1, Whole::value);
        match threads {
            -1 | 1..=MOST => Ok(Self(threads)),
            _ => Err(PyValueError::new_err(format!(
                "{threads} threads: use None or -1 for as many as there are cores, or a number from 1 to {MOST}"
            ))),
        }
    }

    pub(crate) fn pool(self, py: Python<'_>) -> PyResult<Pool> {
        if self.0 == -1 { Pool::own(py) } else { start(self.0 as usize).map(Pool) }
    }
}

impl Pool {
    /// So many threads; the pool of this process for −1.
    pub(crate) fn of(py: Python<'_>, threads: i64) -> PyResult<Self> {
        Threads::new(Some(threads.into()))?.pool(py)
    }

    /// The pool of this process, with a thread for each core.
    ///
    /// A process that forks, as Python's do, takes a copy of the pool without its threads along, which would let the child wait
    /// for ever. So a child makes its own; its parent's is left to itself.
    pub(crate) fn own(_: Python<'_>) -> PyResult<Self> {
        static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((process, pool)) = &*pool
            && *process == std::process::id()
        {
            return Ok(Self(Arc::clone(pool)));
        }
        let new = start(0)?;
        // The parent's threads are not here to be waited for.
        std::mem::forget(pool.replace((std::process::id(), Arc::clone(&new))));
        Ok(Self(new))
    }

    /// Runs work on the pool. Other threads have the interpreter meanwhile.
    pub(crate) fn run<T: Send>(&self, py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
        py.detach(|| self.0.install(work))
    }

    /// The same, while signals are looked at: where one raises an exception, as Ctrl-C does, the work is told to end and the
    /// exception is passed on.
    pub(crate) fn run_interruptible<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&AtomicBool) -> T + Send,
    ) -> PyResult<T> {
        self.run_reporting(py, Report::none(), |cancel, _| work(cancel))
    }

    /// The same, and tells someone how far the work is. An exception there ends the work as well.
    pub(crate) fn run_reporting<T: Send>(
        &self,
        py: Python<'_>,
        mut report: Report<'_>,
        work: impl FnOnce(&AtomicBool, &(dyn Fn(f32) + Sync)) -> T + Send,
    ) -> PyResult<T> {
        let (cancel, done, share) = (AtomicBool::new(false), AtomicBool::new(false), Share::default());
        let (mut result, mut interrupted) = (None, report.tell(0.0));
        let finished = Finished { done: &done, caller: std::thread::current() };
        self.0.in_place_scope(|scope| {
            scope.spawn(|_| {
                let _finished = finished;
                result = Some(work(&cancel, &|done| share.set(done)));
            });
            while !done.load(Ordering::Acquire) {
                py.detach(|| std::thread::park_timeout(Duration::from_millis(50)));
                if interrupted.is_ok() {
                    interrupted = py.check_signals().and_then(|()| report.tell(share.get()));
                }
                cancel.store(interrupted.is_err(), Ordering::Relaxed);
            }
        });
        interrupted?;
        report.tell(1.0)?;
        // A panic of the work goes on where the scope ends.
        result.ok_or_else(|| PyRuntimeError::new_err("the work has no result"))
    }
}

/// Runs work that cannot be told to end, on a thread of its own: where a signal raises an exception meanwhile, as Ctrl-C does, the
/// work is left to itself and the exception passed on. So the work must only read, and have what it reads to itself or shared.
pub(crate) fn run_or_abandon<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let start = move || {
        // Nobody may be there to take it.
        let _ = sender.send(work());
    };
    std::thread::Builder::new().spawn(start).map_err(|error| PyMemoryError::new_err(error.to_string()))?;
    // A receiver is no value that other threads could use; this thread alone does.
    let receiver = Mutex::new(receiver);
    let wait = || {
        let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv_timeout(Duration::from_millis(50))
    };
    loop {
        match py.detach(wait) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Err(PyRuntimeError::new_err("the work has no result")),
        }
    }
}

/// Tells the thread that waits for work that it has ended, by a panic too.
struct Finished<'a> {
    done: &'a AtomicBool,
    caller: Thread,
}

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Release);
        self.caller.unpark();
    }
}

/// As many threads; one for each core for 0.
fn start(threads: usize) -> PyResult<Arc<ThreadPool>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map(Arc::new).map_err(|error| PyMemoryError::new_err(error.to_string()))
}
