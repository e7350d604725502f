//! `prep plan`: what `prep stream` would do, from footers and headers alone; with `--plan`, the beginning of it.

use std::path::PathBuf;

use clap::ValueHint;
use prep_stream::engine::{Cancel, Observer};
use prep_stream::error::{Result, UsageError};
use prep_stream::job;
use prep_stream::report::{PlanReport, plan_text};
use prep_stream::spec::JobSpec;

use crate::cli::args::{JobArgs, LogFormat};
use crate::cli::{allocator, progress, terminal};

/// Show what stream would do, reading no more than footers and headers
#[derive(Debug, clap::Args)]
#[command(override_usage = "prep plan --in <PATH>... --out <DIR> [OPTIONS]")]
pub(in crate::cli) struct Args {
    /// Also write the plan to this file and prepare --out, for prep unit and prep commit: the job is then
    /// done by any number of processes. Text is parsed now, and sides that take several readings are found
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    plan: Option<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) job: JobArgs,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<()> {
    let Some(path) = &args.plan else {
        return show(args.job, cancel);
    };
    if !args.job.conditions().is_empty() {
        return Err(UsageError::Conflict {
            first: "--plan",
            second: "--fail-on",
            reason: "prep commit has no such conditions, prep audit has".to_owned(),
        }
        .into());
    }
    let plan =
        |spec: &JobSpec, observer: &dyn Observer| job::plan_units(spec, path, cancel, observer);
    planned(args.job, plan)
}

/// The plan is the result: `--quiet` leaves it.
pub(super) fn show(args: JobArgs, cancel: &Cancel) -> Result<()> {
    planned(args, |spec, observer| job::plan(spec, cancel, observer))
}

fn planned(
    args: JobArgs,
    plan: impl FnOnce(&JobSpec, &dyn Observer) -> Result<PlanReport>,
) -> Result<()> {
    let watch = args.watch();
    let spec = args.into_spec()?;
    refuse_update(&spec, "--dry-run or prep plan")?;
    allocator::suit(spec.resources);
    let report = progress::watched(watch, |observer| plan(&spec, observer))?;
    match watch.log_format {
        LogFormat::Json => terminal::print_json(&report),
        LogFormat::Text => terminal::print(plan_text(&report, terminal::stdout_paint()).as_bytes()),
    }
}

/// Refuses `--update` to what plans a job of all files.
pub(super) fn refuse_update(spec: &JobSpec, second: &'static str) -> Result<()> {
    if !spec.output.update {
        return Ok(());
    }
    let (first, reason) = ("--update", "a plan is one of all files".to_owned());
    Err(UsageError::Conflict {
        first,
        second,
        reason,
    }
    .into())
}
