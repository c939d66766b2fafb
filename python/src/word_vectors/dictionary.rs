//! The dictionary of all words: how it is asked for, and how far the work is.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use ohyeah::Cancel;
use ohyeah_words::{DictionaryError, SimilarWord, Step};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::progress::Report;
use crate::threads::Pool;

/// Entries that are made into Python's objects before signals are looked at.
const ENTRIES_A_PART: usize = 4096;

/// What is asked for; the package has checked that it makes sense.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct Wanted {
    top: usize,
    trees: Option<usize>,
    search_k: Option<usize>,
    exact: bool,
    recall: f32,
    seed: u64,
}

type Entries = Vec<(u32, Vec<SimilarWord>)>;

/// From 0 to 1: what comes before the first word is this part of the work, and the words are the rest.
struct Parts {
    before: f32,
    words: usize,
    done: AtomicUsize,
}

impl Parts {
    /// Finding the neighbours of all at once is nearly all of the work; building an index to be asked for each is little of it.
    fn of(wanted: &Wanted, words: usize) -> Self {
        let asks = wanted.trees.is_some() || wanted.search_k.is_some() || wanted.top > 100;
        Self { before: if asks { 0.1 } else { 0.9 }, words: words.max(1), done: AtomicUsize::new(0) }
    }

    fn share(&self, step: Step) -> f32 {
        match step {
            Step::Share(share) => self.before * share,
            Step::Words(more) => {
                let done = self.done.fetch_add(more, Relaxed) + more;
                self.before + (1.0 - self.before) * done as f32 / self.words as f32
            }
            _ => 0.0,
        }
    }
}

fn run(
    vectors: &ohyeah_words::WordVectors,
    wanted: &Wanted,
    cancel: &AtomicBool,
    tell: &(dyn Fn(f32) + Sync),
) -> Result<Entries, DictionaryError<std::convert::Infallible>> {
    let parts = Parts::of(wanted, vectors.len());
    let tell = |step| tell(parts.share(step));
    let mut dictionary = vectors.dictionary().top(wanted.top).recall(wanted.recall).seed(wanted.seed);
    if let Some(trees) = wanted.trees {
        dictionary = dictionary.trees(trees);
    }
    if let Some(candidates) = wanted.search_k {
        dictionary = dictionary.search_k(candidates);
    }
    if wanted.exact {
        dictionary = dictionary.exact();
    }
    let mut all = Vec::with_capacity(vectors.len());
    dictionary.on_progress(&tell).cancel(Cancel::new(cancel)).run(
        |id, found| (id, found.to_vec()),
        |entry| {
            all.push(entry);
            Ok(())
        },
    )?;
    Ok(all)
}

/// A dictionary from words to lists of words and cosines.
pub(super) fn dictionary<'py>(
    py: Python<'py>,
    vectors: &ohyeah_words::WordVectors,
    pool: &Pool,
    wanted: &Wanted,
    report: Report<'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let made = pool.run_reporting(py, report, |cancel, tell| run(vectors, wanted, cancel, tell))?;
    let all = made.map_err(|error| match error {
        DictionaryError::Items(_) => PyMemoryError::new_err(error.to_string()),
        error => PyValueError::new_err(error.to_string()),
    })?;
    let entries = PyDict::new(py);
    for (at, (id, found)) in all.iter().enumerate() {
        if at % ENTRIES_A_PART == 0 {
            py.check_signals()?;
        }
        entries.set_item(vectors.word(*id), super::named(vectors, found))?;
    }
    Ok(entries)
}
