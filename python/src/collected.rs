//! Items that are collected: from which trees are built, and which are left when the trees are taken away.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use ohyeah::forest::{AnyForest, AnyItems, BuildError, ItemError, Items};
use ohyeah::{BuildFile, Metric, Rayon};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use crate::exceptions::{cannot_grow, cannot_write, exception, item_error, no_such_item, search_error};
use crate::room::{Home, Room};
use crate::trees::{Trees, open};

/// What an index's vectors are.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) metric: Metric,
    pub(crate) dimensions: usize,
}

pub(crate) struct Collected {
    pub(crate) items: AnyItems<Room>,
    home: Home,
}

/// No items. Those of the dot product are laid out as all published versions of Annoy have it.
fn items_in(room: Room, shape: Shape) -> Result<AnyItems<Room>, PyErr> {
    let items = match shape.metric {
        Metric::Dot => Items::new_in(room, shape.dimensions).map(AnyItems::DotLegacy),
        metric => AnyItems::new_in(room, metric, shape.dimensions),
    };
    items
        .map(|items| items.with_backend(ohyeah::backend().unwrap_or_else(|_| ohyeah::Backend::detect())))
        .map_err(item_error)
}

/// The distance of two vectors.
pub(crate) fn distance_of(x: &[f32], y: &[f32], shape: Shape) -> Result<f32, PyErr> {
    let mut two = items_in(Room::memory(&Home::default()), shape)?;
    two.add(0, x).and_then(|()| two.add(1, y)).map_err(item_error)?;
    two.distance(0, 1).map_err(search_error)
}

impl Collected {
    pub(crate) fn new(shape: Shape) -> PyResult<Self> {
        let home = Home::default();
        Ok(Self { items: items_in(Room::memory(&home), shape)?, home })
    }

    /// The same items in other room. What `numbers` has none for was never added.
    pub(crate) fn copy<'n>(
        room: impl FnOnce(&Home) -> Room,
        shape: Shape,
        in_file: Option<&Path>,
        ids: usize,
        numbers: impl Fn(u32) -> Option<Cow<'n, [f32]>>,
    ) -> PyResult<Self> {
        let home = Home::default();
        let mut copy = Self { items: items_in(room(&home), shape)?, home };
        for id in 0..ids as u32 {
            if let Some(numbers) = numbers(id) {
                copy.add(id, &numbers, in_file)?;
            }
        }
        Ok(copy)
    }

    /// `in_file`: where the items are kept, if not in memory.
    pub(crate) fn add(&mut self, id: u32, vector: &[f32], in_file: Option<&Path>) -> PyResult<()> {
        self.items.add(id, vector).map_err(|error| match (error, in_file, self.home.refusal()) {
            (ItemError::OutOfMemory, Some(path), Some(number)) => cannot_grow(path, number),
            (error, ..) => item_error(error),
        })
    }

    pub(crate) fn numbers_or_zeros(&self, id: u32) -> PyResult<Vec<f32>> {
        if id as usize >= self.items.len() {
            return Err(no_such_item());
        }
        let zeros = || vec![0.0; self.items.dimensions()];
        Ok(self.items.numbers(id).map_or_else(zeros, Cow::into_owned))
    }

    /// The items, for a build to take, and what brings them back where it gives none.
    pub(crate) fn lend(self, shape: Shape) -> (AnyItems<Room>, Lent) {
        let Self { items, home } = self;
        let last = items.len().checked_sub(1).map(|id| id as u32);
        let last = last.and_then(|id| Some((id, items.numbers(id)?.into_owned())));
        (items, Lent { home, last, shape })
    }
}

/// Items that a build has taken.
pub(crate) struct Lent {
    home: Home,
    last: Option<(u32, Vec<f32>)>,
    shape: Shape,
}

impl Lent {
    /// The trees that were built; a file that they were built in gets its name. Runs on the pool that it is called in.
    pub(crate) fn trees(&self, forest: AnyForest<Room>) -> PyResult<Trees> {
        let forest = if forest.storage().is_build() { self.named(forest)? } else { forest };
        Ok(Trees::built(forest, self.home.clone()))
    }

    fn named(&self, forest: AnyForest<Room>) -> PyResult<AnyForest<Room>> {
        let file = forest.into_storage().into_build().ok_or_else(|| exception("the file of an index is gone"))?;
        let path = file.path().to_owned();
        file.commit().map_err(|failed| {
            let error = cannot_write(&path, failed.io_error());
            // Dropped, it comes home, and its items with it.
            drop(failed.into_file().map(|file| Room::build(file, &self.home)));
            error
        })?;
        Ok(open(&path, None, false, self.shape)?.with_sketch::<Rayon>())
    }

    /// `in_file`: where it was built, if not in memory.
    pub(crate) fn build_error(&self, error: &BuildError, in_file: Option<&Path>) -> PyErr {
        match (error, in_file, self.home.refusal()) {
            (BuildError::OutOfMemory, Some(path), Some(number)) => cannot_grow(path, number),
            _ => PyMemoryError::new_err(error.to_string()),
        }
    }

    /// The items as before, after a build that has dropped them. None where they are gone with their file.
    pub(crate) fn items(self) -> Option<Collected> {
        let mut items = items_in(self.home.items_left()?, self.shape).ok()?;
        if let Some((id, numbers)) = self.last {
            items.add(id, &numbers).ok()?;
        }
        Some(Collected { items, home: self.home })
    }
}

/// The items alone: in a file, or in memory. Where that fails, the trees are there as before.
pub(crate) fn without_trees(
    trees: Arc<Trees>,
    shape: Shape,
    in_file: Option<&Path>,
) -> Result<Collected, (PyErr, Option<Arc<Trees>>)> {
    let copy = |trees: &Trees, file: Option<BuildFile>| {
        let room = |home: &Home| match file {
            Some(file) => Room::build(file, home),
            None => Room::memory(home),
        };
        Collected::copy(room, shape, in_file, trees.items(), |id| trees.numbers(id))
    };
    let trees = match in_file {
        Some(path) => {
            let file = BuildFile::create(path).map_err(|error| cannot_write(path, &error));
            return file.and_then(|file| copy(&trees, Some(file))).map_err(|error| (error, Some(trees)));
        }
        None => trees,
    };
    match Arc::try_unwrap(trees) {
        Ok(trees) => {
            let (forest, home) = trees.into_parts();
            let items = forest.into_items().map_err(|error| (PyMemoryError::new_err(error.to_string()), None))?;
            Ok(Collected { items, home })
        }
        // Searches look at them now.
        Err(trees) => copy(&trees, None).map_err(|error| (error, Some(trees))),
    }
}
