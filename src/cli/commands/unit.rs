//! `prep unit`: one pass of some units of a planned job.

use clap::ValueEnum;
use prep_stream::engine::{Cancel, Child, Pass};
use prep_stream::error::Result;
use prep_stream::job;
use prep_stream::report::units_text;

use crate::cli::args::{LogFormat, PlannedArgs, Units};
use crate::cli::{allocator, progress, terminal, values};

const EXAMPLES: &str = "\
The three passes, each once all units of the one before it are done; units of one pass in any order, on
any machines that share the directory of --out, any of them twice. Without --memory a process takes the
share of its machine's that goes with its --threads. Text is read from the cache beside --out, where
prep plan has left it:

  prep plan --in data/ --out standardized/ --plan plan.json
  prep unit split --plan plan.json --unit 0..40
  prep unit fit --plan plan.json --unit $SLURM_ARRAY_TASK_ID
  prep unit write --plan plan.json --unit 7
  prep commit --plan plan.json

Exit codes: 0 done, 2 usage, 3 input data, or not what was planned, 4 disk, or units of the pass before
are missing, 6 does not fit --memory, 128 + n stopped by signal n.";

/// Do one pass of some units of a planned job
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep unit <PASS> --plan <FILE> --unit <N[..M]> [OPTIONS]")]
pub(in crate::cli) struct Args {
    /// Which pass
    #[arg(value_name = "PASS")]
    pass: PassArg,

    /// One unit, or those from N up to but not including M
    #[arg(long, value_name = "N[..M]", value_parser = values::units)]
    unit: Units,

    /// Ends with the process of this id, which has started it
    #[arg(long, value_name = "PID", hide = true)]
    child_of: Option<u32>,

    /// Can't take much more than its --memory
    #[arg(long, hide = true)]
    limit_memory: bool,

    #[command(flatten)]
    pub(in crate::cli) planned: PlannedArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PassArg {
    Split,
    Fit,
    Write,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<()> {
    let watch = args.planned.watch();
    let planned = args.planned.into_shared();
    allocator::suit(planned.resources);
    args.child_of.map_or(Ok(()), Child::bind)?;
    if args.limit_memory {
        Child::limit(planned.resources.memory_bytes_max)?;
    }
    let pass = match args.pass {
        PassArg::Split => Pass::Split,
        PassArg::Fit => Pass::Fit,
        PassArg::Write => Pass::Write,
    };
    let units = args.unit.0;
    let report = progress::watched(watch, |observer| {
        job::unit(&planned, pass, units, cancel, observer)
    })?;
    match watch.log_format {
        _ if watch.is_quiet => Ok(()),
        LogFormat::Json => terminal::print_json(&report),
        LogFormat::Text => terminal::print(units_text(&report).as_bytes()),
    }
}
