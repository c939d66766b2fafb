//! `ohyeah info`: what a file holds.

use std::io::{self, Write};
use std::path::Path;

use ohyeah::forest::AnyForest;
use ohyeah::packed::SearchPlan;
use ohyeah::{MappedFile, Metric, Packed};
use ohyeah_words::{Format, Loaded, ReadErrorKind, WordVectors};

use crate::{
    failure::Failure,
    input::Input,
    kind::{annoy_indexes, begins_as_index, is_packed},
    mapped,
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
        if let Some(option) = args.input.without_effect_on_index() {
            let problem = format_args!("this is a packed index, on which {option} has no effect: leave it out");
            return Err(Failure::about(path.display(), problem));
        }
        return packed(path);
    }
    if args.input.has_words_apart() {
        return array(&args.input.load(report)?);
    }
    let like_index = begins_as_index(path);
    if like_index && index(path)? {
        return Ok(());
    }
    let problem = match args.input.read(report, ohyeah::backend()?) {
        Ok(loaded) => {
            let mut out = Output::standard();
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

/// Describes vectors that are an array with the words of another file.
fn array(vectors: &WordVectors) -> Result<(), Failure> {
    let mut out = Output::standard();
    writeln!(out, "format      NumPy array, and words")?;
    describe_vectors(vectors, &mut out)?;
    Ok(out.commit()?)
}

fn packed(path: &Path) -> Result<(), Failure> {
    let index = mapped::packed(path)?;
    index.verify().map_err(|error| Failure::about(path.display(), error))?;
    let mut out = Output::standard();
    writeln!(out, "format      packed index")?;
    writeln!(out, "metric      {}", index.metric())?;
    writeln!(out, "dimensions  {}", index.dimensions())?;
    writeln!(out, "{}  {}", if index.has_keys() { "words     " } else { "items     " }, index.len())?;
    writeln!(out, "leaves      {}", index.leaves())?;
    writeln!(out, "seed        {}", index.seed())?;
    writeln!(out, "bytes       {}", index.as_bytes().len())?;
    match index.calibrated_with() {
        0 => writeln!(out, "calibrated  with vectors of the index")?,
        count => writeln!(out, "calibrated  with {count} queries")?,
    }
    write_plans(&index, &mut out)?;
    let first: Vec<String> = (0..8).map_while(|id| index.key(id)).map(|word| Escaped(word).to_string()).collect();
    if !first.is_empty() {
        writeln!(out, "first words {}", first.join(" "))?;
    }
    Ok(out.commit()?)
}

/// How searches are answered, for the recalls and numbers of answers that are usual.
fn write_plans(index: &Packed<impl AsRef<[u8]>>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "searches    what they take on average, and the recall that nine of ten queries reach")?;
    for (top, recall) in [(1, 0.95), (10, 0.9), (10, 0.95), (10, 0.99), (100, 0.95)] {
        write!(out, "  top {top:<4} recall {recall:<5} ")?;
        match index.plan(top, recall) {
            SearchPlan::Scan { leaves, rows, candidates, tenth } => {
                let reach = if tenth.is_nan() { String::new() } else { format!(", {tenth:.2}") };
                writeln!(out, "{leaves:.0} leaves, {rows:.0} vectors scanned, {candidates:.0} compared{reach}")?;
            }
            _ => writeln!(out, "all vectors compared")?,
        }
    }
    Ok(())
}

fn describe(loaded: &Loaded, out: &mut impl Write) -> io::Result<()> {
    let format = match (loaded.format, loaded.header) {
        (Format::Binary, _) => "word2vec binary",
        (Format::Text, true) => "word2vec text",
        (Format::Text, false) => "GloVe text (no header)",
    };
    let packing = loaded.compression.map_or_else(String::new, |compression| format!(", {compression}"));
    writeln!(out, "format      {format}{packing}")?;
    describe_vectors(&loaded.vectors, out)
}

fn describe_vectors(vectors: &WordVectors, out: &mut impl Write) -> io::Result<()> {
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

/// Describes an index of Annoy's; whether the file is one.
fn index(path: &Path) -> Result<bool, Failure> {
    let fitting = annoy_indexes(path)?;
    if fitting.is_empty() {
        return Ok(false);
    }
    let mut out = Output::standard();
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
