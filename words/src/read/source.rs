//! Bytes from anywhere, in large pieces, unpacked on the way.

use std::{
    io::{self, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{Compression, error::ReadErrorKind};

/// Bytes of a file of vectors after decompression.
pub(super) struct Source<'a> {
    /// Bytes that were looked at and put back.
    held: Cursor<Vec<u8>>,
    reader: Box<dyn Read + Send + 'a>,
    pub(super) compression: Option<Compression>,
    below: Arc<Below>,
    /// Bytes that were handed on.
    given: u64,
}

/// What is known of the reader below the decompressor.
#[derive(Default)]
struct Below {
    /// Bytes of the file itself, packed or not, that were taken so far.
    taken: AtomicU64,
    /// Whether the system failed to read. What a decompressor makes of that would look like damage.
    failed: AtomicBool,
}

impl<'a> Source<'a> {
    pub(super) fn new(reader: impl Read + Send + 'a) -> Result<Self, ReadErrorKind> {
        let below = Arc::<Below>::default();
        let mut reader = Watched { reader, below: Arc::clone(&below) };
        let mut start = Vec::with_capacity(Compression::LONGEST_MARK);
        // A pipe may give one byte at a time, so peeking into a buffer is not enough.
        let most = Compression::LONGEST_MARK as u64;
        reader.by_ref().take(most).read_to_end(&mut start).map_err(ReadErrorKind::Io)?;
        let compression = Compression::of(&start);
        let reader = Cursor::new(start).chain(reader);
        let reader: Box<dyn Read + Send + 'a> = match compression {
            Some(compression) => compression.unpack(BufReader::with_capacity(1 << 16, reader)),
            None => Box::new(reader),
        };
        Ok(Self { held: Cursor::default(), reader, compression, below, given: 0 })
    }

    /// Adds up to `most` bytes to `block`, and fewer only at the end. Returns how many.
    pub(super) fn read(&mut self, block: &mut Vec<u8>, most: usize) -> Result<usize, ReadErrorKind> {
        let before = block.len();
        let result = self.held.by_ref().chain(self.reader.by_ref()).take(most as u64).read_to_end(block);
        self.given += (block.len() - before) as u64;
        result.map_err(|error| match self.compression {
            Some(compression) if !self.below.failed.load(Ordering::Relaxed) => {
                ReadErrorKind::Packed { compression, after: self.given, error }
            }
            _ => ReadErrorKind::Io(error),
        })
    }

    /// Puts back the end of what was read, to be read again.
    pub(super) fn put_back(&mut self, bytes: Vec<u8>) {
        self.given -= bytes.len() as u64;
        self.held = Cursor::new(bytes);
    }

    pub(super) fn given(&self) -> u64 {
        self.given
    }

    pub(super) fn taken(&self) -> u64 {
        self.below.taken.load(Ordering::Relaxed)
    }
}

struct Watched<R> {
    reader: R,
    below: Arc<Below>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(read) => {
                self.below.taken.fetch_add(read as u64, Ordering::Relaxed);
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.below.failed.store(true, Ordering::Relaxed);
                }
                Err(error)
            }
        }
    }
}
