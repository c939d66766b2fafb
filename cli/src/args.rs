//! The command line.

use std::{num::NonZeroUsize, process::ExitCode, str::FromStr};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::{cmd, report};

/// Similar words from word vectors, fast
#[derive(Debug, Parser)]
#[command(name = "ohyeah", version, about, arg_required_else_help = true, max_term_width = 100)]
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

/// `--threads`; a mistyped million of them would take all memory.
fn threads(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(n) if n.get() <= 1024 => Ok(n),
        _ => Err("a whole number is needed, from 1 to 1024".into()),
    }
}

/// `--top` and the like, of which none would leave nothing to do.
pub(crate) fn at_least_one<N: FromStr + Default + PartialEq>(text: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|n| *n != N::default());
    number.ok_or_else(|| "a whole number is needed, at least 1".into())
}

/// `--recall`
pub(crate) fn recall(text: &str) -> Result<f32, String> {
    let recall = text.parse().ok().filter(|recall| (0.5..1.0).contains(recall));
    recall.ok_or_else(|| "a share is needed, from 0.5 to below 1; for all use --exact".into())
}

/// `--seed`
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a whole number is needed, from 0 to {}", u64::MAX))
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
