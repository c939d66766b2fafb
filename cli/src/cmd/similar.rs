//! `ohyeah similar`: the words most like one word, or like a sum of words.

use std::io::Write;
use std::path::{Path, PathBuf};

use ohyeah::forest::{AnyForest, OpenError};
use ohyeah::{Angular, FileError, Forest, MappedFile, Metric};
use ohyeah_words::{QueryError, WordVectors, similar_in};

use crate::{
    failure::Failure,
    input::Input,
    kind::is_packed,
    mapped,
    numbers::{at_least_one, recall},
    output::{Escaped, Output},
    report::Report,
};

/// List the words most similar to a word, or to a sum of words, one `word<TAB>cosine` a line
///
/// VECTORS may be a packed index that `ohyeah build` has made: then it is opened in no time and searched.
///
/// Control characters in a word are written as \t, \n, \u{1b}, and a backslash as \\.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// The words to be similar to
    #[arg(value_name = "WORD", required_unless_present = "negative")]
    words: Vec<String>,

    /// A word to be unlike; for two, --negative man --negative king
    #[arg(long, value_name = "WORD")]
    negative: Vec<String>,

    /// How many words to list
    #[arg(long, value_name = "N", default_value = "10", value_parser = at_least_one::<usize>)]
    top: usize,

    /// Look only among the first N words, the most frequent in most files
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    restrict: Option<usize>,

    /// Search this index, which `ohyeah build` made of the same vectors by the angular metric: approximate, and --search-k
    /// finds more
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    /// Look at N candidates in the index [default: the number of trees times --top]
    #[arg(long, value_name = "N", requires = "index", value_parser = at_least_one::<usize>)]
    search_k: Option<usize>,

    /// Of a packed index, find this share of the most similar words on average [default: all of them, and 0.95 in an index
    /// of more than 128 million numbers]
    #[arg(long, value_name = "SHARE", value_parser = recall)]
    recall: Option<f32>,

    /// Compare with every word, as is done where no index is given
    #[arg(long, conflicts_with_all = ["index", "recall"])]
    exact: bool,
}

/// Numbers in an index that are compared in some hundredths of a second.
const COMPARED_AT_ONCE: usize = 128_000_000;
/// The recall of larger ones, where nothing else is said.
const USUAL_RECALL: f32 = 0.95;

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    if is_packed(&args.input.path) {
        return in_packed(args);
    }
    let vectors = args.input.load(report)?.vectors;
    let mut query = vectors.query().top(args.top).restrict(args.restrict.unwrap_or(usize::MAX));
    for word in &args.words {
        query = query.positive(word);
    }
    for word in &args.negative {
        query = query.negative(word);
    }
    if query.resolve().is_ok_and(|resolved| resolved.vector.iter().all(|&x| x == 0.0)) {
        return Err(Failure::about(args.input.name(), QueryError::NoDirection));
    }
    let similar = match &args.index {
        Some(path) => query.run_with(&open_index(path, &vectors, &args.input.name())?, args.search_k),
        None => query.run(),
    };
    let similar = similar.map_err(|error| Failure::about(args.input.name(), error))?;
    let mut out = Output::create(None)?;
    for neighbour in similar {
        writeln!(out, "{}\t{:.4}", Escaped(vectors.word(neighbour.id)), neighbour.cosine)?;
    }
    Ok(out.commit()?)
}

/// Asks a packed index, which holds words and vectors.
fn in_packed(args: &Args) -> Result<(), Failure> {
    let path = &args.input.path;
    let of_index = |problem: &dyn std::fmt::Display| Failure::about(path.display(), problem);
    let index = mapped::packed(path)?.with_backend(ohyeah::backend()?);
    if args.index.is_some() || args.restrict.is_some() {
        return Err(of_index(&"is a packed index and searched itself: leave --index and --restrict away"));
    }
    if index.metric() != Metric::Angular || !index.has_keys() {
        let problem =
            "similarity takes an angular index with words in it; make one with ohyeah build VECTORS -o INDEX.oy";
        return Err(of_index(&problem));
    }
    let terms = args.words.iter().map(|word| (word.as_str(), 1.0));
    let terms: Vec<(&str, f32)> = terms.chain(args.negative.iter().map(|word| (word.as_str(), -1.0))).collect();
    // One query: nobody sees the time that it takes to compare all of not too many, but a word that is missing.
    let is_large = index.len().saturating_mul(index.dimensions()) > COMPARED_AT_ONCE;
    let usual = is_large.then_some(USUAL_RECALL);
    let effort = if args.exact { None } else { args.recall.or(usual) };
    let similar = similar_in(&index, &terms, args.top, effort).map_err(|error| of_index(&error))?;
    let mut out = Output::create(None)?;
    for (word, cosine) in similar {
        writeln!(out, "{}\t{cosine:.4}", Escaped(word))?;
    }
    Ok(out.commit()?)
}

/// Maps an index and checks that it is one of these vectors.
fn open_index(path: &Path, vectors: &WordVectors, name: &str) -> Result<Forest<Angular, MappedFile>, Failure> {
    let index = match mapped::forest(path, Metric::Angular, vectors.dimensions()) {
        Err(FileError::Forest(_, error)) if error != OpenError::Empty => {
            return Err(match other_metric(path, vectors) {
                Some(metric) => Failure::about(
                    path.display(),
                    format_args!(
                        "an index by the {metric} metric, and similarity takes an angular one; make it with ohyeah build {name} -o INDEX.ann"
                    ),
                ),
                None => of_other_vectors(path, &error, name, vectors),
            });
        }
        index => index?,
    };
    let index = index.with_backend(ohyeah::backend()?);
    vectors.check_index(&index).map_err(|error| Failure::about(path.display(), error))?;
    match index {
        AnyForest::Angular(forest) => Ok(forest),
        other => Err(Failure::about(path.display(), format_args!("a {} index: build an angular one", other.metric()))),
    }
}

/// By which other metric an index of these vectors was built, if it was.
fn other_metric(path: &Path, vectors: &WordVectors) -> Option<Metric> {
    Metric::ALL.into_iter().find(|metric| {
        let index = mapped::forest(path, *metric, vectors.dimensions());
        index.is_ok_and(|index| vectors.check_index(&index).is_ok())
    })
}

/// An index says nothing of itself, so what another size of vectors makes of it looks like damage.
fn of_other_vectors(path: &Path, error: &OpenError, name: &str, vectors: &WordVectors) -> Failure {
    let place = if let OpenError::Damaged(damage) = error { format!("node {}: ", damage.node) } else { String::new() };
    let dimensions = vectors.dimensions();
    let problem = format_args!(
        "{place}not a whole angular index of {dimensions} dimensions: it does not belong to {name} or is damaged; make one \
         that does with ohyeah build"
    );
    Failure::about(path.display(), problem)
}
