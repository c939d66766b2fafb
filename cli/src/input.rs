//! Opening word vectors.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use ohyeah::Backend;
use ohyeah_words::{Loaded, Matrix, ReadError, Reader, WordVectors};

use crate::{
    failure::Failure,
    kind::{begins_as_index, is_packed},
    mapped,
    numbers::at_least_one,
    output::Output,
    report::Report,
    words,
};

/// The vectors a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct Input {
    /// Word vectors: word2vec binary or text, or GloVe text, plain or packed (gzip, zstd, xz, bzip2), whatever the name, or an index
    /// of words that `ohyeah build` made; `-` reads standard input
    #[arg(value_name = "VECTORS")]
    pub(crate) path: PathBuf,

    /// The words of VECTORS, a line each, where those are an array of NumPy (.npy); plain or packed, and `-` reads them
    /// from standard input
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
            return Ok(self.named_rows(words, report)?.with_backend(backend));
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
    fn named_rows(&self, path: &Path, report: Report) -> Result<WordVectors, Failure> {
        let about = |problem: &dyn fmt::Display| Failure::about(words::name(path), problem);
        if self.is_standard() && path == self.path {
            return Err(about(&"standard input cannot hold the vectors and their words; name a file for one of them"));
        }
        let text = words::text(path, self.lossy)?;
        let matrix = self.matrix()?;
        let rows = matrix.numbers.len() / matrix.dimensions;
        let mut lines: Vec<&str> = text.lines().collect();
        if self.limit.is_some() {
            lines.truncate(rows);
        }
        if lines.len() != rows {
            let (found, name) = (lines.len(), self.name());
            return Err(about(&format_args!("{found} words, but {name} has {rows} rows; a line is needed for each")));
        }
        if let Some(at) = lines.iter().position(|line| line.is_empty()) {
            let problem = format_args!("line {} is empty, and so is the word of its row", at + 1);
            report.warning(format_args!("{}: {problem}", words::name(path)));
        }
        WordVectors::from_parts(lines, matrix.numbers, matrix.dimensions).map_err(|error| about(&error))
    }

    /// Starts a file of these vectors in another format. It may replace theirs, unless some are left out or changed.
    pub(crate) fn create_converted(&self, path: &Path, report: Report) -> Result<Output, Failure> {
        if self.limit.is_some() || self.lossy {
            return self.create_other(path, None, report);
        }
        self.refuse_words(path)?;
        Output::create(path, report)
    }

    /// Starts a file of something else than vectors. It must not replace the vectors nor what else is read, which may be the only copy.
    pub(crate) fn create_other(&self, path: &Path, queries: Option<&Path>, report: Report) -> Result<Output, Failure> {
        refuse_same(path, &self.path, "the file of vectors itself")?;
        self.refuse_words(path)?;
        if let Some(queries) = queries {
            refuse_same(path, queries, "the file of --queries")?;
        }
        Output::create(path, report)
    }

    fn refuse_words(&self, path: &Path) -> Result<(), Failure> {
        self.words_apart.as_ref().map_or(Ok(()), |words| refuse_same(path, words, "the file of --words"))
    }

    pub(crate) fn is_standard(&self) -> bool {
        self.path == Path::new("-")
    }

    /// The name that messages give.
    pub(crate) fn name(&self) -> String {
        if self.is_standard() { "standard input".into() } else { self.path.display().to_string() }
    }
}

/// An error where an output is an input.
fn refuse_same(output: &Path, input: &Path, what: &str) -> Result<(), Failure> {
    let is_standard = |path: &Path| path == Path::new("-");
    if is_standard(output) || is_standard(input) || !is_same_file(output, input) {
        return Ok(());
    }
    Err(Failure::about(output.display(), format_args!("this is {what}; choose another name")))
}

/// Whether two names are those of one ordinary file: one that is mounted a second time is written in place under either.
fn is_same_file(a: &Path, b: &Path) -> bool {
    let (Ok(first), Ok(second)) = (fs::metadata(a), fs::metadata(b)) else { return false };
    if !first.is_file() || !second.is_file() {
        return false;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (first.dev(), first.ino()) == (second.dev(), second.ino()) {
            return true;
        }
    }
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
