//! `prep validate`: the proof that training works on an output where it doesn't on the raw table.

use prep_stream::engine::Cancel;
use prep_stream::error::Result;
use prep_stream::job;
use prep_stream::report::{Validation, validation_text};
use prep_stream::spec::ValidateSpec;

use crate::cli::args::{LogFormat, TrainArgs, Watch};
use crate::cli::{allocator, progress, terminal};

const EXPLANATION: &str = "\
Three networks with the same initial weights, learning rate and rows see the features as they were
(raw, full; z x scale + mean), a part of those rows (raw, part), and the standardized features. One
that ends in NaN is a result. What came of them, and why, is printed and written to
DIR/validation.json.

Examples:
  prep validate --data out/ --label price
  prep validate --data out/ --label species --epochs 50 --diagnose
  prep validate --data out/ --label fare --optimizer adam --hidden 128,64 --log-format json

Exit codes: 0 the standardized arm stayed finite and beats the best constant on test, 1 it did not,
2 usage, 3 the output or its label, 4 disk, 6 does not fit --memory, 128 + n stopped by signal n.";

/// Train a small network on the raw and on the standardized features
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXPLANATION)]
#[command(override_usage = "prep validate --data <DIR> --label <COLUMN> [OPTIONS]")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    pub(in crate::cli) train: TrainArgs,
}

pub(super) fn run(args: Args, cancel: &Cancel) -> Result<()> {
    let watch = args.train.watch();
    let spec = args.train.into_spec();
    allocator::suit(spec.resources);
    let validation = show(&spec, watch, cancel)?;
    job::check(&validation, &spec.data)
}

/// What became of the networks is the result; `--quiet` leaves validation.json.
pub(super) fn show(spec: &ValidateSpec, watch: Watch, cancel: &Cancel) -> Result<Validation> {
    let validation = progress::watched(watch, |observer| job::validate(spec, cancel, observer))?;
    match watch.log_format {
        _ if watch.is_quiet => Ok(()),
        LogFormat::Json => terminal::print_json(&validation),
        LogFormat::Text => {
            let text = validation_text(&validation, terminal::stdout_paint());
            terminal::print(text.as_bytes())
        }
    }?;
    Ok(validation)
}
