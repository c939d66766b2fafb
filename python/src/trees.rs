//! A forest that is searched: it does not change, so searches share it and nothing is locked.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ohyeah::forest::{AnyForest, ForestScratch, OpenError, Search};
use ohyeah::packed::MAGIC;
use ohyeah::{DotLegacy, Forest, Metric, Neighbour, Rayon};
use pyo3::PyErr;

use crate::collected::{Shape, distance_of};
use crate::exceptions::{FileFormatError, bad_file, cannot_open, forest_error, no_such_item, search_error};
use crate::mapped::map;
use crate::room::{Home, Room};

/// What a search looks for.
#[derive(Clone, Copy)]
pub(crate) struct SearchParams {
    /// None: all there are.
    n: Option<usize>,
    /// None: as many candidates as Annoy would look at.
    search_k: Option<usize>,
}

impl SearchParams {
    /// Of Annoy's numbers: −1 candidates are as many as it likes, and any other negative number is no limit.
    pub(crate) fn new(n: i32, search_k: i32) -> Self {
        let search_k = if search_k == -1 { None } else { Some(usize::try_from(search_k).unwrap_or(usize::MAX)) };
        Self { n: usize::try_from(n).ok(), search_k }
    }
}

pub(crate) struct Trees {
    forest: AnyForest<Room>,
    /// For the items, when the trees are taken away.
    home: Home,
    /// The file was there before, so nothing can be changed.
    pub(crate) loaded: bool,
    /// It has a sketch, or somebody makes one.
    sketched: AtomicBool,
    /// Candidates that searches have looked at without a sketch.
    looked_at: AtomicU64,
}

impl Trees {
    pub(crate) fn built(forest: AnyForest<Room>, home: Home) -> Self {
        Self { forest, home, loaded: false, sketched: true.into(), looked_at: 0.into() }
    }

    fn loaded(forest: AnyForest<Room>) -> Self {
        Self { forest, home: Home::default(), loaded: true, sketched: false.into(), looked_at: 0.into() }
    }

    /// Trees that were built elsewhere, from their bytes.
    pub(crate) fn restored(bytes: &[u8], shape: Shape) -> Result<Self, PyErr> {
        let home = Home::default();
        let forest =
            forest_in(Room::of(bytes, &home)?, shape).map_err(|error| FileFormatError::new_err(error.to_string()))?;
        Ok(Self { forest, home, loaded: false, sketched: false.into(), looked_at: 0.into() })
    }

    /// The file that is mapped, and how many of its first bytes the trees are.
    pub(crate) fn file(&self) -> Option<(&Path, usize)> {
        self.forest.storage().file()
    }

    /// A file's first bytes as a forest; all of them where there is no length.
    pub(crate) fn load(path: &Path, length: Option<usize>, prefault: bool, shape: Shape) -> Result<Self, PyErr> {
        open(path, length, prefault, shape).map(Self::loaded)
    }

    pub(crate) fn into_parts(self) -> (AnyForest<Room>, Home) {
        (self.forest, self.home)
    }

    pub(crate) fn items(&self) -> usize {
        self.forest.len()
    }

    pub(crate) fn trees(&self) -> usize {
        self.forest.trees()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.forest.as_bytes()
    }

    /// The numbers of an item; none for an id that was never added.
    pub(crate) fn numbers(&self, id: u32) -> Option<Cow<'_, [f32]>> {
        self.forest.numbers(id)
    }

    /// The same, and zeros for an id that was never added, as Annoy has it.
    pub(crate) fn numbers_or_zeros(&self, id: u32) -> Result<Vec<f32>, PyErr> {
        if id as usize >= self.items() {
            return Err(no_such_item());
        }
        Ok(self.numbers(id).map_or_else(|| vec![0.0; self.forest.dimensions()], Cow::into_owned))
    }

    pub(crate) fn distance(&self, a: u32, b: u32, shape: Shape) -> Result<f32, PyErr> {
        let (x, y) = (self.numbers_or_zeros(a)?, self.numbers_or_zeros(b)?);
        // Without a distance, one of them was never added.
        self.forest.distance(a, b).or_else(|_| distance_of(&x, &y, shape))
    }

    /// The nearest items to a vector.
    pub(crate) fn search<'s>(
        &self,
        scratch: &'s mut ForestScratch,
        query: &[f32],
        wanted: SearchParams,
    ) -> Result<&'s [Neighbour], PyErr> {
        let mut search = Search::top(wanted.n.unwrap_or(self.items()));
        if let Some(candidates) = wanted.search_k {
            search = search.search_k(candidates);
        }
        self.forest.search_in(scratch, query, &search).map_err(search_error)
    }

    /// Counts searches that were made without a sketch; says whether it is time to make one, once.
    ///
    /// Making it costs about what looking at every item once does. So it is made when searches have cost as much: then it
    /// never costs more than twice what was needed.
    pub(crate) fn count(&self, searches: usize, wanted: SearchParams) -> bool {
        if self.sketched.load(Ordering::Relaxed) {
            return false;
        }
        let n = wanted.n.unwrap_or(self.items());
        let candidates = wanted.search_k.unwrap_or(n.saturating_mul(self.trees())).min(self.items()) as u64;
        let candidates = candidates.saturating_mul(searches as u64);
        let looked_at = self.looked_at.fetch_add(candidates, Ordering::Relaxed).saturating_add(candidates);
        looked_at > self.items() as u64 && !self.sketched.swap(true, Ordering::Relaxed)
    }

    /// The same forest with a sketch. Runs on the pool that it is called in.
    pub(crate) fn with_sketch(&self) -> Self {
        let forest = self.forest.clone().with_sketch::<Rayon>();
        Self { forest, home: Home::default(), loaded: self.loaded, sketched: true.into(), looked_at: 0.into() }
    }
}

/// Bytes as a forest.
fn forest_in(room: Room, shape: Shape) -> Result<AnyForest<Room>, OpenError> {
    let Shape { metric, dimensions } = shape;
    match metric {
        // The older layout first: it is that of every file that a published Annoy wrote.
        Metric::Dot if Forest::<DotLegacy, _>::open(room.clone(), dimensions).is_ok() => {
            Forest::open(room, dimensions).map(AnyForest::DotLegacy)
        }
        _ => AnyForest::open(room, metric, dimensions),
    }
}

pub(crate) fn open(path: &Path, length: Option<usize>, prefault: bool, shape: Shape) -> Result<AnyForest<Room>, PyErr> {
    let file = map(path, prefault).map_err(|error| cannot_open(path, &error))?;
    if file.as_ref().starts_with(&MAGIC) {
        return Err(bad_file(path, "is a packed index, not a forest: ohyeah.Index.open(path) opens it"));
    }
    let length = length.unwrap_or(file.as_ref().len());
    forest_in(Room::mapped(file, length, path), shape).map_err(|error| forest_error(path, &error))
}
