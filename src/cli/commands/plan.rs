//! `prep plan`: what `prep stream` would do, from footers and headers alone.

use prep_stream::engine::Cancel;
use prep_stream::error::Result;
use prep_stream::job;
use prep_stream::report::plan_text;

use crate::cli::args::{JobArgs, LogFormat};
use crate::cli::{progress, terminal};

/// Show what stream would do, reading no more than footers and headers
#[derive(Debug, clap::Args)]
#[command(override_usage = "prep plan --in <PATH>... --out <DIR> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) job: JobArgs,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<()> {
    show(args.job, cancel)
}

/// The plan is the result: `--quiet` leaves it.
pub(super) fn show(args: JobArgs, cancel: &Cancel) -> Result<()> {
    let watch = args.watch();
    let spec = args.into_spec()?;
    let report = progress::watched(watch, |observer| job::plan(&spec, cancel, observer))?;
    match watch.log_format {
        LogFormat::Json => terminal::print_json(&report),
        LogFormat::Text => terminal::print(plan_text(&report, terminal::stdout_paint()).as_bytes()),
    }
}
