//! How the run goes and what it says meanwhile; never changes the result.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use prep_stream::spec::Resources;

use super::resources::ResourceArgs;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run")]
pub(super) struct RunArgs {
    #[command(flatten)]
    resources: ResourceArgs,

    /// Show what would happen and stop; the same as prep plan
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    said: SaidArgs,
}

/// How a command runs that has no `--dry-run`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Run")]
pub(super) struct PlainRunArgs {
    #[command(flatten)]
    resources: ResourceArgs,

    #[command(flatten)]
    said: SaidArgs,
}

/// What is printed, and where further settings are.
#[derive(Debug, clap::Args)]
struct SaidArgs {
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,

    /// Progress, errors and summary as text or as one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,

    /// Read settings from this TOML file: the flags' names without dashes in front; flags and PREP_*
    /// variables win
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

/// The form of everything printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    Text,
    Json,
}

/// How a run is watched.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Watch {
    pub(in crate::cli) is_quiet: bool,
    pub(in crate::cli) log_format: LogFormat,
}

impl SaidArgs {
    fn watch(&self) -> Watch {
        Watch {
            is_quiet: self.quiet,
            log_format: self.log_format,
        }
    }
}

impl RunArgs {
    pub(super) fn watch(&self) -> Watch {
        self.said.watch()
    }

    pub(super) fn is_dry(&self) -> bool {
        self.dry_run
    }

    pub(super) fn resources(&self) -> Resources {
        self.resources.resources()
    }

    pub(super) fn given_resources(&self) -> (Option<usize>, Option<u64>) {
        self.resources.given()
    }
}

impl PlainRunArgs {
    pub(super) fn watch(&self) -> Watch {
        self.said.watch()
    }

    pub(super) fn resources(&self) -> Resources {
        self.resources.resources()
    }
}
