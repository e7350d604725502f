//! `prep report`: `report.html` and `report.json`, drawn from the records of an output.

use std::path::PathBuf;

use clap::ValueHint;
use prep_stream::error::Result;
use prep_stream::job;

use crate::cli::terminal;

const EXAMPLES: &str = "\
Examples:
  prep report standardized/

Exit codes: 0 done, 2 usage, 3 the output is damaged or none of prep, 4 the report cannot be written.";

/// Draw report.html and report.json of an output: its numbers, histograms, drift, training curves
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep report <OUT> [OPTIONS]")]
pub(in crate::cli) struct Args {
    /// The output directory of prep stream
    #[arg(value_name = "OUT", value_hint = ValueHint::DirPath)]
    output: PathBuf,

    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let page = job::report(&args.output)?;
    if args.quiet {
        return Ok(());
    }
    terminal::print(format!("{}\n", page.display()).as_bytes())
}
