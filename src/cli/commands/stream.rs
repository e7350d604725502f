//! `prep stream`: the main job.

use std::process::ExitCode;

use prep_stream::engine::Cancel;
use prep_stream::error::{Result, UsageError};
use prep_stream::job::{self, Outcome};
use prep_stream::report::{AuditReport, Paint, Validation, run_text, unchanged_text};
use prep_stream::spec::{AuditSpec, JobSpec};
use serde::Serialize;

use super::engine::{self, Driver};
use super::{audit, exit_code, plan, validate};
use crate::cli::args::{JobArgs, LogFormat, Watch};
use crate::cli::{allocator, progress, terminal};

const EXAMPLES: &str = "\
Examples:
  prep stream --in data/ --out standardized/
  prep stream --in 'data/2024-*.parquet' --out out/ --label price --exclude id,zip --dtype float32
  prep stream --in train.csv test.csv --out out/ --split-by column:side --text zip
  prep stream --in arriving/ --out standardized/ --update
  prep stream --in /lake/in --out /lake/out --engine ray --address 10.0.0.1:6379
  prep stream --config job.toml --memory 2GiB --log-format json

Settings: flag, then PREP_* variable (PREP_TEST_SIZE=0.1; PREP_IN takes several paths as PATH does),
then --config FILE (test-size = 0.1), then the default.

Exit codes: 0 done, 1 the audit found what --fail-on names or --validate failed, 2 usage, 3 input
data, 4 output or disk, 5 locked by another run, 6 does not fit --memory, 7 done but for bad files
that were skipped on request, 128 + n stopped by signal n.";

/// Split rows, fit on train, write standardized Parquet for both sides
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep stream --in <PATH>... --out <DIR> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) job: JobArgs,

    /// Each unit of work in a process of its own, with its own limit of memory: one that aborts or is
    /// killed is an error of that unit, and the next run goes on with the others
    #[arg(long, help_heading = "Run")]
    isolate: bool,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<ExitCode> {
    if args.job.is_dry() {
        return plan::show(args.job, cancel).map(|()| ExitCode::SUCCESS);
    }
    let watch = args.job.watch();
    let cluster = args.job.cluster()?;
    let (threads, memory) = args.job.given_resources();
    let conditions = args.job.conditions();
    let spec = args.job.into_spec()?;
    if let Some(cluster) = &cluster {
        plan::refuse_update(&spec, "--engine")?;
        if args.isolate {
            return Err(UsageError::Conflict {
                first: "--isolate",
                second: "--engine",
                reason: "a cluster does each unit in a process of its own anyway".to_owned(),
            }
            .into());
        }
        let driver = Driver {
            cluster,
            watch,
            threads,
            memory,
        };
        return engine::become_driver(&driver, &spec).map(|never| match never {});
    }
    allocator::suit(spec.resources);
    let program = args.isolate.then(terminal::program).transpose()?;
    if program.is_some() {
        plan::refuse_update(&spec, "--isolate")?;
    }
    let outcome = progress::watched(watch, |observer| match &program {
        Some(program) => job::stream_isolated(&spec, program, cancel, observer),
        None => job::stream(&spec, cancel, observer),
    })?;
    let code = exit_code(outcome.bad_files());
    if !watch.is_quiet {
        print(&outcome, watch)?;
    }
    let (audit, validation) = match outcome {
        Outcome::Written(report) => (report.audit, report.validation),
        Outcome::Unchanged(_) => again(&spec, watch, cancel)?,
    };
    let out = &spec.output.path;
    audit.map_or(Ok(()), |report| job::judge(&report, &conditions, out))?;
    validation.map_or(Ok(()), |validation| job::check(&validation, out))?;
    Ok(code)
}

/// The audit and the validation of an output that was there already, as far as they are wanted.
fn again(
    spec: &JobSpec,
    watch: Watch,
    cancel: &Cancel,
) -> Result<(Option<AuditReport>, Option<Validation>)> {
    let out = &spec.output.path;
    let audit = || audit::show(out, &AuditSpec::default(), spec.resources, watch, cancel);
    let audit = spec.output.audit.then(audit).transpose()?;
    let validation = job::validation_of(spec, out);
    let validation = validation.map(|wanted| validate::show(&wanted, watch, cancel));
    Ok((audit, validation.transpose()?))
}

fn print(outcome: &Outcome, watch: Watch) -> Result<()> {
    print_outcome(outcome, watch, run_text)
}

/// The summary of what was made, as `text` puts it; that of what was there already.
pub(super) fn print_outcome<R: Serialize>(
    outcome: &Outcome<R>,
    watch: Watch,
    text: impl FnOnce(&R, Paint) -> String,
) -> Result<()> {
    match (watch.log_format, outcome) {
        (LogFormat::Json, Outcome::Written(report)) => terminal::print_json(report),
        (LogFormat::Json, Outcome::Unchanged(report)) => terminal::print_json(report),
        (LogFormat::Text, Outcome::Written(report)) => {
            terminal::print(text(report, terminal::stdout_paint()).as_bytes())
        }
        (LogFormat::Text, Outcome::Unchanged(report)) => {
            terminal::print(unchanged_text(report).as_bytes())
        }
    }
    // Only the summary is lost: the output was published before.
    .map_err(|error| error.hint("the output is complete; only its summary is lost"))
}
