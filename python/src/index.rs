//! An index as Annoy has it: one object that collects items, is built, saved, loaded and unloaded.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ohyeah::error::{ItemError, SearchError};
use ohyeah::{
    AnyForest, AnyItems, AtomicFile, BuildFile, BuildOptions, FileError, Items, MappedFile, Metric, Neighbour, NodeBuf,
    ParBuild, Rayon, Scratch, Search,
};
use pyo3::PyErr;
use pyo3::exceptions::{PyException, PyIndexError, PyMemoryError, PyOSError, PyValueError};

use crate::arguments::vector_error;
use crate::room::Room;

/// What a search looks for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// None: all there are.
    n: Option<usize>,
    /// None: as many candidates as Annoy would look at.
    search_k: Option<usize>,
}

impl Wanted {
    /// Of Annoy's numbers: −1 candidates are as many as it likes, and any other negative number is no limit.
    pub(crate) fn new(n: i32, search_k: i32) -> Self {
        let search_k = if search_k == -1 { None } else { Some(usize::try_from(search_k).unwrap_or(usize::MAX)) };
        Self { n: usize::try_from(n).ok(), search_k }
    }
}

pub(crate) struct Index {
    metric: Metric,
    dimensions: usize,
    seed: Option<u64>,
    state: State,
    /// Where it is built, if not in memory.
    in_file: Option<PathBuf>,
}

enum State {
    Items(AnyItems<Room>),
    /// `loaded`: the file was there before, so nothing can be changed.
    Forest {
        forest: AnyForest<Room>,
        loaded: bool,
        sketched: bool,
    },
    /// While one of the others is being made into another: an error on the way leaves an index without items.
    Nothing,
}

fn exception(text: &'static str) -> PyErr {
    PyException::new_err(text)
}

