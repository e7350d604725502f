//! The commands, one file each of one shape: what it takes (`Args`) and what it does (`run`).

mod audit;
mod commit;
mod completions;
mod engine;
mod fit;
mod man;
mod merge;
mod plan;
mod report;
mod stream;
mod transform;
mod unit;
mod validate;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use prep_stream::engine::Cancel;
use prep_stream::error::Result;

use super::args::LogFormat;

/// Split tables larger than memory, fit mean and variance on train only, write standardized Parquet
#[derive(Debug, Parser)]
#[command(
    name = "prep",
    version,
    max_term_width = 100,
    arg_required_else_help = false
)]
#[command(disable_help_subcommand = true)]
#[command(
    after_help = "Start with prep stream --in PATH --out DIR; prep stream --help explains every flag."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Stream(Box<stream::Args>),
    Plan(Box<plan::Args>),
    Unit(unit::Args),
    Commit(commit::Args),
    Fit(Box<fit::Args>),
    Transform(Box<transform::Args>),
    Merge(merge::Args),
    Audit(Box<audit::Args>),
    Validate(Box<validate::Args>),
    Verify(verify::Args),
    Report(report::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// What a command line asks for.
pub(super) enum Parsed {
    /// Something to run.
    Command(Command),
    /// Help or the version, ready to print.
    Information(clap::Error),
}

impl Command {
    /// The form of what the command prints, where it has a choice.
    pub(super) fn log_format(&self) -> Option<LogFormat> {
        match self {
            Self::Stream(args) => Some(args.job.watch().log_format),
            Self::Plan(args) => Some(args.job.watch().log_format),
            Self::Unit(args) => Some(args.planned.watch().log_format),
            Self::Commit(args) => Some(args.planned.watch().log_format),
            Self::Fit(args) => Some(args.job.watch().log_format),
            Self::Transform(args) => Some(args.job.watch().log_format),
            Self::Merge(args) => Some(args.log_format),
            Self::Audit(args) => Some(args.audit.watch().log_format),
            Self::Validate(args) => Some(args.train.watch().log_format),
            Self::Verify(args) => Some(args.log_format),
            Self::Report(_) | Self::Completions(_) | Self::Man(_) => None,
        }
    }

    /// Does it.
    pub(super) fn run(self, cancel: &Cancel) -> Result<ExitCode> {
        match self {
            Self::Stream(args) => return stream::run(*args, cancel),
            Self::Commit(args) => return commit::run(args, cancel),
            Self::Fit(args) => return fit::run(*args, cancel),
            Self::Transform(args) => return transform::run(*args, cancel),
            Self::Plan(args) => plan::run(*args, cancel),
            Self::Unit(args) => unit::run(args, cancel),
            Self::Merge(args) => merge::run(&args),
            Self::Audit(args) => audit::run(*args, cancel),
            Self::Validate(args) => validate::run(*args, cancel),
            Self::Verify(args) => verify::run(args, cancel),
            Self::Report(args) => report::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::Man(args) => man::run(&args),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// Exit code of a run that left out bad files on request.
const BAD_FILES: u8 = 7;

/// The exit code of a run that ended well.
fn exit_code(bad_files: u64) -> ExitCode {
    match bad_files {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(BAD_FILES),
    }
}
