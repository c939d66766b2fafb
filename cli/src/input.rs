//! Opening word vectors.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ohyeah::{Backend, FileError};
use ohyeah_words::{Loaded, Matrix, ReadError, Reader, WordVectors};

use crate::{
    failure::Failure,
    kind::{begins_as_index, is_packed},
    mapped,
    numbers::at_least_one,
    output::Output,
    report::Report,
};

/// The vectors a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct Input {
    /// Word vectors: word2vec binary or text, or GloVe text, plain or packed (gzip, zstd, xz, bzip2), whatever the name, or an index
    /// of words that `ohyeah build` made; `-` reads standard input
    #[arg(value_name = "VECTORS")]
    pub(crate) path: PathBuf,

    /// The words of VECTORS, a line each, where those are an array of NumPy (.npy)
    #[arg(long = "words", value_name = "FILE")]
    words_apart: Option<PathBuf>,

    /// Read only the first N words
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    limit: Option<u64>,

    /// Repair words that are not UTF-8 instead of failing
    #[arg(long)]
    lossy: bool,
}

impl Input {
    /// All vectors of another file.
    pub(crate) const fn of(path: PathBuf) -> Self {
        Self { path, words_apart: None, limit: None, lossy: false }
    }

    /// Reads the vectors, with progress, and passes on what is odd about them.
    pub(crate) fn load(&self, report: Report) -> Result<WordVectors, Failure> {
        let backend = ohyeah::backend()?;
        if is_packed(&self.path) {
            return Ok(self.words_of_index()?.with_backend(backend));
        }
        self.refuse_forest()?;
        if let Some(words) = &self.words_apart {
            return Ok(self.named_rows(words)?.with_backend(backend));
        }
        let loaded = self.read(report, backend).map_err(|error| Failure::about(self.name(), error.kind()))?;
        Ok(loaded.vectors)
    }

    /// Reads a file of vectors, for a caller that has more to say about it.
    pub(crate) fn read(&self, report: Report, backend: Backend) -> Result<Loaded, ReadError> {
        let total = fs::metadata(&self.path).ok().filter(fs::Metadata::is_file).map(|file| file.len());
        let bar = report.bytes("reading", total);
        let mut reader = Reader::new().lossy(self.lossy).on_progress(|progress| bar.set_position(progress.bytes));
        if let Some(limit) = self.limit {
            reader = reader.limit(limit);
        }
        let mut loaded = if self.is_standard() { reader.read(io::stdin()) } else { reader.open(&self.path) }?;
        bar.finish_and_clear();
        loaded.vectors = loaded.vectors.with_backend(backend);
        for message in loaded.warnings.messages() {
            report.warning(format_args!("{}: {message}", self.name()));
        }
        Ok(loaded)
    }

    /// The rows of an array, without words.
    pub(crate) fn matrix(&self) -> Result<Matrix, Failure> {
        let mut matrix = if self.is_standard() { Matrix::read_npy(io::stdin()) } else { Matrix::open_npy(&self.path) }
            .map_err(|error| Failure::about(self.name(), error))?;
        if let Some(limit) = self.limit.and_then(|limit| usize::try_from(limit).ok()) {
            matrix.numbers.truncate(limit.saturating_mul(matrix.dimensions));
        }
        Ok(matrix)
    }

    /// Whether a file has been named that holds the words.
    pub(crate) const fn has_words_apart(&self) -> bool {
        self.words_apart.is_some()
    }

    /// An option that would change nothing where an index is searched as it is.
    pub(crate) fn without_effect_on_index(&self) -> Option<&'static str> {
        let given =
            [(self.limit.is_some(), "--limit"), (self.lossy, "--lossy"), (self.words_apart.is_some(), "--words")];
        given.into_iter().find(|(given, _)| *given).map(|(_, option)| option)
    }

    /// An Annoy index says nothing of itself and holds no words.
    pub(crate) fn refuse_forest(&self) -> Result<(), Failure> {
        if !begins_as_index(&self.path) {
            return Ok(());
        }
        let problem = "this is an index of Annoy's kind, which holds no words, or a damaged file; give the vectors that it was built of \
                       (it is searched by ohyeah similar VECTORS WORD --index INDEX)";
        Err(Failure::about(self.name(), problem))
    }

    /// The words and vectors of a packed index.
    fn words_of_index(&self) -> Result<WordVectors, Failure> {
        let problem = |problem: &str| Failure::about(self.name(), problem);
        if let Some(option) = self.without_effect_on_index().filter(|option| *option != "--limit") {
            return Err(problem(&format!("this is a packed index, on which {option} has no effect: leave it out")));
        }
        let index = mapped::packed(&self.path)?;
        if !index.has_keys() {
            return Err(problem("this is a packed index without words in it; give vectors with words"));
        }
        let rows = self.limit.map_or(index.len(), |limit| (index.len() as u64).min(limit) as usize);
        let damaged = || problem("the index is damaged; check it with ohyeah verify");
        let mut words = Vec::with_capacity(rows);
        let mut numbers = Vec::with_capacity(rows.saturating_mul(index.dimensions()));
        for id in 0..rows as u32 {
            words.push(index.key(id).ok_or_else(damaged)?);
            numbers.extend_from_slice(index.vector(id).ok_or_else(damaged)?);
        }
        WordVectors::from_parts(words, numbers, index.dimensions()).map_err(|error| Failure::about(self.name(), error))
    }

    /// The rows of an array, with the words of another file.
    fn named_rows(&self, words: &Path) -> Result<WordVectors, Failure> {
        let text = fs::read(words).map_err(|error| FileError::Io(words.to_owned(), error))?;
        let text = match String::from_utf8(text) {
            Ok(text) => text,
            Err(error) if self.lossy => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            Err(error) => {
                // The part of the last line before the fault is one, too, though it may be empty.
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                let problem =
                    format_args!("line {line}: the word is not UTF-8; read with lossy decoding (--lossy) or repair it");
                return Err(Failure::about(words.display(), problem));
            }
        };
        let matrix = self.matrix()?;
        let rows = matrix.numbers.len() / matrix.dimensions;
        let mut lines: Vec<&str> = text.lines().collect();
        if self.limit.is_some() {
            lines.truncate(rows);
        }
        if lines.len() != rows {
            let problem =
                format_args!("{} words, but {} has {rows} rows; a line is needed for each", lines.len(), self.name());
            return Err(Failure::about(words.display(), problem));
        }
        WordVectors::from_parts(lines, matrix.numbers, matrix.dimensions)
            .map_err(|error| Failure::about(words.display(), error))
    }

    /// Starts a file of these vectors in another format. It may replace theirs, unless some are left out or changed.
    pub(crate) fn create_converted(&self, path: &Path, report: Report) -> Result<Output, Failure> {
        if self.limit.is_some() || self.lossy { self.create_other(path, report) } else { Output::create(path, report) }
    }

    /// Starts a file of something else than vectors. It must not replace the vectors, which may be the only copy.
    pub(crate) fn create_other(&self, path: &Path, report: Report) -> Result<Output, Failure> {
        if let (Ok(from), Ok(to)) = (self.path.canonicalize(), path.canonicalize())
            && path != Path::new("-")
            && from == to
            && from.is_file()
        {
            return Err(Failure::about(path.display(), "this is the file of vectors itself; choose another name"));
        }
        Output::create(path, report)
    }

    pub(crate) fn is_standard(&self) -> bool {
        self.path == Path::new("-")
    }

    /// The name that messages give.
    pub(crate) fn name(&self) -> String {
        if self.is_standard() { "standard input".into() } else { self.path.display().to_string() }
    }
}
