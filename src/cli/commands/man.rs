//! `prep man`: manual pages from the definition of the flags.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory, ValueHint};
use clap_mangen::Man;
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
    std::fs::create_dir_all(dir).map_err(|source| write_error("create the folder", source, dir))?;
    for command in commands() {
        let page = Man::new(command.clone());
        let path = dir.join(page.get_filename());
        std::fs::write(&path, render(command)?)
            .map_err(|source| write_error("write the manual page", source, &path))?;
    }
    Ok(())
}

fn write_error(action: &'static str, source: std::io::Error, path: &Path) -> Error {
    Error::from(OutputError::Io { action, source }).at(Place::path(path))
}

fn all_pages() -> Result<Vec<u8>> {
    let pages: Result<Vec<Vec<u8>>> = commands().into_iter().map(render).collect();
    Ok(pages?.concat())
}

/// The program itself, then its commands.
fn commands() -> Vec<Command> {
    let mut program = Cli::command();
    program.build();
    let commands: Vec<Command> = program.get_subcommands().cloned().collect();
    std::iter::once(program).chain(commands).collect()
}

fn render(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command)
        .source(concat!("prep ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)
        .map_err(|source| output_error("render the manual pages", source))?;
    Ok(page)
}
