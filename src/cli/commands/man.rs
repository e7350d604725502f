//! `prep man`: manual pages from the definition of the flags.

use std::path::{Path, PathBuf};

use clap::{CommandFactory, ValueHint};
use prep_stream::error::{Error, OutputError, Place, Result};

use super::Cli;
use crate::cli::{output_error, terminal};

/// Print the manual pages, or write one file each
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Write prep.1, prep-stream.1, ... here instead of printing them
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    match &args.dir {
        Some(dir) => write_pages(dir),
        None => terminal::print(&all_pages()?),
    }
}

fn write_pages(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .map_err(|source| {
            let action = "write the manual pages";
            Error::from(OutputError::Io { action, source }).at(Place::path(dir))
        })
}

fn all_pages() -> Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        clap_mangen::Man::new(command.clone())
            .render(&mut pages)
            .map_err(|source| output_error("render the manual pages", source))?;
    }
    Ok(pages)
}
