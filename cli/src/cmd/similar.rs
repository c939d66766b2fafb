//! `ohyeah similar`: the words most like one word, or like a sum of words.

use std::io::Write;
use std::path::{Path, PathBuf};

use ohyeah::{Angular, AnyForest, Forest, MappedFile, Metric};
use ohyeah_words::WordVectors;

use crate::{args::at_least_one, failure::Failure, input::Input, output::Output, report::Report};

/// List the words most similar to a word, or to a sum of words, one `word<TAB>cosine` a line
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// The words to be similar to
    #[arg(value_name = "WORD", required_unless_present = "negative")]
    words: Vec<String>,

    /// A word to be unlike; may be given several times
    #[arg(long, value_name = "WORD")]
    negative: Vec<String>,

    /// How many words to list
    #[arg(long, value_name = "N", default_value = "10", value_parser = at_least_one)]
    top: usize,

    /// Look only among the first N words, the most frequent in most files
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    restrict: Option<usize>,

    /// Search this index, which `ohyeah build` made of the same vectors
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    /// Look at N candidates in the index [default: the number of trees times --top]
    #[arg(long, value_name = "N", requires = "index", value_parser = at_least_one)]
    search_k: Option<usize>,

    /// Compare with every word, as is done where no index is given
    #[arg(long, conflicts_with = "index")]
    exact: bool,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let vectors = args.input.load(report)?.vectors;
    let mut query = vectors.query().top(args.top).restrict(args.restrict.unwrap_or(usize::MAX));
    for word in &args.words {
        query = query.positive(word);
    }
    for word in &args.negative {
        query = query.negative(word);
    }
    let similar = match &args.index {
        Some(path) => query.run_with(&open_index(path, &vectors)?, args.search_k),
        None => query.run(),
    };
    let similar = similar.map_err(|error| Failure::about(args.input.name(), error))?;
    let mut out = Output::create(None)?;
    for neighbour in similar {
        writeln!(out, "{}\t{:.4}", vectors.word(neighbour.id), neighbour.cosine)?;
    }
    Ok(out.commit()?)
}

/// Maps an index and checks that it is one of these vectors.
fn open_index(path: &Path, vectors: &WordVectors) -> Result<Forest<Angular, MappedFile>, Failure> {
    let index = ohyeah::open_any(path, Metric::Angular, vectors.dimensions());
    let index = index.map_err(|error| Failure::Message(error.to_string()))?;
    let index = index.with_backend(ohyeah::backend()?);
    vectors.check_index(&index).map_err(|error| Failure::about(path.display(), error))?;
    match index {
        AnyForest::Angular(forest) => Ok(forest),
        other => Err(Failure::about(path.display(), format_args!("a {} index: build an angular one", other.metric()))),
    }
}
