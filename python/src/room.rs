//! Where an index keeps its nodes.

use ohyeah::{BuildFile, MappedFile, NodeBuf, OutOfSpace, Storage};

/// In memory, in a file that is being built, or in the first bytes of one that is mapped.
pub(crate) enum Room {
    Memory(NodeBuf),
    Build(BuildFile),
    Mapped { file: MappedFile, length: usize },
}

impl Default for Room {
    fn default() -> Self {
        Self::Memory(NodeBuf::default())
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Memory(nodes) => nodes.as_ref(),
            Self::Build(file) => file.as_ref(),
            Self::Mapped { file, length } => file.as_ref().get(..*length).unwrap_or(&[]),
        }
    }
}

impl AsMut<[u8]> for Room {
    fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Memory(nodes) => nodes.as_mut(),
            Self::Build(file) => file.as_mut(),
            // Nothing is written to what is mapped to be read.
            Self::Mapped { .. } => &mut [],
        }
    }
}

impl Storage for Room {
    fn resize(&mut self, length: usize) -> Result<(), OutOfSpace> {
        match self {
            Self::Memory(nodes) => nodes.resize(length),
            Self::Build(file) => file.resize(length),
            Self::Mapped { .. } => Err(OutOfSpace),
        }
    }

    fn reserve(&mut self, length: usize) -> Result<(), OutOfSpace> {
        match self {
            Self::Memory(nodes) => nodes.reserve(length),
            Self::Build(file) => file.reserve(length),
            Self::Mapped { .. } => Err(OutOfSpace),
        }
    }
}
