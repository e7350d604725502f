//! `prep stream`: the main job.

use prep_stream::engine::Cancel;
use prep_stream::error::Result;
use prep_stream::job::{self, Outcome};
use prep_stream::report::{run_text, unchanged_text};

use super::plan;
use crate::cli::args::{JobArgs, LogFormat};
use crate::cli::{progress, terminal};

const EXAMPLES: &str = "\
Examples:
  prep stream --in data/ --out standardized/
  prep stream --in 'data/2024-*.parquet' --out out/ --label price --exclude id,zip --dtype float32
  prep stream --in train.csv test.csv --out out/ --split-by column:side --text zip
  prep stream --config job.toml --memory 2GiB --log-format json

Settings: flag, then PREP_* variable (PREP_TEST_SIZE=0.1; PREP_IN takes several paths as PATH does),
then --config FILE (test-size = 0.1), then the default.

Exit codes: 0 done, 1 --validate failed, 2 usage, 3 input data, 4 output or disk, 5 locked by another run, 6 does not fit
--memory, 128 + n stopped by signal n.";

/// Split rows, fit on train, write standardized Parquet for both sides
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep stream --in <PATH>... --out <DIR> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) job: JobArgs,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<()> {
    if args.job.is_dry() {
        return plan::show(args.job, cancel);
    }
    let watch = args.job.watch();
    let spec = args.job.into_spec();
    let observer = progress::observer(watch);
    let outcome = job::stream(&spec, cancel, observer.as_ref());
    // Bars leave the terminal before anything else is printed.
    drop(observer);
    let outcome = outcome?;
    if watch.is_quiet {
        return check(&outcome);
    }
    match (watch.log_format, &outcome) {
        (LogFormat::Json, Outcome::Written(report)) => terminal::print_json(report),
        (LogFormat::Json, Outcome::Unchanged(report)) => terminal::print_json(report),
        (LogFormat::Text, Outcome::Written(report)) => {
            terminal::print(run_text(report, terminal::stdout_paint()).as_bytes())
        }
        (LogFormat::Text, Outcome::Unchanged(report)) => {
            terminal::print(unchanged_text(report).as_bytes())
        }
    }
    // Only the summary is lost: the output was published before.
    .map_err(|error| error.hint("the output is complete; only its summary is lost"))?;
    check(&outcome)
}

/// A validation that isn't passed is how the run ends, though its output is there.
fn check(outcome: &Outcome) -> Result<()> {
    match outcome {
        Outcome::Written(report) => report
            .validation
            .as_ref()
            .map_or(Ok(()), job::check)
            .map_err(|error| error.hint("the output is complete; see its validation.json")),
        Outcome::Unchanged(_) => Ok(()),
    }
}
