//! Items that are collected: from which trees are built, and which are left when the trees are taken away.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use ohyeah::{AnyForest, AnyItems, BuildFile, BuildOptions, Items, Metric, ParBuild, Rayon};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use crate::exceptions::{cannot_write, disk_full, exception, item_error, no_such_item, search_error};
use crate::index::State;
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
        .map_err(|error| item_error(error, None))
}

/// The distance of two vectors.
pub(crate) fn distance_of(x: &[f32], y: &[f32], shape: Shape) -> Result<f32, PyErr> {
    let mut two = items_in(Room::memory(&Home::default()), shape)?;
    two.add(0, x).and_then(|()| two.add(1, y)).map_err(|error| item_error(error, None))?;
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
        ids: u32,
        numbers: impl Fn(u32) -> Option<Cow<'n, [f32]>>,
    ) -> PyResult<Self> {
        let home = Home::default();
        let mut items = items_in(room(&home), shape)?;
        for id in 0..ids {
            if let Some(numbers) = numbers(id) {
                items.add(id, &numbers).map_err(|error| item_error(error, in_file))?;
            }
        }
        Ok(Self { items, home })
    }

    pub(crate) fn numbers_or_zeros(&self, id: u32) -> PyResult<Vec<f32>> {
        if id >= self.items.len() {
            return Err(no_such_item());
        }
        let zeros = || vec![0.0; self.items.dimensions()];
        Ok(self.items.numbers(id).map_or_else(zeros, Cow::into_owned))
    }

    /// Grows trees on the pool that it is called in: what is there then. Where it fails, that are the items as before, unless
    /// their file is gone.
    pub(crate) fn build(
        self,
        options: BuildOptions<'_>,
        shape: Shape,
        in_file: Option<&Path>,
    ) -> (Option<State>, PyResult<()>) {
        let Self { items, home } = self;
        let last = items.len().checked_sub(1).and_then(|id| Some((id, items.numbers(id)?.into_owned())));
        let error = match items.par_build(options) {
            Ok(forest) => match finish_file(forest, shape) {
                Ok(forest) => return (Some(State::Trees(Arc::new(Trees::built(forest, home)))), Ok(())),
                Err(error) => error,
            },
            Err(error) => PyMemoryError::new_err(error.to_string()),
        };
        // The build has dropped the items, and so their bytes came home.
        let Some((room, full)) = home.items_left() else { return (None, Err(error)) };
        let again = items_in(room, shape).ok().and_then(|mut items| {
            if let Some((id, numbers)) = last {
                items.add(id, &numbers).ok()?;
            }
            Some(State::Items(Self { items, home }))
        });
        match in_file {
            Some(path) if full => (again, Err(disk_full(path))),
            _ => (again, Err(error)),
        }
    }
}

/// Gives a file that was built in its name.
fn finish_file(forest: AnyForest<Room>, shape: Shape) -> PyResult<AnyForest<Room>> {
    if !forest.storage().is_build() {
        return Ok(forest);
    }
    let file = forest.into_storage().into_build().ok_or_else(|| exception("the file of an index is gone"))?;
    let path = file.path().to_owned();
    file.commit().map_err(|error| cannot_write(&path, &error))?;
    Ok(open(&path, None, false, shape)?.with_sketch::<Rayon>())
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
