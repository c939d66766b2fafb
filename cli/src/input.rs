//! Opening word vectors.

use std::{
    io,
    path::{Path, PathBuf},
};

use ohyeah::Backend;
use ohyeah_words::{Loaded, ReadError, Reader};

use crate::{failure::Failure, numbers::at_least_one, output::Output, report::Report};

/// The vectors a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct Input {
    /// Word vectors: word2vec binary or text, or GloVe text, plain or gzip, whatever the name; `-` reads standard input
    #[arg(value_name = "VECTORS")]
    pub(crate) path: PathBuf,

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
        Self { path, limit: None, lossy: false }
    }

    /// Reads the vectors, with progress, and passes on what is odd about them.
    pub(crate) fn load(&self, report: Report) -> Result<Loaded, Failure> {
        self.read(report, ohyeah::backend()?).map_err(|error| Failure::about(self.name(), error.kind()))
    }

    /// [`load`](Self::load), for a caller that has more to say about the error.
    pub(crate) fn read(&self, report: Report, backend: Backend) -> Result<Loaded, ReadError> {
        let total = std::fs::metadata(&self.path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        let bar = report.bytes("reading", total);
        let mut reader = Reader::new().lossy(self.lossy).on_progress(|progress| bar.set_position(progress.bytes));
        if let Some(limit) = self.limit {
            reader = reader.limit(limit);
        }
        let standard = self.path == Path::new("-");
        let mut loaded = if standard { reader.read(io::stdin()) } else { reader.open(&self.path) }?;
        bar.finish_and_clear();
        loaded.vectors = loaded.vectors.with_backend(backend);
        for message in loaded.warnings.messages() {
            report.warning(format_args!("{}: {message}", self.name()));
        }
        Ok(loaded)
    }

    /// Starts a file of these vectors in another format. It may replace theirs, unless some are left out or changed.
    pub(crate) fn create_converted(&self, path: &Path) -> Result<Output, Failure> {
        if self.limit.is_some() || self.lossy { self.create_other(path) } else { Ok(Output::create(Some(path))?) }
    }

    /// Starts a file of something else than vectors. It must not replace the vectors, which may be the only copy.
    pub(crate) fn create_other(&self, path: &Path) -> Result<Output, Failure> {
        if let (Ok(from), Ok(to)) = (self.path.canonicalize(), path.canonicalize())
            && path != Path::new("-")
            && from == to
            && from.is_file()
        {
            return Err(Failure::about(path.display(), "this is the file of vectors itself; choose another name"));
        }
        Ok(Output::create(Some(path))?)
    }

    /// The name that messages give.
    pub(crate) fn name(&self) -> String {
        if self.path == Path::new("-") { "standard input".into() } else { self.path.display().to_string() }
    }
}
