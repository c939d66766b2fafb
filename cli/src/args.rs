//! The command line.

use std::{num::NonZeroUsize, process::ExitCode};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::{cmd, numbers::threads, report};

/// Similar words from word vectors, fast
#[derive(Debug, Parser)]
#[command(name = "ohyeah", version, about, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Index files are mapped while a command reads them: replace them, as this program does, and do not write to them in place."
)]
pub(crate) struct Cli {
    /// Number of threads [default: one for each core]
    #[arg(long, value_name = "N", global = true, value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Print no progress and no warnings
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dictionary(cmd::dictionary::Args),
    Similar(cmd::similar::Args),
    Build(cmd::build::Args),
    Convert(cmd::convert::Args),
    Info(cmd::info::Args),
    Verify(cmd::verify::Args),
}

/// Prints what is wrong with the command line in one line, or the help that was asked for.
pub(crate) fn explain(error: &clap::Error) -> ExitCode {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand) {
        // A pipe that closes on the help text is nobody's problem.
        let _ = error.print();
        return ExitCode::from(error.exit_code() as u8);
    }
    // clap says what is wrong in the first paragraph; usage and tips follow.
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    report::error(&format!("{line}; see ohyeah --help"));
    ExitCode::from(2)
}
