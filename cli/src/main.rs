//! The command `ohyeah`: similar words, and a dictionary of them for a whole vocabulary.
//!
//! One file a subcommand under `cmd/`. What they share: `args` the command line, `numbers` what its options take, `input`
//! opening vectors, `json` writing lines of it, `kind` telling what a file is, `mapped` opening indexes, `output` writing a file or standard output, `report` progress, warnings
//! and errors, `words` the file of words beside an array, `failure` what ends a command early, `interrupt` what happens on Ctrl-C.

// A panic that data can reach is a bug. Here and not in the workspace's lints, for those would forbid it to tests as well.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod args;
mod cmd;
mod failure;
mod input;
#[cfg(unix)]
mod interrupt;
mod json;
mod kind;
mod mapped;
mod numbers;
mod output;
mod report;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, Command},
    failure::Failure,
    report::Report,
};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => match run(cli) {
            // Whoever read our output has seen enough: `ohyeah similar … | head -1` is no failure.
            Ok(()) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
            Err(Failure::Message(message)) => {
                report::error(&message);
                ExitCode::from(1)
            }
        },
        Err(error) => args::explain(&error),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    #[cfg(unix)]
    interrupt::watch().map_err(|error| Failure::about("signals cannot be caught", error))?;
    // Here for all commands alike, also for those that compute nothing with it.
    ohyeah::backend()?;
    if let Some(threads) = cli.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
        pool.build_global().map_err(|error| Failure::Message(format!("--threads {threads}: {error}")))?;
    }
    let report = Report::new(cli.quiet);
    match cli.command {
        Command::Build(args) => cmd::build::run(&args, report),
        Command::Completions(args) => cmd::completions::completions(&args),
        Command::Convert(args) => cmd::convert::run(&args, report),
        Command::Dictionary(args) => cmd::dictionary::run(&args, report),
        Command::Info(args) => cmd::info::run(&args, report),
        Command::Man(args) => cmd::completions::man(&args),
        Command::Similar(args) => cmd::similar::run(&args, report),
        Command::Verify(args) => cmd::verify::run(&args),
    }
}
