//! `prep verify`: an output against itself and, with `--in`, against what it was made from.

use std::path::PathBuf;

use clap::ValueHint;
use prep_stream::engine::Cancel;
use prep_stream::error::{Error, ErrorKind, Result};
use prep_stream::report::verify_text;
use prep_stream::verify::{VerifySpec, verify};

use crate::cli::args::{LogFormat, ResourceArgs};
use crate::cli::{allocator, terminal};

const EXAMPLES: &str = "\
Examples:
  prep verify standardized/
  prep verify standardized/ --in data/

Without --in: exactly the files that manifest.json names, every checksum, schema and row count,
scaler.json from its exact sums, mean 0 and standard deviation 1 of every feature over the train rows.
With --in also: the side of every row, the fit, and every value.

Exit codes: 0 all is well, 1 something is wrong, 2 usage, 3 input data, 4 output, 6 does not fit
--memory, 128 + n stopped by signal n.";

/// Prove an output: checksums, schemas, rows, statistics; with --in, every row again
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep verify <OUT> [--in <PATH>...] [OPTIONS]")]
pub(in crate::cli) struct Args {
    /// The output directory of prep stream
    #[arg(value_name = "OUT", value_hint = ValueHint::DirPath)]
    output: PathBuf,

    /// What it was made from, as given to prep stream: split, fit and compare every row again
    #[arg(long = "in", value_name = "PATH", num_args = 1.., value_hint = ValueHint::AnyPath)]
    inputs: Vec<PathBuf>,

    /// The --root that prep stream was given
    #[arg(long, value_name = "DIR", requires = "inputs", value_hint = ValueHint::DirPath)]
    root: Option<PathBuf>,

    /// Follow symbolic links, as prep stream was told to
    #[arg(long, requires = "inputs")]
    follow_symlinks: bool,

    #[command(flatten)]
    resources: ResourceArgs,

    /// The report as text or as one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) log_format: LogFormat,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<()> {
    let resources = args.resources.resources();
    allocator::suit(resources);
    let spec = VerifySpec {
        output: args.output,
        inputs: args.inputs,
        root: args.root,
        follow_symlinks: args.follow_symlinks,
        resources,
    };
    let report = verify(&spec, cancel)?;
    match args.log_format {
        LogFormat::Json => terminal::print_json(&report),
        LogFormat::Text => {
            terminal::print(verify_text(&report, terminal::stdout_paint()).as_bytes())
        }
    }?;
    match report.finding_count {
        0 => Ok(()),
        findings => Err(Error::from(ErrorKind::CheckFailed { findings })),
    }
}
