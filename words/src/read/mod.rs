//! Reading files of word vectors.
//!
//! A file is a stream of blocks of a few megabytes: while all threads parse one, the next is read and unpacked. So the
//! memory is that of the matrix and two blocks, whatever the size of the file, packed or not, and pipes work as files do.
//! What a block leaves of an unfinished row is put in front of the next one.
//!
//! Nothing that a header says is believed before there are bytes to back it: room for the matrix is made at once only when
//! the size of the file allows for what the header promises, and grows with the rows otherwise.

mod binary;
mod error;
mod fields;
mod foreign;
mod sniff;
mod source;
mod spaced;
mod table;
mod text;
mod unpack;
mod warnings;

use std::{fmt, fs::File, io::Read, path::Path};

use ohyeah::Cancel;

pub(crate) use self::sniff::text_or_binary;
pub(crate) use self::spaced::{End as EndOfWord, Rows as BinaryRows};
pub use self::{
    error::{Dimensions, Place, ReadError, ReadErrorKind},
    foreign::Foreign,
    unpack::Compression,
    warnings::Warnings,
};
use self::{sniff::Layout, source::Source, table::Table};
use crate::{Format, WordVectors};

/// Enough for the first row, by which formats are told apart.
pub(crate) const SAMPLE: usize = 1 << 18;
const BLOCK: usize = 1 << 22;

/// How to read a file of word vectors: word2vec's binary and text formats, GloVe's text, each plain or packed with
/// gzip, Zstandard, xz or bzip2.
///
/// Which of them it is comes from the content, not from the name.
///
/// # Examples
///
/// ```
/// use ohyeah_words::{Format, Reader};
///
/// let glove = "cat 1 0.1\ndog 0.9 0.2\ncar 0.1 1\n";
/// let loaded = Reader::new().limit(2).read_slice(glove.as_bytes())?;
/// assert_eq!(loaded.format, Format::Text);
/// assert!(!loaded.header);
/// assert_eq!(loaded.vectors.words().collect::<Vec<_>>(), ["cat", "dog"]);
/// # Ok::<(), ohyeah_words::ReadError>(())
/// ```
pub struct Reader<'p> {
    limit: Option<u64>,
    lossy: bool,
    format: Option<Format>,
    block: usize,
    progress: Option<Box<dyn FnMut(Progress) + 'p>>,
    cancel: Cancel<'p>,
}

/// What was read, and what there is to say about it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The words and their vectors.
    pub vectors: WordVectors,
    /// What the caller may want to tell the user.
    pub warnings: Warnings,
    /// Text or binary.
    pub format: Format,
    /// How the file was packed, if it was.
    pub compression: Option<Compression>,
    /// Whether the file has a header; GloVe's have none.
    pub header: bool,
}

/// How far reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the file that were read, packed if it is.
    pub bytes: u64,
    /// Size of the file, if it has one: a pipe does not.
    pub total: Option<u64>,
    /// Rows that were read.
    pub rows: u64,
}

/// What is left when the rows are read.
struct Rest {
    /// Bytes behind the last row, as far as they were read.
    bytes: Vec<u8>,
    /// How many bytes the last read gave, or what is wrong with the file there.
    read: Result<usize, ReadErrorKind>,
}

/// Rows that are found in blocks of bytes.
trait Records {
    /// Adds the whole rows at the front of `block` to `table` and returns how many bytes they take. With `last`, no bytes
    /// come after these, and what is left is the end of the last row.
    fn parse(&mut self, block: &[u8], last: bool, table: &mut Table) -> Result<usize, ReadErrorKind>;

    /// Rows still wanted; `None` when the end of the file decides.
    fn remaining(&self) -> Option<u64>;

    /// Rows passed so far.
    fn rows(&self) -> u64;
}

impl Default for Reader<'_> {
    fn default() -> Self {
        Self { limit: None, lossy: false, format: None, block: BLOCK, progress: None, cancel: Cancel::NEVER }
    }
}

