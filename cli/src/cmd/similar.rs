//! `ohyeah similar`: the words most like one word, or like a sum of words.

use std::io::Write;

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

    /// Compare with every word; so it is now in any case, as there is no index to search
    #[arg(long)]
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
    let similar = query.run().map_err(|error| Failure::about(args.input.name(), error))?;
    let mut out = Output::create(None)?;
    for neighbour in similar {
        writeln!(out, "{}\t{:.4}", vectors.word(neighbour.id), neighbour.cosine)?;
    }
    Ok(out.commit()?)
}
