//! `prep merge`: scalers of disjoint data become one.

use std::path::PathBuf;

use clap::ValueHint;
use prep_stream::error::Result;
use prep_stream::job;
use prep_stream::report::merge_text;

use crate::cli::args::LogFormat;
use crate::cli::terminal;

const EXAMPLES: &str = "\
The result is that of one fit over the train rows of all, bit for bit: scaler files hold exact sums.
They must be of the same columns, split, --ddof, --on-inf and weights, and of data that no two of
them share. Inputs that two share are found where the manifest.json of its output lies beside each
scaler; without it, only scalers whose sums are all equal are.

Examples:
  prep merge monday/scaler.json tuesday/scaler.json --out week.json

Exit codes: 0 done, 2 usage, 3 a scaler cannot be read or merged, 4 the file cannot be written.";

/// Merge scalers of disjoint data (days, nodes) into one, exactly
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep merge <SCALER> <SCALER>... --out <FILE> [OPTIONS]")]
pub(in crate::cli) struct Args {
    /// Scaler files that prep stream, fit or merge has left; columns keep the order of the first
    #[arg(value_name = "SCALER", required = true, num_args = 2.., value_hint = ValueHint::FilePath)]
    scalers: Vec<PathBuf>,

    /// File that appears, whole
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: PathBuf,

    /// Replace --out if it is there [default: refuse]
    #[arg(long)]
    overwrite: bool,

    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,

    /// The summary as text or as one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) log_format: LogFormat,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let report = job::merge(&args.scalers, &args.out, args.overwrite)?;
    match args.log_format {
        _ if args.quiet => Ok(()),
        LogFormat::Json => terminal::print_json(&report),
        LogFormat::Text => {
            terminal::print(merge_text(&report, terminal::stdout_paint()).as_bytes())
        }
    }
}
