//! `prep completions`: shell completions from the definition of the flags.

use clap::CommandFactory;
use clap_complete::Shell;
use prep_stream::error::Result;

use super::Cli;
use crate::cli::terminal;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The shell to complete in
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "prep", &mut script);
    terminal::print(&script)
}
