//! `ohyeah info`: what a file holds.

use std::io::{self, Write};

use ohyeah_words::{Format, Loaded};

use crate::{failure::Failure, input::Input, output::Output, report::Report};

/// Show what a file of word vectors holds, reading and checking all of it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
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
