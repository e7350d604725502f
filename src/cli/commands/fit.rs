//! `prep fit`: the first two passes of `prep stream`, for a scaler without shards.

use std::process::ExitCode;

use prep_stream::engine::Cancel;
use prep_stream::error::Result;
use prep_stream::job;
use prep_stream::report::run_text;

use super::exit_code;
use super::stream::print_outcome;
use crate::cli::args::FitJobArgs;
use crate::cli::{allocator, progress};

const EXAMPLES: &str = "\
Examples:
  prep fit --in data/ --out fitted/
  prep fit --in data/2024-05-01 --root data --out fitted-0501/ --split-by group:user --label price
  prep transform --scaler fitted/scaler.json --in new/ --out standardized/

DIR holds scaler.json, manifest.json and run.json. Sides are those of prep stream with the same
flags, and scaler.json has the same bytes.

Exit codes: 0 done, 2 usage, 3 input data, 4 output or disk, 5 locked by another run, 6 does not fit
--memory, 7 done but for bad files that were skipped on request, 128 + n stopped by signal n.";

/// Split rows and fit on train, for a scaler without shards
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep fit --in <PATH>... --out <DIR> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) job: FitJobArgs,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<ExitCode> {
    let watch = args.job.watch();
    let spec = args.job.into_spec()?;
    allocator::suit(spec.resources);
    let outcome = progress::watched(watch, |observer| job::fit(&spec, cancel, observer))?;
    if !watch.is_quiet {
        print_outcome(&outcome, watch, run_text)?;
    }
    Ok(exit_code(outcome.bad_files()))
}
