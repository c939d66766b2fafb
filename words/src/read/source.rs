//! Bytes from anywhere, in large pieces, unpacked on the way.

use std::{
    io::{self, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

use super::error::ReadErrorKind;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes of a file of vectors after decompression.
pub(super) struct Source<'a> {
    /// Bytes that were looked at and put back.
    held: Cursor<Vec<u8>>,
    reader: Box<dyn Read + Send + 'a>,
    pub(super) gzip: bool,
    /// Bytes of the file itself, packed or not, that were taken so far.
    taken: Arc<AtomicU64>,
    /// Bytes that were handed on.
    given: u64,
}

impl<'a> Source<'a> {
    pub(super) fn new(reader: impl Read + Send + 'a) -> Result<Self, ReadErrorKind> {
        let taken = Arc::new(AtomicU64::new(0));
        let mut reader = Counted { reader, taken: Arc::clone(&taken) };
        let mut magic = Vec::with_capacity(GZIP.len());
        // A pipe may give one byte at a time, so peeking into a buffer is not enough.
        reader.by_ref().take(GZIP.len() as u64).read_to_end(&mut magic).map_err(ReadErrorKind::Io)?;
        let gzip = magic == GZIP;
        let reader = Cursor::new(magic).chain(reader);
        let reader: Box<dyn Read + Send + 'a> = if gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, reader)))
        } else {
            Box::new(reader)
        };
        Ok(Self { held: Cursor::default(), reader, gzip, taken, given: 0 })
    }

    /// Adds up to `most` bytes to `block`, and fewer only at the end. Returns how many.
    pub(super) fn read(&mut self, block: &mut Vec<u8>, most: usize) -> Result<usize, ReadErrorKind> {
        let before = block.len();
        let result = self.held.by_ref().chain(self.reader.by_ref()).take(most as u64).read_to_end(block);
        self.given += (block.len() - before) as u64;
        match result {
            Ok(read) => Ok(read),
            Err(error) if self.gzip && is_about_content(&error) => {
                Err(ReadErrorKind::Gzip { after: self.given, error })
            }
            Err(error) => Err(ReadErrorKind::Io(error)),
        }
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
        self.taken.load(Ordering::Relaxed)
    }
}

fn is_about_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

struct Counted<R> {
    reader: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
