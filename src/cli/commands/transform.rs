//! `prep transform`: new data by a scaler that was fitted before.

use std::process::ExitCode;

use prep_stream::engine::Cancel;
use prep_stream::error::Result;
use prep_stream::job;
use prep_stream::report::transform_text;

use super::exit_code;
use super::stream::print_outcome;
use crate::cli::args::TransformArgs;
use crate::cli::{allocator, progress};

const EXAMPLES: &str = "\
Every column of the scaler must be in the input, by its name, and hold numbers; their order doesn't
matter. Other columns pass through as they are. A value becomes the very number that prep stream
writes for it; --inverse gives it back but for the rounding of floats.

Examples:
  prep transform --scaler standardized/scaler.json --in new/ --out new-standardized/
  prep transform --scaler s.json --in predictions/ --out plain/ --inverse --dtype float32

Exit codes: 0 done, 2 usage, 3 input data or the scaler, 4 output or disk, 5 locked by another run,
6 does not fit --memory, 7 done but for bad files that were skipped on request, 128 + n stopped by
signal n.";

/// Standardize new data by a scaler file, or turn standardized data back
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep transform --scaler <FILE> --in <PATH>... --out <DIR> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) job: TransformArgs,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<ExitCode> {
    let watch = args.job.watch();
    let spec = args.job.into_spec();
    allocator::suit(spec.resources);
    let outcome = progress::watched(watch, |observer| job::transform(&spec, cancel, observer))?;
    if !watch.is_quiet {
        print_outcome(&outcome, watch, transform_text)?;
    }
    Ok(exit_code(outcome.bad_files()))
}
