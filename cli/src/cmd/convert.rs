//! `ohyeah convert`: from any format that can be read to word2vec text or binary.

use std::path::PathBuf;

use ohyeah_words::{Format, WriteError, Writer};

use crate::{failure::Failure, input::Input, report::Report};

/// Convert word vectors: word2vec text or binary, by OUT's extension (.txt, .vec, .bin, .gz after either)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    /// Where to write; the extension tells the format unless --to does; `-` writes to standard output
    #[arg(value_name = "OUT")]
    out: PathBuf,

    /// The format to write, where the extension does not tell it
    #[arg(long, value_name = "FORMAT")]
    to: Option<To>,

    /// Put this character in the place of spaces in words, which neither format can hold
    #[arg(long, value_name = "CHAR")]
    replace_spaces: Option<char>,

    /// Leave out the word that is empty, for which neither format has a place
    #[arg(long)]
    skip_empty: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum To {
    Text,
    Binary,
}

pub(crate) fn run(args: &Args, report: Report) -> Result<(), Failure> {
    let mut writer = match (Writer::named_like(&args.out), args.to) {
        (writer, None) => writer?,
        (writer, Some(to)) => writer.unwrap_or_default().format(match to {
            To::Text => Format::Text,
            To::Binary => Format::Binary,
        }),
    };
    if let Some(by) = args.replace_spaces {
        writer = writer.replace_spaces(by);
    }
    let writer = writer.skip_empty(args.skip_empty);
    let mut out = args.input.create_converted(&args.out, report)?;
    let vectors = args.input.load(report)?;
    let bar = report.count("writing", vectors.len() as u64);
    writer.on_progress(|rows| bar.set_position(rows)).write(&vectors, &mut out).map_err(|error| match error {
        WriteError::Io(error) => error.into(),
        // What cannot be written is something about the input.
        error => Failure::about(args.input.name(), error),
    })?;
    Ok(out.commit()?)
}
