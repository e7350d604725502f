//! `prep commit`: the output of a planned job, once all its units are done.

use std::process::ExitCode;

use prep_stream::engine::Cancel;
use prep_stream::error::Result;
use prep_stream::job::{self, Outcome, Planned};
use prep_stream::report::run_text;

use super::exit_code;
use super::stream::print_outcome;
use crate::cli::args::PlannedArgs;
use crate::cli::{allocator, progress};

const EXAMPLES: &str = "\
The output is that of prep stream with the flags of the plan, byte for byte, run.json and the report's
run section apart. A second commit of the same plan finds it there and does nothing. With --shuffle it
gathers the rows of all units and writes the shards.

Examples:
  prep commit --plan plan.json
  prep commit --plan plan.json --map-root /mnt/lake=/data/lake
  prep commit --plan plan.json --sizes-only && prep verify OUT

Exit codes: those of prep stream; 4 also if units are missing or damaged, which are named.";

/// Merge the results of all units of a planned job and publish its output
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep commit --plan <FILE> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) planned: PlannedArgs,

    /// Look at sizes and footers of shards alone, and don't read them all for their checksums: for an output
    /// that one process would read for hours
    #[arg(long)]
    sizes_only: bool,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<ExitCode> {
    let watch = args.planned.watch();
    let planned = Planned {
        sizes_only: args.sizes_only,
        ..args.planned.into_planned()
    };
    allocator::suit(planned.resources);
    let outcome = progress::watched(watch, |observer| job::commit(&planned, cancel, observer))?;
    if !watch.is_quiet {
        print_outcome(&outcome, watch, run_text)?;
    }
    if let Outcome::Written(report) = &outcome
        && let Some(validation) = &report.validation
    {
        job::check(validation, report.output.as_ref())?;
    }
    Ok(exit_code(outcome.bad_files()))
}
