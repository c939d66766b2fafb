//! Where an index keeps its nodes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ohyeah::forest::{NodeBuf, OutOfSpace, Storage};
use ohyeah::{BuildFile, MappedFile};
use pyo3::PyErr;
use pyo3::exceptions::PyMemoryError;

use crate::exceptions::ENOSPC;

enum Place {
    Memory(NodeBuf),
    /// A file that is being built; none after it was taken to be given its name.
    Build(Option<BuildFile>),
    /// The first bytes of a mapped file.
    Mapped {
        file: MappedFile,
        length: usize,
        /// From the root.
        path: PathBuf,
    },
}

/// The bytes of items, or of a forest. Clones share them, and bytes that are shared do not change.
///
/// Those of items come home when the items are dropped without becoming a forest: [`Home::items_left`] has them then. A build
/// takes the items by value and drops them where it fails or is interrupted.
pub(crate) struct Room {
    /// None after the bytes were taken, which is at the end.
    place: Option<Arc<Place>>,
    home: Option<Home>,
    /// The bytes are not shown until someone makes room for some: see [`Home::items_left`].
    hidden: bool,
}

/// Where the bytes of a [`Room`] go when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Home(Arc<Inner>);

#[derive(Default)]
struct Inner {
    place: Mutex<Option<Arc<Place>>>,
    /// Items do not show the storage that they are in, so the reason is kept here. 0 is none.
    refusal: AtomicI32,
}

impl Home {
    fn swap(&self, place: Option<Arc<Place>>) -> Option<Arc<Place>> {
        // A panic cannot happen while this is locked.
        std::mem::replace(&mut *self.0.place.lock().unwrap_or_else(PoisonError::into_inner), place)
    }

    /// The system's number for the reason why a file was not made longer, if that was the last thing asked of it.
    pub(crate) fn refusal(&self) -> Option<i32> {
        Some(self.0.refusal.load(Ordering::Relaxed)).filter(|number| *number != 0)
    }

    /// The bytes that came home.
    ///
    /// The room looks empty, and what it had is there again as soon as it is made longer. So new items in it that are given their
    /// last one have all the others too: `Items` can be made in a storage, but not of what is in it.
    pub(crate) fn items_left(&self) -> Option<Room> {
        let place = self.swap(None).filter(|place| !matches!(**place, Place::Build(None)))?;
        Some(Room { place: Some(place), home: Some(self.clone()), hidden: true })
    }
}

impl Room {
    fn at(place: Place, home: Option<&Home>) -> Self {
        Self { place: Some(Arc::new(place)), home: home.cloned(), hidden: false }
    }

    pub(crate) fn memory(home: &Home) -> Self {
        Self::at(Place::Memory(NodeBuf::default()), Some(home))
    }

    pub(crate) fn build(file: BuildFile, home: &Home) -> Self {
        Self::at(Place::Build(Some(file)), Some(home))
    }

    pub(crate) fn mapped(file: MappedFile, length: usize, path: &Path) -> Self {
        // A process may go to another folder later.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self::at(Place::Mapped { file, length, path }, None)
    }

    /// A copy of bytes, in memory.
    pub(crate) fn of(bytes: &[u8], home: &Home) -> Result<Self, PyErr> {
        let mut nodes = NodeBuf::default();
        let no_memory = |_| PyMemoryError::new_err("no memory for the index");
        nodes.resize(bytes.len()).map_err(no_memory)?;
        nodes.as_mut().copy_from_slice(bytes);
        Ok(Self::at(Place::Memory(nodes), Some(home)))
    }

    /// The file that is mapped, and how many of its first bytes these are.
    pub(crate) fn file(&self) -> Option<(&Path, usize)> {
        match self.place.as_deref() {
            Some(Place::Mapped { path, length, .. }) => Some((path, *length)),
            _ => None,
        }
    }

    pub(crate) fn is_build(&self) -> bool {
        matches!(self.place.as_deref(), Some(Place::Build(_)))
    }

    /// The file that is being built, to be given its name. None where it is none, or is shared.
    pub(crate) fn into_build(mut self) -> Option<BuildFile> {
        match Arc::get_mut(self.place.as_mut()?)? {
            Place::Build(file) => file.take(),
            _ => None,
        }
    }

    fn unshared(&mut self) -> Option<&mut Place> {
        self.place.as_mut().and_then(Arc::get_mut)
    }

    /// Lets the place be made as long as is asked, by `change`.
    fn change(&mut self, change: impl FnOnce(&mut dyn Storage) -> Result<(), OutOfSpace>) -> Result<(), OutOfSpace> {
        match self.place.as_mut().and_then(Arc::get_mut).ok_or(OutOfSpace)? {
            Place::Memory(nodes) => change(nodes),
            Place::Build(file) => {
                let file = file.as_mut().ok_or(OutOfSpace)?;
                let changed = change(file);
                if let Some(home) = &self.home {
                    let refusal = file.refusal().filter(|_| changed.is_err());
                    home.0.refusal.store(refusal.map_or(0, number), Ordering::Relaxed);
                }
                changed
            }
            Place::Mapped { .. } => Err(OutOfSpace),
        }
    }
}

/// The system's number of an error; that of a full disk where it has none, as where a write ends early.
fn number(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(ENOSPC)
}

impl Clone for Room {
    fn clone(&self) -> Self {
        Self { place: self.place.clone(), home: None, hidden: self.hidden }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.swap(self.place.take());
        }
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        match self.place.as_deref() {
            _ if self.hidden => &[],
            Some(Place::Memory(nodes)) => nodes.as_ref(),
            Some(Place::Build(Some(file))) => file.as_ref(),
            Some(Place::Mapped { file, length, .. }) => file.as_ref().get(..*length).unwrap_or(&[]),
            Some(Place::Build(None)) | None => &[],
        }
    }
}

impl AsMut<[u8]> for Room {
    fn as_mut(&mut self) -> &mut [u8] {
        if self.hidden {
            return &mut [];
        }
        match self.unshared() {
            Some(Place::Memory(nodes)) => nodes.as_mut(),
            Some(Place::Build(Some(file))) => file.as_mut(),
            // Nothing is written to what is mapped to be read, or shared.
            _ => &mut [],
        }
    }
}

impl Storage for Room {
    fn resize(&mut self, length: usize) -> Result<(), OutOfSpace> {
        if self.hidden && length == 0 {
            return Ok(());
        }
        self.change(|place| place.resize(length))?;
        self.hidden = false;
        Ok(())
    }

    fn reserve(&mut self, length: usize) -> Result<(), OutOfSpace> {
        self.change(|place| place.reserve(length))
    }
}
