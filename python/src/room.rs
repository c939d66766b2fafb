//! Where an index keeps its nodes.

use std::sync::{Arc, Mutex, PoisonError};

use ohyeah::{BuildFile, MappedFile, NodeBuf, OutOfSpace, Storage};

enum Place {
    Memory(NodeBuf),
    /// A file that is being built, by this process.
    Build {
        file: Option<BuildFile>,
        process: u32,
        /// It could not be made as long as was asked.
        full: bool,
    },
    /// The first bytes of a mapped file.
    Mapped {
        file: MappedFile,
        length: usize,
    },
}

/// The bytes of items, or of a forest. Clones share them, and bytes that are shared do not change.
///
/// Those of items come home when the items are dropped without becoming a forest: [`Home::items_left`] has them then. A build
/// takes the items by value and drops them where it fails.
pub(crate) struct Room {
    /// None after the bytes were taken, which is at the end.
    place: Option<Arc<Place>>,
    home: Option<Home>,
    /// The bytes are not shown until someone makes room for some: see [`Home::items_left`].
    hidden: bool,
}

/// Where the bytes of a [`Room`] go when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Home(Arc<Mutex<Option<Arc<Place>>>>);

impl Home {
    fn place(&self) -> Option<Arc<Place>> {
        // A panic cannot happen while this is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The bytes that came home, and whether they had no room to grow in their file.
    ///
    /// The room looks empty, and what it had is there again as soon as it is made longer. So new items in it that are given their
    /// last one have all the others too: `Items` can be made in a storage, but not of what is in it.
    pub(crate) fn items_left(&self) -> Option<(Room, bool)> {
        let place = self.place()?;
        let full = matches!(*place, Place::Build { full: true, .. });
        Some((Room { place: Some(place), home: Some(self.clone()), hidden: true }, full))
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
        Self::at(Place::Build { file: Some(file), process: std::process::id(), full: false }, Some(home))
    }

    pub(crate) fn mapped(file: MappedFile, length: usize) -> Self {
        Self::at(Place::Mapped { file, length }, None)
    }

    pub(crate) fn is_build(&self) -> bool {
        matches!(self.place.as_deref(), Some(Place::Build { .. }))
    }

    /// The file that is being built, to be given its name. None where it is none, or is shared.
    pub(crate) fn into_build(mut self) -> Option<BuildFile> {
        match Arc::get_mut(self.place.as_mut()?)? {
            Place::Build { file, .. } => file.take(),
            _ => None,
        }
    }

    fn unshared(&mut self) -> Option<&mut Place> {
        self.place.as_mut().and_then(Arc::get_mut)
    }

    /// Lets the place be made as long as is asked, by `change`.
    fn change(&mut self, change: impl FnOnce(&mut dyn Storage) -> Result<(), OutOfSpace>) -> Result<(), OutOfSpace> {
        match self.unshared().ok_or(OutOfSpace)? {
            Place::Memory(nodes) => change(nodes),
            Place::Build { file, full, .. } => {
                let changed = change(file.as_mut().ok_or(OutOfSpace)?);
                *full = changed.is_err();
                changed
            }
            Place::Mapped { .. } => Err(OutOfSpace),
        }
    }
}

impl Clone for Room {
    fn clone(&self) -> Self {
        Self { place: self.place.clone(), home: None, hidden: self.hidden }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            *home.0.lock().unwrap_or_else(PoisonError::into_inner) = self.place.take();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The file is the parent's: dropped here, it would be removed there.
        if let Self::Build { file, process, .. } = self
            && *process != std::process::id()
        {
            std::mem::forget(file.take());
        }
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        match self.place.as_deref() {
            _ if self.hidden => &[],
            Some(Place::Memory(nodes)) => nodes.as_ref(),
            Some(Place::Build { file: Some(file), .. }) => file.as_ref(),
            Some(Place::Mapped { file, length }) => file.as_ref().get(..*length).unwrap_or(&[]),
            Some(Place::Build { file: None, .. }) | None => &[],
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
            Some(Place::Build { file: Some(file), .. }) => file.as_mut(),
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