impl<'p> Reader<'p> {
    /// All rows, words in strict UTF-8, the format found out.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads no more than the first `rows` rows. Files are usually sorted by frequency, so these are the common words.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Replaces what is not UTF-8 in a word by U+FFFD instead of failing. word2vec's own tool cuts long words anywhere, also
    /// in the middle of a character.
    #[must_use]
    pub fn lossy(mut self, lossy: bool) -> Self {
        self.lossy = lossy;
        self
    }

    /// Reads the rows in this format instead of finding it out.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Calls `report` after every few megabytes.
    #[must_use]
    pub fn on_progress(mut self, report: impl FnMut(Progress) + 'p) -> Self {
        self.progress = Some(Box::new(report));
        self
    }

    /// Ends soon, with an error, once this is set.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel<'p>) -> Self {
        self.cancel = cancel;
        self
    }

    /// The size of a block, so that tests can cut rows at every byte.
    #[doc(hidden)]
    #[must_use]
    pub fn block(mut self, bytes: usize) -> Self {
        self.block = bytes.max(1);
        self
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// [`ReadError`], which names the file, the line or row, and what to do.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Loaded, ReadError> {
        let path = path.as_ref();
        let open = || {
            let file = File::open(path).map_err(ReadErrorKind::Io)?;
            let metadata = file.metadata().map_err(ReadErrorKind::Io)?;
            if let (true, Some(kind)) = (metadata.is_dir(), Foreign::of_folder(path)) {
                return Err(ReadErrorKind::Foreign(kind));
            }
            let size = metadata.is_file().then_some(metadata.len());
            self.run(file, size)
        };
        open().map_err(|kind| ReadError::from(kind).named(path))
    }

    /// Reads a stream of bytes, such as a pipe, to the last row.
    ///
    /// # Errors
    ///
    /// [`ReadError`], which names the line or row and what to do.
    pub fn read(self, reader: impl Read + Send) -> Result<Loaded, ReadError> {
        self.run(reader, None).map_err(ReadError::from)
    }

    /// Reads a file that is in memory. Takes no more memory than a small multiple of what is (un)packed in it, also when
    /// the bytes are not a file of vectors at all.
    ///
    /// # Errors
    ///
    /// [`ReadError`], which names the line or row and what to do.
    pub fn read_slice(self, bytes: &[u8]) -> Result<Loaded, ReadError> {
        self.run(bytes, Some(bytes.len() as u64)).map_err(ReadError::from)
    }

    fn run(mut self, reader: impl Read + Send, size: Option<u64>) -> Result<Loaded, ReadErrorKind> {
        let mut source = Source::new(reader)?;
        let mut sample = Vec::new();
        source.read(&mut sample, SAMPLE)?;
        let layout = sniff::sniff(&sample, self.format)?;
        let mut table = Table::new(layout.dimensions);
        if let (None, Some(size)) = (source.compression, size) {
            table.reserve(self.rows_backed_by(size, &layout)?)?;
        }
        sample.drain(..layout.start);
        source.put_back(sample);
        match layout.format {
            Format::Text => {
                let mut text = text::Text {
                    dimensions: layout.dimensions,
                    source: layout.source(),
                    lossy: self.lossy,
                    newline: layout.newline,
                    remaining: self.wanted(&layout),
                    lines: u64::from(layout.words.is_some()),
                    rows: 0,
                };
                let rest = self.pump(&mut source, &mut text, &mut table, size)?;
                self.check_end(&layout, text.rows, rest, &mut source, &mut table)?;
            }
            Format::Binary => {
                let expected = layout.words.unwrap_or_default();
                let mut binary = binary::Binary {
                    dimensions: layout.dimensions,
                    lossy: self.lossy,
                    remaining: self.wanted(&layout).unwrap_or_default(),
                    expected,
                    rows: 0,
                    offset: layout.start as u64,
                };
                let rest = self.pump(&mut source, &mut binary, &mut table, size)?;
                self.check_end(&layout, binary.rows, rest, &mut source, &mut table)?;
            }
        }
        let (vectors, warnings) = table.finish();
        Ok(Loaded {
            vectors,
            warnings,
            format: layout.format,
            compression: source.compression,
            header: layout.words.is_some(),
        })
    }

    fn wanted(&self, layout: &Layout) -> Option<u64> {
        match (layout.words, self.limit) {
            (Some(words), Some(limit)) => Some(words.min(limit)),
            (words, limit) => words.or(limit),
        }
    }

    /// The rows for which there is room in a file of `size` bytes; refuses a header that promises more.
    fn rows_backed_by(&self, size: u64, layout: &Layout) -> Result<u64, ReadErrorKind> {
        // A word of one byte and a space; or, in text, a separator and a digit for each number and the end of the line.
        let dimensions = layout.dimensions as u128;
        let row = match layout.format {
            Format::Binary => 2 + 4 * dimensions,
            Format::Text => 1 + 2 * dimensions,
        };
        let backed = u128::from(size - (layout.start as u64).min(size)) + 1;
        let Some(words) = layout.words else { return Ok(0) };
        let wanted = self.limit.map_or(words, |limit| words.min(limit));
        // The last line may lack its end, hence the byte more.
        let needed = u128::from(wanted).saturating_mul(row);
        if needed > backed {
            let needed = needed.saturating_add(layout.start as u128);
            return Err(ReadErrorKind::HeaderTooLarge {
                words: wanted,
                dimensions: layout.dimensions as u64,
                needed,
                size,
            });
        }
        Ok(wanted)
    }

    /// Drives blocks through `records` until they have what they want or the bytes end.
    fn pump<R: Records + Send>(
        &mut self,
        source: &mut Source<'_>,
        records: &mut R,
        table: &mut Table,
        total: Option<u64>,
    ) -> Result<Rest, ReadErrorKind> {
        let (mut block, mut ahead) = (Vec::new(), Vec::new());
        let mut last = false;
        loop {
            if self.cancel.is_set() {
                return Err(ReadErrorKind::Cancelled);
            }
            let mut parse = || records.parse(&block, last, table);
            let (read, parsed) =
                if last { (Ok(0), parse()) } else { rayon::join(|| source.read(&mut ahead, self.block), parse) };
            // What was parsed comes first in the file, so its error comes first too.
            block.drain(..parsed?);
            if records.remaining() == Some(0) || last {
                block.append(&mut ahead);
                return Ok(Rest { bytes: block, read });
            }
            last = read? == 0;
            block.append(&mut ahead);
            if let Some(report) = &mut self.progress {
                report(Progress { bytes: source.taken(), total, rows: records.rows() });
            }
        }
    }

    /// Compares what was there with what the header promised.
    fn check_end(
        &self,
        layout: &Layout,
        rows: u64,
        Rest { bytes: mut rest, read }: Rest,
        source: &mut Source<'_>,
        table: &mut Table,
    ) -> Result<(), ReadErrorKind> {
        let Some(expected) = layout.words else { return Ok(()) };
        let wanted = self.limit.map_or(expected, |limit| expected.min(limit));
        if rows < wanted {
            return Err(ReadErrorKind::Truncated { rows, expected, byte: source.given() });
        }
        if rows == expected {
            // White space is no sign of a wrong header. What is packed is read to its end, wherever the rows end: the
            // checksum that vouches for them stands there, and only there.
            read?;
            loop {
                table.warnings.trailing |= !text::is_blank(&rest);
                rest.clear();
                if (table.warnings.trailing && source.compression.is_none()) || source.read(&mut rest, self.block)? == 0
                {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, lossy, format, .. } = self;
        f.debug_struct("Reader")
            .field("limit", limit)
            .field("lossy", lossy)
            .field("format", format)
            .finish_non_exhaustive()
    }
}
