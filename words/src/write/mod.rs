//! Writing word vectors as word2vec does, text or binary.
//!
//! What is written must come back: the same words, and the same `f32` to the bit, here and in gensim. For text that takes
//! the shortest decimal that rounds to the number, and no more. For words it takes a refusal: neither format has a way to
//! quote, so a space ends a word wherever it stands. Reading is more tolerant than that (a text file's words may hold
//! spaces), so words that cannot be written do turn up, and the caller may have the spaces replaced.

mod error;
mod rows;
mod words;

use std::{fmt, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use ohyeah::{AtomicFile, Cancel};

pub use self::error::WriteError;
use self::words::{Names, OddWords};
use crate::{Format, WordVectors};

/// How to write word vectors.
///
/// # Examples
///
/// ```
/// use ohyeah_words::{Format, Reader, WordVectors, Writer};
///
/// let vectors = WordVectors::from_parts(["cat", "dog"], vec![1.0, 0.1, -0.25, 1e-9], 2)?;
/// let mut text = Vec::new();
/// Writer::new().format(Format::Text).write(&vectors, &mut text)?;
/// assert_eq!(text, b"2 2\ncat 1.0 0.1\ndog -0.25 1e-9\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Writer<'p> {
    format: Option<Format>,
    gzip: Option<bool>,
    odd: OddWords,
    without_header: bool,
    progress: Option<Box<dyn FnMut(u64) + 'p>>,
    cancel: Cancel<'p>,
}

impl<'p> Writer<'p> {
    /// Format and compression by the name of the target.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Format and compression as the name of `path` tells them, for a target that the caller opens: text for `.txt` and
    /// `.vec`, binary for `.bin`, packed for `.gz` after either.
    ///
    /// # Errors
    ///
    /// [`WriteError::UnknownExtension`].
    pub fn named_like(path: impl AsRef<Path>) -> Result<Self, WriteError> {
        let path = path.as_ref();
        let (format, gzip) = by_name(path);
        let format = format.ok_or_else(|| WriteError::UnknownExtension { path: path.into() })?;
        Ok(Self::new().format(format).gzip(gzip))
    }

    /// Writes in this format, whatever the name of the target.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Packs with gzip or not, whatever the name of the target.
    #[must_use]
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = Some(gzip);
        self
    }

    /// Leaves out the first line, which says how many words and dimensions there are, as GloVe's files do. Only text can be read
    /// without it.
    ///
    /// ```
    /// # use ohyeah_words::{WordVectors, Writer};
    /// let vectors = WordVectors::from_parts(["cat"], vec![1.0, 0.1], 2)?;
    /// let mut text = Vec::new();
    /// Writer::new().without_header().write(&vectors, &mut text)?;
    /// assert_eq!(text, b"cat 1.0 0.1\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.without_header = true;
        self
    }

    /// Ends soon, with an error and without a file, once this is set.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel<'p>) -> Self {
        self.cancel = cancel;
        self
    }

    /// Writes `by` in the place of each space, tab and newline in a word instead of refusing the word. The replacement must
    /// not be one of them, and must not make two words equal.
    #[must_use]
    pub fn replace_spaces(mut self, by: char) -> Self {
        self.odd.replace_spaces = Some(by);
        self
    }

    /// Leaves out the word that is empty, with its vector, instead of refusing it: neither format has a place for it.
    #[must_use]
    pub fn skip_empty(mut self, skip: bool) -> Self {
        self.odd.skip_empty = skip;
        self
    }

    /// Calls `report` with the number of rows written, after every few megabytes.
    #[must_use]
    pub fn on_progress(mut self, report: impl FnMut(u64) + 'p) -> Self {
        self.progress = Some(Box::new(report));
        self
    }

    /// Writes to a file: text for `.txt` and `.vec`, binary for `.bin`, packed for `.gz` after either. The file takes its
    /// name when it is whole; see [`AtomicFile`].
    ///
    /// # Errors
    ///
    /// [`WriteError`]; nothing is left of the file then, and what was there before is untouched. Only a file that cannot be replaced
    /// and is written in place may be left half written; the error then names a whole copy. See [`AtomicFile::commit`].
    pub fn save(mut self, vectors: &WordVectors, path: impl AsRef<Path>) -> Result<(), WriteError> {
        let path = path.as_ref();
        let (format, gzip) = by_name(path);
        self.format = Some(self.format.or(format).ok_or_else(|| WriteError::UnknownExtension { path: path.into() })?);
        self.gzip.get_or_insert(gzip);
        // Refusals come before the file is touched at all.
        let names = self.names(vectors)?;
        let mut file = AtomicFile::create(path)?;
        self.run(vectors, &names, &mut file)?;
        Ok(file.commit()?)
    }

    /// Writes to a stream: text and unpacked unless told otherwise. The stream is flushed.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub fn write(mut self, vectors: &WordVectors, out: impl Write) -> Result<(), WriteError> {
        let names = self.names(vectors)?;
        self.run(vectors, &names, out)
    }

    fn names<'v>(&self, vectors: &'v WordVectors) -> Result<Names<'v>, WriteError> {
        let format = self.row_format();
        let names = Names::new(vectors, format, self.odd)?;
        if format == Format::Binary
            && names.len() > 0
            && (rows::reads_as_text(vectors, &names) || !rows::words_end_where_they_do(vectors, &names))
        {
            return Err(WriteError::Ambiguous);
        }
        if self.without_header && (format == Format::Binary || vectors.is_empty()) {
            return Err(WriteError::HeaderNeeded);
        }
        Ok(names)
    }

    fn row_format(&self) -> Format {
        self.format.unwrap_or(Format::Text)
    }

    fn run(&mut self, vectors: &WordVectors, names: &Names<'_>, mut out: impl Write) -> Result<(), WriteError> {
        if self.gzip.unwrap_or(false) {
            let mut packed = GzEncoder::new(&mut out, Compression::default());
            self.rows(vectors, names, &mut packed)?;
            packed.finish()?;
        } else {
            self.rows(vectors, names, &mut out)?;
        }
        Ok(out.flush()?)
    }

    fn rows(&mut self, vectors: &WordVectors, names: &Names<'_>, out: &mut dyn Write) -> Result<(), WriteError> {
        if !self.without_header {
            writeln!(out, "{} {}", names.len(), vectors.dimensions())?;
        }
        let format = self.row_format();
        rows::blocks(vectors, names, format, |bytes, rows| {
            if self.cancel.is_set() {
                return Err(WriteError::Cancelled);
            }
            out.write_all(bytes)?;
            if let Some(report) = &mut self.progress {
                report(rows);
            }
            Ok(())
        })
    }
}

/// What a file name asks for.
fn by_name(path: &Path) -> (Option<Format>, bool) {
    let extension = |path: &Path| path.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
    let gzip = extension(path).as_deref() == Some("gz");
    let inner = if gzip { path.with_extension("") } else { path.to_owned() };
    let format = match extension(&inner).as_deref() {
        Some("txt" | "vec") => Some(Format::Text),
        Some("bin") => Some(Format::Binary),
        _ => None,
    };
    (format, gzip)
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, gzip, odd, .. } = self;
        f.debug_struct("Writer").field("format", format).field("gzip", gzip).field("odd", odd).finish_non_exhaustive()
    }
}
