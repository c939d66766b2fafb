//! `ohyeah info`: what a file holds.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use ohyeah::forest::AnyForest;
use ohyeah::{FileError, MappedFile, Metric};
use ohyeah_words::{Format, Loaded, ReadErrorKind};

use crate::{
    failure::Failure,
    input::Input,
    output::{Escaped, Output},
    report::Report,
};

/// Show what a file of word vectors or an index holds, reading and checking all of it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let path = &args.input.path;
    if is_packed(path) {
        return packed(path);
    }
    let like_index = begins_as_index(path);
    if like_index && index(path)? {
        return Ok(());
    }
    let problem = match args.input.read(report, ohyeah::backend()?) {
        Ok(loaded) => {
            let mut out = Output::create(None)?;
            describe(&loaded, &mut out)?;
            return Ok(out.commit()?);
        }
        Err(error) => error,
    };
    let problem = problem.kind();
    // The name does not decide, but it tells what the user takes the file for.
    let named_index = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ann"));
    if matches!(problem, ReadErrorKind::Io(_)) || !(like_index || named_index) {
        return Err(Failure::about(args.input.name(), problem));
    }
    let index = "a whole index of any metric (if it was one it is damaged or cut short: build it again)";
    Err(Failure::about(path.display(), format_args!("neither word vectors ({problem}) nor {index}")))
}

/// Whether a file begins with an item, whose number of descendants is 1, or with the place of one that was never added,
/// where it is 0: every index of Annoy's does. No file of vectors does, for it begins with a word, a number or the mark of gzip.
fn begins_as_index(path: &Path) -> bool {
    begins(path).is_some_and(|start: [u8; 4]| matches!(u32::from_le_bytes(start), 0 | 1))
}

/// Whether a file begins as a packed index does.
pub(crate) fn is_packed(path: &Path) -> bool {
    begins(path) == Some(ohyeah::packed::MAGIC)
}

/// The first bytes of an ordinary file. What is read from a pipe would be missing afterwards.
fn begins<const N: usize>(path: &Path) -> Option<[u8; N]> {
    let mut start = [0; N];
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).ok()?;
    Some(start)
}

fn packed(path: &Path) -> Result<(), Failure> {
    let index = ohyeah::open_packed(path)?;
    index.verify().map_err(|error| Failure::about(path.display(), error))?;
    let mut out = Output::create(None)?;
    writeln!(out, "format      packed index")?;
    writeln!(out, "metric      {}", index.metric())?;
    writeln!(out, "dimensions  {}", index.dimensions())?;
    writeln!(out, "{}  {}", if index.has_keys() { "words     " } else { "items     " }, index.len())?;
    writeln!(out, "leaves      {}", index.leaves())?;
    writeln!(out, "seed        {}", index.seed())?;
    writeln!(out, "bytes       {}", index.as_bytes().len())?;
    let first: Vec<String> = (0..8).map_while(|id| index.key(id)).map(|word| Escaped(word).to_string()).collect();
    if !first.is_empty() {
        writeln!(out, "first words {}", first.join(" "))?;
    }
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
    let first: Vec<String> = vectors.words().take(8).map(|word| Escaped(word).to_string()).collect();
    writeln!(out, "first words {}", first.join(" "))
}

/// More dimensions are not tried: an index of them would be the first.
const MOST_DIMENSIONS: usize = 1 << 16;

/// An index says nothing of itself, so every metric and number of dimensions is tried that its size allows. Often one alone
/// fits; euclidean and manhattan look alike, and dot has the structure of angular with a dimension more.
pub(crate) fn annoy_indexes(path: &Path) -> Result<Vec<AnyForest<MappedFile>>, Failure> {
    let file = MappedFile::open(path).map_err(|error| FileError::Io(path.to_owned(), error))?;
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
    let most = fitting.iter().map(AnyForest::len).max();
    fitting.retain(|forest| Some(forest.len()) == most);
    Ok(fitting)
}

/// Describes an index of Annoy's; whether the file is one.
fn index(path: &Path) -> Result<bool, Failure> {
    let fitting = annoy_indexes(path)?;
    if fitting.is_empty() {
        return Ok(false);
    }
    let mut out = Output::create(None)?;
    if fitting.len() > 1 {
        writeln!(out, "an index does not say by which metric it was built; this one is one of these:")?;
    }
    for (at, forest) in fitting.iter().enumerate() {
        describe_index(forest, at > 0, &mut out)?;
    }
    out.commit()?;
    Ok(true)
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
    writeln!(out, "items       {}", forest.len())?;
    writeln!(out, "trees       {}", forest.trees())?;
    writeln!(out, "nodes       {}", forest.node_count())?;
    writeln!(out, "bytes       {}", forest.as_bytes().len())
}
