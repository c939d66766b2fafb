//! `ohyeah build`: an index file from word vectors.

use std::io::Write;
use std::path::PathBuf;

use ohyeah::{BuildOptions, Metric, ParBuild};

use crate::{
    args::{at_least_one, seed},
    failure::Failure,
    input::Input,
    report::Report,
};

/// Build an index over word vectors, which this command and Annoy can search; a word's row is its id
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// Where to write the index; `-` writes to standard output
    #[arg(short, long, value_name = "INDEX.ann")]
    output: PathBuf,

    /// What near means: angular, euclidean, manhattan, hamming or dot
    #[arg(long, value_name = "METRIC", default_value = "angular")]
    metric: Metric,

    /// Grow N trees: more give better answers and a larger index
    #[arg(long, value_name = "N", default_value = "50", value_parser = at_least_one::<usize>)]
    trees: usize,

    /// Another seed for the random choices; the same seed gives the same index
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    seed: u64,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let mut out = args.input.create_other(&args.output)?;
    let vectors = args.input.load(report)?.vectors;
    let of_input = |error: &dyn std::error::Error| Failure::about(args.input.name(), error);
    let items = vectors.items(args.metric).map_err(|error| of_input(&error))?;
    drop(vectors);
    let bar = report.count("growing trees", args.trees as u64);
    let grown = || bar.inc(1);
    let options = BuildOptions::trees(args.trees).seed(args.seed).progress(&grown);
    let forest = items.par_build(options).map_err(|error| of_input(&error))?;
    out.write_all(forest.as_bytes())?;
    Ok(out.commit()?)
}