fn item_error(error: ItemError) -> PyErr {
    match error {
        ItemError::Vector(error) => vector_error(error),
        ItemError::OutOfMemory => PyMemoryError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

fn search_error(error: SearchError) -> PyErr {
    match error {
        SearchError::Vector(error) => vector_error(error),
        SearchError::NoSuchItem { .. } => PyIndexError::new_err("Item index larger than the largest item index"),
        _ => PyOSError::new_err(error.to_string()),
    }
}

/// As Annoy says it.
fn cannot_open(error: &io::Error) -> PyErr {
    let text = error.to_string();
    // "No such file or directory (os error 2)"
    let text = text.replace("(os error ", "(");
    PyOSError::new_err(format!("Unable to open: {text}"))
}

/// As Annoy says it where a folder is missing; else in words that say what to do.
fn cannot_write(error: &io::Error) -> PyErr {
    match error.kind() {
        io::ErrorKind::NotFound => PyOSError::new_err("Unable to open: No such file or directory (2)"),
        _ => PyOSError::new_err(error.to_string()),
    }
}

fn file_error(error: &FileError) -> PyErr {
    use ohyeah::error::OpenError;
    match error {
        FileError::Io(_, error) => cannot_open(error),
        FileError::Open(_, OpenError::Empty) => PyOSError::new_err("Size of file is zero"),
        FileError::Open(_, OpenError::PartialNode { .. }) => PyOSError::new_err(
            "Index size is not a multiple of vector size. Ensure you are opening using the same metric you used to create \
             the index.",
        ),
        other => PyOSError::new_err(other.to_string()),
    }
}

/// No items. Those of the dot product are laid out as all published versions of Annoy have it.
fn items_in(room: Room, metric: Metric, dimensions: usize) -> Result<AnyItems<Room>, PyErr> {
    let items = match metric {
        Metric::Dot => Items::new_in(room, dimensions).map(AnyItems::DotLegacy),
        _ => AnyItems::new_in(room, metric, dimensions),
    };
    items
        .map(|items| items.with_backend(ohyeah::backend().unwrap_or_else(|_| ohyeah::Backend::detect())))
        .map_err(item_error)
}

/// A file's first bytes as a forest; all of them where there is no length.
fn open(
    path: &Path,
    length: Option<usize>,
    prefault: bool,
    metric: Metric,
    dimensions: usize,
) -> Result<AnyForest<Room>, PyErr> {
    let map = if prefault { MappedFile::open_prefaulted(path) } else { MappedFile::open(path) };
    let file = map.map_err(|error| cannot_open(&error))?;
    let length = length.unwrap_or(file.as_ref().len());
    let room = || Room::Mapped { file: file.clone(), length };
    let forest = match metric {
        // The older layout first: it is that of every file that a published Annoy wrote.
        Metric::Dot => match ohyeah::Forest::open(room(), dimensions) {
            Ok(forest) => Ok(AnyForest::DotLegacy(forest)),
            Err(_) => AnyForest::open(room(), metric, dimensions),
        },
        _ => AnyForest::open(room(), metric, dimensions),
    };
    forest.map_err(|error| file_error(&FileError::Open(path.to_owned(), error)))
}

impl Index {
    pub(crate) fn new(metric: Metric, dimensions: usize) -> Result<Self, PyErr> {
        let state = State::Items(items_in(Room::default(), metric, dimensions)?);
        Ok(Self { metric, dimensions, seed: None, state, in_file: None })
    }

    pub(crate) fn items(&self) -> u32 {
        match &self.state {
            State::Items(items) => items.len(),
            State::Forest { forest, .. } => forest.items(),
            State::Nothing => 0,
        }
    }

    pub(crate) fn trees(&self) -> usize {
        if let State::Forest { forest, .. } = &self.state { forest.trees() } else { 0 }
    }

    pub(crate) fn size(&self) -> usize {
        if let State::Forest { forest, .. } = &self.state { forest.as_bytes().len() } else { 0 }
    }

    pub(crate) fn set_seed(&mut self, seed: u64) {
        self.seed = Some(seed);
    }

    pub(crate) fn add(&mut self, id: u32, vector: &[f32]) -> Result<(), PyErr> {
        match &mut self.state {
            State::Items(items) => items.add(id, vector).map_err(item_error),
            State::Forest { loaded: true, .. } => Err(exception("You can't add an item to a loaded index")),
            // Annoy writes over the trees here.
            _ => Err(exception("You can't add an item to a built index: call unbuild() first")),
        }
    }

    pub(crate) fn build(&mut self, trees: i32) -> Result<(), PyErr> {
        match self.state {
            State::Items(_) => {}
            State::Forest { loaded: true, .. } => return Err(exception("You can't build a loaded index")),
            _ => return Err(exception("You can't build a built index")),
        }
        let mut options = match (trees, usize::try_from(trees)) {
            (-1, _) => BuildOptions::auto(),
            (_, Ok(trees)) => BuildOptions::trees(trees),
            _ => {
                return Err(PyValueError::new_err(format!(
                    "{trees} trees: use -1 for as many as suit the items, or at least 0"
                )));
            }
        };
        if let Some(seed) = self.seed {
            options = options.seed(seed);
        }
        if trees == 0 && self.in_file.is_some() {
            return Err(PyOSError::new_err("an index without trees has no file: build some"));
        }
        if let State::Items(items) = std::mem::replace(&mut self.state, State::Nothing) {
            let forest = items.par_build(options).map_err(|error| PyMemoryError::new_err(error.to_string()));
            match forest.and_then(|forest| self.finish_file(forest)) {
                Ok(forest) => self.state = State::Forest { forest, loaded: false, sketched: true },
                Err(error) => {
                    // The items went into the forest: what is left is an empty index, which can be used again.
                    self.in_file = None;
                    self.state = State::Items(items_in(Room::default(), self.metric, self.dimensions)?);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Gives a file that was built in its name.
    fn finish_file(&self, forest: AnyForest<Room>) -> Result<AnyForest<Room>, PyErr> {
        if !matches!(forest.storage(), Room::Build(_)) {
            return Ok(forest);
        }
        let room = forest.into_storage();
        let Room::Build(file) = room else { return Err(exception("the storage of an index changed")) };
        let path = file.path().to_owned();
        file.commit().map_err(|error| cannot_write(&error))?;
        Ok(open(&path, None, false, self.metric, self.dimensions)?.with_sketch::<Rayon>())
    }

    pub(crate) fn unbuild(&mut self) -> Result<(), PyErr> {
        match std::mem::replace(&mut self.state, State::Nothing) {
            loaded @ State::Forest { loaded: true, .. } => {
                self.state = loaded;
                Err(exception("You can't unbuild a loaded index"))
            }
            State::Forest { forest, .. } => {
                let mut room = forest.into_storage();
                if let Room::Mapped { .. } = room {
                    room = Room::Memory(NodeBuf::copy_of(room.as_ref()));
                }
                let items = self.reopen(room)?.into_items();
                self.state = State::Items(items.map_err(|error| PyMemoryError::new_err(error.to_string()))?);
                // What was built in a file will be built in it again.
                match self.in_file.clone() {
                    Some(path) => self.build_in(&path),
                    None => Ok(()),
                }
            }
            state => {
                self.state = state;
                Ok(())
            }
        }
    }

    /// The forest in storage that had one.
    fn reopen(&self, room: Room) -> Result<AnyForest<Room>, PyErr> {
        let forest = match self.metric {
            Metric::Dot => ohyeah::Forest::open(room, self.dimensions).map(AnyForest::DotLegacy),
            metric => AnyForest::open(room, metric, self.dimensions),
        };
        forest.map_err(|error| PyOSError::new_err(error.to_string()))
    }

    pub(crate) fn build_in(&mut self, path: &Path) -> Result<(), PyErr> {
        let State::Items(items) = &self.state else {
            return Err(exception("You can't build a built or loaded index in a file: call unload() first"));
        };
        let file = BuildFile::create(path).map_err(|error| cannot_write(&error))?;
        let mut in_file = items_in(Room::Build(file), self.metric, self.dimensions)?;
        for id in 0..items.len() {
            if let Some(numbers) = items.numbers(id) {
                in_file.add(id, &numbers).map_err(item_error)?;
            }
        }
        self.state = State::Items(in_file);
        self.in_file = Some(path.to_owned());
        Ok(())
    }

    /// Saves the forest and whatever is to follow it in the file; then is the one that the file holds.
    pub(crate) fn save(&mut self, path: &Path, more: &[u8], prefault: bool) -> Result<(), PyErr> {
        let State::Forest { forest, .. } = &self.state else {
            return Err(PyOSError::new_err("You can't save an index that hasn't been built"));
        };
        let length = forest.as_bytes().len();
        if forest.trees() == 0 && forest.items() > 0 {
            return Err(PyOSError::new_err("an index without trees has no file: build some"));
        }
        // Annoy removes what was there first, and so it may lose both.
        let written = AtomicFile::create(path).and_then(|mut file| {
            file.write_all(forest.as_bytes())?;
            file.write_all(more)?;
            file.commit()
        });
        written.map_err(|error| cannot_write(&error))?;
        // What is no ordinary file, as /dev/null is not, cannot be mapped.
        if length > 0 && fs::metadata(path).is_ok_and(|file| file.is_file()) {
            let forest = open(path, Some(length), prefault, self.metric, self.dimensions)?;
            self.state = State::Forest { forest, loaded: true, sketched: false };
            (self.seed, self.in_file) = (None, None);
        }
        Ok(())
    }

    pub(crate) fn load(&mut self, path: &Path, length: Option<usize>, prefault: bool) -> Result<(), PyErr> {
        let forest = open(path, length, prefault, self.metric, self.dimensions)?;
        self.state = State::Forest { forest, loaded: true, sketched: false };
        self.in_file = None;
        Ok(())
    }

    pub(crate) fn unload(&mut self) -> Result<(), PyErr> {
        (self.seed, self.in_file) = (None, None);
        self.state = State::Items(items_in(Room::default(), self.metric, self.dimensions)?);
        Ok(())
    }

    /// The numbers of an item; zeros for an id that was never added, as Annoy has it.
    pub(crate) fn numbers(&self, id: u32) -> Result<Vec<f32>, PyErr> {
        if id >= self.items() {
            return Err(PyIndexError::new_err("Item index larger than the largest item index"));
        }
        let numbers = match &self.state {
            State::Items(items) => items.numbers(id),
            State::Forest { forest, .. } => forest.numbers(id),
            State::Nothing => None,
        };
        Ok(numbers.map_or_else(|| vec![0.0; self.dimensions], std::borrow::Cow::into_owned))
    }

    pub(crate) fn distance(&self, a: u32, b: u32) -> Result<f32, PyErr> {
        let (x, y) = (self.numbers(a)?, self.numbers(b)?);
        let distance = match &self.state {
            State::Items(items) => items.distance(a, b),
            State::Forest { forest, .. } => forest.distance(a, b),
            State::Nothing => Ok(0.0),
        };
        distance.or_else(|_| {
            // One of them was never added.
            let mut two = items_in(Room::default(), self.metric, self.dimensions)?;
            two.add(0, &x).and_then(|()| two.add(1, &y)).map_err(item_error)?;
            two.distance(0, 1).map_err(search_error)
        })
    }

    /// The nearest items to a vector. There are none before the index is built.
    pub(crate) fn search<'s>(
        &self,
        scratch: &'s mut Scratch,
        query: &[f32],
        wanted: Wanted,
    ) -> Result<&'s [Neighbour], PyErr> {
        match &self.state {
            State::Forest { forest, .. } => {
                let mut search = Search::top(wanted.n.unwrap_or(forest.items() as usize));
                if let Some(candidates) = wanted.search_k {
                    search = search.search_k(candidates);
                }
                forest.search_in(scratch, query, &search).map_err(search_error)
            }
            _ if query.len() == self.dimensions => Ok(&[]),
            _ => Err(crate::arguments::wrong_length(self.dimensions, query.len())),
        }
    }

    /// How many candidates searches may look at before a sketch is worth its making; none where there is one, or nothing
    /// to search.
    ///
    /// Making it costs about what looking at every item once does. So it is made when searches have cost as much: then it
    /// never costs more than twice what was needed.
    pub(crate) fn unsketched(&self, wanted: Wanted) -> Option<(u64, u64)> {
        match &self.state {
            State::Forest { forest, sketched: false, .. } => {
                let n = wanted.n.unwrap_or(forest.items() as usize);
                let candidates =
                    wanted.search_k.unwrap_or(n.saturating_mul(forest.trees())).min(forest.items() as usize);
                Some((candidates as u64, u64::from(forest.items())))
            }
            _ => None,
        }
    }

    pub(crate) fn sketch(&mut self) {
        // Without one searches are slower, and that is all.
        let Ok(pool) = crate::own_pool() else { return };
        match std::mem::replace(&mut self.state, State::Nothing) {
            State::Forest { forest, loaded, sketched: false } => {
                let forest = pool.install(|| forest.with_sketch::<Rayon>());
                self.state = State::Forest { forest, loaded, sketched: true };
            }
            state => self.state = state,
        }
    }
}
