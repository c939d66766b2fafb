//! An index as Annoy has it: one object that collects items, is built, saved, loaded and unloaded.
//!
//! Its lock is never held for long: only by a thread that has the interpreter, and while nothing but the index is looked at
//! (see [`threads`](crate::threads)). What takes time works on what it has taken out:
//!
//! * Trees do not change. Searches, saves and sketches share them, and whoever has made others swaps those in.
//! * Items do. Who changes them for long takes them, leaves a closed [`Gate`] in their place, and the others wait at it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, mem};

use ohyeah::{BuildFile, Cancel, Metric, ParBuildItems, Progress};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;

use crate::build_how::BuildHow;
use crate::collected::{Collected, Shape, distance_of, without_trees};
use crate::exceptions::{cannot_write, exception, no_such_item};
use crate::gate::Gate;
use crate::progress::Report;
use crate::room::Room;
use crate::saving;
use crate::threads::Pool;
use crate::trees::Trees;

pub(crate) struct Index {
    shape: Shape,
    now: Mutex<Now>,
}

struct Now {
    state: State,
    seed: Option<u64>,
    /// Where it is built, if not in memory.
    in_file: Option<InFile>,
}

#[derive(Clone)]
struct InFile {
    path: PathBuf,
    /// The process that began it: another would write to the same bytes.
    process: u32,
}

pub(crate) enum State {
    Items(Collected),
    Trees(Arc<Trees>),
    /// A thread has them, and works on them.
    Away(Gate),
}

/// What is in an index for those who only read.
pub(crate) enum Found {
    /// So many items, without trees.
    Items(usize),
    Trees(Arc<Trees>),
}

/// What a pickle holds.
pub(crate) enum Snapshot {
    /// Ids, and the numbers of each.
    Items(Vec<i64>, Vec<f32>),
    Trees(Arc<Trees>),
}

