//! The command line.

use std::{num::NonZeroUsize, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand, error::ContextKind, error::ErrorKind};

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
    Completions(cmd::completions::CompletionsArgs),
    Man(cmd::completions::ManArgs),
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
    let subcommand = subcommand().map_or_else(String::new, |name| format!("{name} "));
    let words = if subcommand == "similar " && error.kind() == ErrorKind::UnknownArgument {
        behind_dashes(error)
    } else {
        String::new()
    };
    report::error(&format!("{line}; {words}see ohyeah {subcommand}--help"));
    ExitCode::from(2)
}

/// The command that was meant: the first argument that is the name of one.
fn subcommand() -> Option<String> {
    let command = Cli::command();
    let mut given = std::env::args_os().skip(1).filter_map(|argument| argument.into_string().ok());
    given.find(|argument| command.find_subcommand(argument).is_some())
}

/// How to ask for a word that was taken for an option.
fn behind_dashes(error: &clap::Error) -> String {
    // Of `-lrb-`, only `-l` is named.
    let named = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let word = std::env::args().find(|argument| argument.starts_with(&named)).unwrap_or(named);
    format!("a word that begins with a dash stands behind --, as in ohyeah similar VECTORS -- {word}; ")
}
