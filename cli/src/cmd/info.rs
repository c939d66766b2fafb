//! `ohyeah info`: what a file holds.

use std::io::{self, Write};
use std::path::Path;

use ohyeah::{AnyForest, MappedFile, Metric};

use ohyeah_words::{Format, Loaded};

use crate::{failure::Failure, input::Input, output::Output, report::Report};

/// Show what a file of word vectors or an index (.ann) holds, reading and checking all of it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    if args.input.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ann")) {
        return index(&args.input.path);
    }
    let loaded = args.input.load(report)?;
    let mut out = Output::create(None)?;
    describe(&loaded, &mut out)?;
    Ok(out.commit()?)
}

fn describe(loaded: &Loaded, out: &mut impl Write) -> io::Result<()> {
    let vectors = &loaded.vectors;
    let format = match (loaded.format, loaded.header) {
        (Format::Binary, _) => "word2vec binary",
        (Format::Text, true) => "word2vec text",
        (Format::Text, false) => "GloVe text (no header)",
    };
    writeln!(out, "format      {format}{}", if loaded.gzip { ", gzip" } else { "" })?;
    writeln!(out, "words       {}", vectors.len())?;
    writeln!(out, "dimensions  {}", vectors.dimensions())?;
    let norms = || (0..vectors.len() as u32).map(|id| vectors.norm(id));
    if let Some((least, most)) = norms().map(|norm| (norm, norm)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) {
        writeln!(out, "lengths     {least} to {most}")?;
    }
    let zeros = norms().filter(|&norm| norm == 0.0).count();
    if zeros > 0 {
        writeln!(out, "all zeros   {zeros}")?;
    }
    // Escaped, for a word may hold what a terminal would obey.
    let first: Vec<String> = vectors.words().take(8).map(|word| word.escape_debug().to_string()).collect();
    writeln!(out, "first words {}", first.join(" "))
}

/// More dimensions are not tried: an index of them would be the first.
const MOST_DIMENSIONS: usize = 1 << 16;

/// An index says nothing of itself, so every metric and number of dimensions is tried that its size allows. Often one alone
/// fits; euclidean and manhattan look alike, and dot has the structure of angular with a dimension more.
fn index(path: &Path) -> Result<(), Failure> {
    let file = MappedFile::open(path).map_err(|error| Failure::about(path.display(), error))?;
    let mut fitting = Vec::new();
    for metric in Metric::ALL {
        for dimensions in 1..=MOST_DIMENSIONS {
            // Hamming rounds up to whole words: name each size once, by the most dimensions that it has room for.
            if metric == Metric::Hamming && dimensions % 64 != 0 {
                continue;
            }
            if let Ok(forest) = AnyForest::open(file.clone(), metric, dimensions)
                && forest.verify().is_ok()
            {
                fitting.push(forest);
            }
        }
    }
    // Bytes may also pass for an index of next to nothing in thousands of dimensions.
    let Some(most) = fitting.iter().map(AnyForest::items).max() else {
        let problem = "not a whole index of any metric: it is damaged, cut short, or of another kind; build it again";
        return Err(Failure::about(path.display(), problem));
    };
    fitting.retain(|forest| forest.items() == most);
    let mut out = Output::create(None)?;
    for (at, forest) in fitting.iter().enumerate() {
        describe_index(forest, at > 0, &mut out)?;
    }
    Ok(out.commit()?)
}

fn describe_index(forest: &AnyForest<MappedFile>, another: bool, out: &mut impl Write) -> io::Result<()> {
    if another {
        writeln!(out, "or")?;
    }
    let layout = if matches!(forest, AnyForest::DotLegacy(_)) { " (layout of Annoy up to 1.17.3)" } else { "" };
    writeln!(out, "format      Annoy index")?;
    writeln!(out, "metric      {}{layout}", forest.metric())?;
    let up_to = if forest.metric() == Metric::Hamming { "up to " } else { "" };
    writeln!(out, "dimensions  {up_to}{}", forest.dimensions())?;
    writeln!(out, "items       {}", forest.items())?;
    writeln!(out, "trees       {}", forest.trees())?;
    writeln!(out, "nodes       {}", forest.node_count())?;
    writeln!(out, "bytes       {}", forest.as_bytes().len())
}
