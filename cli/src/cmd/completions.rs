//! `ohyeah completions` and `ohyeah man`: what a shell completes, and manual pages, made of the command line itself.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use ohyeah::AtomicFile;

use crate::{args::Cli, failure::Failure, output::Output};

/// Write a script that has a shell complete the command line, to standard output
///
/// For bash: ohyeah completions bash > ~/.local/share/bash-completion/completions/ohyeah
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Write the manual pages, one for each command, into a folder
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The folder, which must exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ohyeah", &mut script);
    let mut out = Output::standard();
    out.write_all(&script)?;
    Ok(out.commit()?)
}

pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        // The name of the page and its headline, as git has them.
        let name = format!("ohyeah-{}", subcommand.get_name());
        page(&args.folder, &name, subcommand.clone().display_name(name.clone()))?;
    }
    page(&args.folder, "ohyeah", command)
}

fn page(folder: &Path, name: &str, command: clap::Command) -> Result<(), Failure> {
    let mut file = AtomicFile::create(folder.join(format!("{name}.1")))?;
    Man::new(command).render(&mut file)?;
    Ok(file.commit()?)
}
