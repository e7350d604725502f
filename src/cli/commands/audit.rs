//! `prep audit`: looks for leaks in an output that was made.

use std::path::Path;

use prep_stream::engine::{Cancel, Observer};
use prep_stream::error::Result;
use prep_stream::job;
use prep_stream::report::{AuditReport, audit_text};
use prep_stream::spec::{AuditSpec, Resources};

use crate::cli::allocator;
use crate::cli::args::{AuditArgs, LogFormat, Watch};
use crate::cli::{progress, terminal};

const EXAMPLES: &str = "\
Examples:
  prep audit out/
  prep audit out/ --group customer_id --time ordered_at --ignore order_id
  prep audit out/ --label price --fail-on leak,drift>0.2 --log-format json

Exit codes: 0 done, 1 found what --fail-on names, 2 usage, 3 the output is damaged or none of prep,
4 audit.json or a temporary file cannot be written, 6 does not fit --memory.";

/// Look for leaks and drift between the sides of an output
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
#[command(override_usage = "prep audit <OUT> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) audit: AuditArgs,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<()> {
    let args = args.audit;
    let (watch, resources) = (args.watch(), args.resources());
    allocator::suit(resources);
    let (out, conditions) = (args.out.clone(), args.fail_on.clone());
    let report = show(&out, &args.into_spec(), resources, watch, cancel)?;
    job::judge(&report, &conditions, &out)
}

/// The findings are the result; `--quiet` leaves audit.json.
pub(super) fn show(
    out: &Path,
    spec: &AuditSpec,
    resources: Resources,
    watch: Watch,
    cancel: &Cancel,
) -> Result<AuditReport> {
    let audit = |observer: &dyn Observer| job::audit(out, spec, resources, cancel, observer);
    let report = progress::watched(watch, audit)?;
    match watch.log_format {
        _ if watch.is_quiet => Ok(()),
        LogFormat::Json => terminal::print_json(&report),
        LogFormat::Text => {
            let output = out.display().to_string();
            let text = audit_text(&report, &output, terminal::stdout_paint());
            terminal::print(text.as_bytes())
        }
    }?;
    Ok(report)
}
