//! Opening word vectors.

use std::{
    io,
    path::{Path, PathBuf},
};

use ohyeah_words::{Loaded, Reader};

use crate::{failure::Failure, report::Report};

/// The vectors a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct Input {
    /// Word vectors: word2vec binary or text, or GloVe text, plain or gzip, whatever the name; `-` reads standard input
    #[arg(value_name = "VECTORS")]
    pub(crate) path: PathBuf,

    /// Read only the first N words
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Repair words that are not UTF-8 instead of failing
    #[arg(long)]
    lossy: bool,
}

impl Input {
    /// Reads the vectors, with progress, and passes on what is odd about them.
    pub(crate) fn load(&self, report: Report) -> Result<Loaded, Failure> {
        let backend = ohyeah::backend()?;
        let standard = self.path == Path::new("-");
        let total = std::fs::metadata(&self.path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        let bar = report.bytes("reading", total);
        let mut reader = Reader::new().lossy(self.lossy).on_progress(|progress| bar.set_position(progress.bytes));
        if let Some(limit) = self.limit {
            reader = reader.limit(limit);
        }
        let mut loaded = if standard {
            reader.read(io::stdin()).map_err(|error| Failure::about(self.name(), error))?
        } else {
            reader.open(&self.path)?
        };
        bar.finish_and_clear();
        loaded.vectors = loaded.vectors.with_backend(backend);
        for message in loaded.warnings.messages() {
            report.warning(format_args!("{}: {message}", self.name()));
        }
        Ok(loaded)
    }

    /// The name that messages give.
    pub(crate) fn name(&self) -> String {
        if self.path == Path::new("-") { "standard input".into() } else { self.path.display().to_string() }
    }
}