impl InFile {
    fn check(this: Option<&Self>) -> PyResult<()> {
        match this {
            Some(file) if file.process != std::process::id() => Err(PyRuntimeError::new_err(format!(
                "{}: belongs to the process that this one was forked from: unload() the index and begin anew",
                file.path.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// What was taken out of an index, to be worked on. It is put back when this is dropped, and the gate opened.
struct Taken<'i> {
    index: &'i Index,
    gate: Gate,
    state: State,
    seed: Option<u64>,
    in_file: Option<PathBuf>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let state = mem::replace(&mut self.state, State::Away(self.gate.clone()));
        self.index.lock().state = state;
        self.gate.open();
    }
}

impl Index {
    pub(crate) fn new(metric: Metric, dimensions: usize) -> PyResult<Self> {
        let shape = Shape { metric, dimensions };
        let now = Now { state: State::Items(Collected::new(shape)?), seed: None, in_file: None };
        Ok(Self { shape, now: Mutex::new(now) })
    }

    /// Only for a thread that has the interpreter, and keeps it until the lock is given back.
    fn lock(&self) -> MutexGuard<'_, Now> {
        // A panic while the lock is held would be a bug of ours, and leaves nothing half done that a caller could see.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the index, or changes it quickly, when nobody has taken it out. `act` must not give up the interpreter.
    fn when_here<T>(&self, py: Python<'_>, act: impl FnOnce(&mut Now) -> PyResult<T>) -> PyResult<T> {
        loop {
            let gate = {
                let mut now = self.lock();
                match &now.state {
                    State::Away(gate) => gate.clone(),
                    _ => return act(&mut now),
                }
            };
            gate.wait(py)?;
        }
    }

    /// Takes the state out, if `check` lets it.
    fn take(&self, py: Python<'_>, check: impl FnOnce(&State) -> PyResult<()>) -> PyResult<Taken<'_>> {
        self.when_here(py, |now| {
            check(&now.state)?;
            InFile::check(now.in_file.as_ref())?;
            let gate = Gate::new();
            let state = mem::replace(&mut now.state, State::Away(gate.clone()));
            let in_file = now.in_file.as_ref().map(|file| file.path.clone());
            Ok(Taken { index: self, gate, state, seed: now.seed, in_file })
        })
    }

    /// Puts another state in the place of whatever is there. What was there goes while others have the interpreter.
    fn replace(&self, py: Python<'_>, state: State, keep_seed: bool) -> PyResult<()> {
        let swap = |now: &mut Now| {
            now.in_file = None;
            if !keep_seed {
                now.seed = None;
            }
            Ok(mem::replace(&mut now.state, state))
        };
        let abandoned = matches!(&self.lock().state, State::Away(gate) if gate.is_abandoned());
        let old = if abandoned { swap(&mut self.lock()) } else { self.when_here(py, swap) }?;
        py.detach(|| drop(old));
        Ok(())
    }

    /// Puts other trees in the place of some, if they are still there.
    fn swap_trees(&self, py: Python<'_>, old: Arc<Trees>, new: Trees, is_saved: bool) {
        let mut now = self.lock();
        if let State::Trees(trees) = &mut now.state
            && Arc::ptr_eq(trees, &old)
        {
            *trees = Arc::new(new);
            if is_saved {
                (now.seed, now.in_file) = (None, None);
            }
        }
        drop(now);
        py.detach(|| drop(old));
    }

    /// What is there for those who read. It stays as it is, whatever becomes of the index.
    pub(crate) fn found(&self, py: Python<'_>) -> PyResult<Found> {
        self.when_here(py, |now| {
            Ok(match &now.state {
                State::Items(collected) => Found::Items(collected.items.len()),
                State::Trees(trees) => Found::Trees(Arc::clone(trees)),
                State::Away(_) => Found::Items(0),
            })
        })
    }

    fn trees(&self, py: Python<'_>) -> PyResult<Option<Arc<Trees>>> {
        Ok(if let Found::Trees(trees) = self.found(py)? { Some(trees) } else { None })
    }

    pub(crate) fn item_count(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(match self.found(py)? {
            Found::Items(items) => items,
            Found::Trees(trees) => trees.items(),
        })
    }

    pub(crate) fn tree_count(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.trees(py)?.map_or(0, |trees| trees.trees()))
    }

    pub(crate) fn size(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.trees(py)?.map_or(0, |trees| trees.as_bytes().len()))
    }

    pub(crate) fn set_seed(&self, py: Python<'_>, seed: u64) -> PyResult<()> {
        self.when_here(py, |now| {
            now.seed = Some(seed);
            Ok(())
        })
    }

    /// The numbers of an item; zeros for an id that was never added, as Annoy has it.
    pub(crate) fn numbers(&self, py: Python<'_>, id: u32) -> PyResult<Vec<f32>> {
        self.when_here(py, |now| match &now.state {
            State::Items(collected) => collected.numbers_or_zeros(id),
            State::Trees(trees) => trees.numbers_or_zeros(id),
            State::Away(_) => Err(no_such_item()),
        })
    }

    pub(crate) fn distance(&self, py: Python<'_>, a: u32, b: u32) -> PyResult<f32> {
        self.when_here(py, |now| match &now.state {
            State::Items(collected) => {
                let (x, y) = (collected.numbers_or_zeros(a)?, collected.numbers_or_zeros(b)?);
                collected.items.distance(a, b).or_else(|_| distance_of(&x, &y, self.shape))
            }
            State::Trees(trees) => trees.distance(a, b, self.shape),
            State::Away(_) => Err(no_such_item()),
        })
    }

    pub(crate) fn add(&self, py: Python<'_>, id: u32, vector: &[f32]) -> PyResult<()> {
        self.when_here(py, |now| {
            InFile::check(now.in_file.as_ref())?;
            let in_file = now.in_file.as_ref().map(|file| file.path.as_path());
            match &mut now.state {
                State::Items(collected) => collected.add(id, vector, in_file),
                state => Err(cannot_add(state)),
            }
        })
    }

    /// Adds many, one after the other; those before an error are there. Other threads have the interpreter meanwhile.
    pub(crate) fn add_all(&self, py: Python<'_>, first: u32, rows: &[f32]) -> PyResult<()> {
        let mut taken = self.take(py, |state| match state {
            State::Items(_) => Ok(()),
            state => Err(cannot_add(state)),
        })?;
        let (state, in_file) = (&mut taken.state, taken.in_file.as_deref());
        py.detach(|| {
            let State::Items(collected) = state else { return Ok(()) };
            (first..)
                .zip(rows.chunks_exact(self.shape.dimensions.max(1)))
                .try_for_each(|(id, row)| collected.add(id, row, in_file))
        })
    }

    pub(crate) fn metric(&self) -> Metric {
        self.shape.metric
    }

    /// What is there, and the seed.
    pub(crate) fn snapshot(&self, py: Python<'_>) -> PyResult<(Snapshot, Option<u64>)> {
        self.when_here(py, |now| {
            let snapshot = match &now.state {
                State::Trees(trees) => Snapshot::Trees(Arc::clone(trees)),
                State::Items(collected) => {
                    let (mut ids, mut all) = (Vec::new(), Vec::new());
                    for id in 0..collected.items.len() as u32 {
                        if let Some(numbers) = collected.items.numbers(id) {
                            ids.push(i64::from(id));
                            all.extend_from_slice(&numbers);
                        }
                    }
                    Snapshot::Items(ids, all)
                }
                State::Away(_) => return Err(no_such_item()),
            };
            Ok((snapshot, now.seed))
        })
    }

    /// Trees of these bytes, in memory; they can be unbuilt.
    pub(crate) fn set_trees(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        let trees = py.detach(|| Trees::restored(bytes, self.shape))?;
        self.replace(py, State::Trees(Arc::new(trees)), false)
    }

    pub(crate) fn build(&self, py: Python<'_>, how: BuildHow, report: Report<'_>, pool: &Pool) -> PyResult<()> {
        let empty = Collected::new(self.shape)?;
        let mut taken = self.take(py, |state| match state {
            State::Items(_) => Ok(()),
            State::Trees(trees) if trees.loaded => Err(exception("You can't build a loaded index")),
            _ => Err(exception("You can't build a built index")),
        })?;
        let options = how.options(taken.seed)?;
        let State::Items(collected) = mem::replace(&mut taken.state, State::Items(empty)) else { return Ok(()) };
        let (items, lent) = collected.lend(self.shape);
        let built = match pool.run_reporting(py, report, |cancel, tell| {
            items.par_build(&options.cancel(Cancel::new(cancel)).progress(Progress::new(tell)))
        }) {
            // A file that is being named is not given up: that it has its name and is whole is what was asked for.
            Ok(Ok(forest)) => pool.run(py, || lent.trees(forest)),
            Ok(Err(error)) => Err(lent.build_error(&error, taken.in_file.as_deref())),
            Err(interrupted) => Err(interrupted),
        };
        match built {
            Ok(trees) => {
                taken.state = State::Trees(Arc::new(trees));
                Ok(())
            }
            Err(error) => {
                match lent.items() {
                    Some(collected) => taken.state = State::Items(collected),
                    // What is left is an empty index in memory, which can be used again.
                    None => self.lock().in_file = None,
                }
                Err(error)
            }
        }
    }

    pub(crate) fn unbuild(&self, py: Python<'_>) -> PyResult<()> {
        let empty = Collected::new(self.shape)?;
        let mut taken = self.take(py, |state| match state {
            State::Trees(trees) if trees.loaded => Err(exception("You can't unbuild a loaded index")),
            _ => Ok(()),
        })?;
        let trees = match mem::replace(&mut taken.state, State::Items(empty)) {
            State::Trees(trees) => trees,
            state => {
                taken.state = state;
                return Ok(());
            }
        };
        // What was built in a file will be built in it again.
        let in_file = taken.in_file.as_deref();
        match py.detach(|| without_trees(trees, self.shape, in_file)) {
            Ok(collected) => {
                taken.state = State::Items(collected);
                Ok(())
            }
            Err((error, trees)) => {
                if let Some(trees) = trees {
                    taken.state = State::Trees(trees);
                }
                Err(error)
            }
        }
    }

    /// The items go on in a file.
    pub(crate) fn build_in(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        saving::check_no_pipe(&path)?;
        let mut taken = self.take(py, |state| match state {
            State::Items(_) => Ok(()),
            _ => Err(exception("You can't build a built or loaded index in a file: call unload() first")),
        })?;
        let state = &mut taken.state;
        py.detach(|| {
            let State::Items(collected) = &*state else { return Ok(()) };
            let file = BuildFile::create(&path).map_err(|error| cannot_write(&path, &error))?;
            let (ids, numbers) = (collected.items.len(), |id| collected.items.numbers(id));
            let copy = Collected::copy(|home| Room::build(file, home), self.shape, Some(&path), ids, numbers)?;
            *state = State::Items(copy);
            Ok::<_, PyErr>(())
        })?;
        self.lock().in_file = Some(InFile { path, process: std::process::id() });
        Ok(())
    }

    /// Saves the forest and whatever is to follow it in the file; then is the one that the file holds.
    pub(crate) fn save(&self, py: Python<'_>, path: &Path, more: &[u8], prefault: bool) -> PyResult<()> {
        let trees = self.trees(py)?;
        let trees = trees.ok_or_else(|| PyOSError::new_err("You can't save an index that hasn't been built"))?;
        if trees.trees() == 0 && trees.items() > 0 {
            return Err(PyOSError::new_err("an index without trees has no file: build some"));
        }
        // Annoy removes what was there first, and so it may lose both.
        saving::save(py, path, &[trees.as_bytes(), more])?;
        let saved = py.detach(|| {
            let length = trees.as_bytes().len();
            // What is no ordinary file, as /dev/null is not, cannot be mapped.
            let is_there = length > 0 && fs::metadata(path).is_ok_and(|file| file.is_file());
            is_there.then(|| Trees::load(path, Some(length), prefault, self.shape)).transpose()
        })?;
        if let Some(saved) = saved {
            self.swap_trees(py, trees, saved, true);
        }
        Ok(())
    }

    pub(crate) fn load(&self, py: Python<'_>, path: &Path, length: Option<usize>, prefault: bool) -> PyResult<()> {
        let trees = py.detach(|| Trees::load(path, length, prefault, self.shape))?;
        self.replace(py, State::Trees(Arc::new(trees)), true)
    }

    pub(crate) fn unload(&self, py: Python<'_>) -> PyResult<()> {
        self.replace(py, State::Items(Collected::new(self.shape)?), false)
    }

    /// Makes the sketch of trees that were searched without, and puts them in their place.
    pub(crate) fn sketch(&self, py: Python<'_>, trees: Arc<Trees>) {
        // Without one searches are slower, and that is all.
        let Ok(pool) = Pool::own(py) else { return };
        let sketched = pool.run(py, || trees.with_sketch());
        self.swap_trees(py, trees, sketched, false);
    }
}

fn cannot_add(state: &State) -> PyErr {
    match state {
        State::Trees(trees) if trees.loaded => exception("You can't add an item to a loaded index"),
        // Annoy writes over the trees here.
        _ => exception("You can't add an item to a built index: call unbuild() first"),
    }
}
