//! What an audit looks for, and what makes it fail.

use std::path::PathBuf;

use clap::ValueHint;
use prep_stream::spec::{AuditSpec, FailOn, Resources};

use super::columns::flatten;
use super::resources::ResourceArgs;
use super::run::{LogFormat, Watch};
use crate::cli::values::{self, Names};

/// The flags of `prep audit`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AuditArgs {
    /// Directory that prep stream made
    #[arg(value_name = "OUT", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) out: PathBuf,

    /// What it was made from, as given to prep stream: report files that changed since, are gone or
    /// are new
    #[arg(long = "in", value_name = "PATH", num_args = 1.., value_hint = ValueHint::AnyPath)]
    source: Vec<PathBuf>,

    /// The --root that prep stream was given
    #[arg(long, value_name = "DIR", requires = "source", value_hint = ValueHint::DirPath)]
    root: Option<PathBuf>,

    /// Follow symbolic links, as prep stream was told to
    #[arg(long, requires = "source")]
    follow_symlinks: bool,

    /// Labels that features are compared with [default: those of the output's job]
    #[arg(long, value_name = "COLUMNS", value_parser = values::names)]
    label: Vec<Names>,

    /// Columns of a key whose rows belong on one side [default: those of the output's split]
    #[arg(long, value_name = "COLUMNS", value_parser = values::names)]
    group: Vec<Names>,

    /// Column of times in which test should come after train [default: that of the output's split]
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,

    /// Columns left out when rows are compared, an id for example
    #[arg(long, value_name = "COLUMNS", value_parser = values::names)]
    ignore: Vec<Names>,

    /// Exit with code 1 if it finds one of these: leak, warning (or worse), drift>NUMBER (a population
    /// stability index); repeatable, separated by commas
    #[arg(long, value_name = "CONDITIONS", value_delimiter = ',')]
    pub(in crate::cli) fail_on: Vec<FailOn>,

    #[command(flatten)]
    resources: ResourceArgs,

    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,

    /// Progress, errors and findings as text or as one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// The flags of a job that is audited before it is published.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Audit")]
pub(super) struct JobAuditArgs {
    /// Look for leaks before the output is published, as prep audit does, and leave audit.json in it
    #[arg(long)]
    audit: bool,

    /// Exit with code 1 if the audit finds one of these: leak, warning (or worse), drift>NUMBER (a
    /// population stability index); the output is published all the same. Repeatable, separated by
    /// commas; implies --audit
    #[arg(long, value_name = "CONDITIONS", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
}

impl JobAuditArgs {
    pub(super) fn is_wanted(&self) -> bool {
        self.audit || !self.fail_on.is_empty()
    }

    pub(super) fn conditions(&self) -> Vec<FailOn> {
        self.fail_on.clone()
    }
}

impl AuditArgs {
    pub(in crate::cli) fn watch(&self) -> Watch {
        Watch {
            is_quiet: self.quiet,
            log_format: self.log_format,
        }
    }

    pub(in crate::cli) fn resources(&self) -> Resources {
        self.resources.resources()
    }

    pub(in crate::cli) fn into_spec(self) -> AuditSpec {
        AuditSpec {
            source: self.source,
            root: self.root,
            follow_symlinks: self.follow_symlinks,
            label: flatten(self.label),
            group: flatten(self.group),
            time: self.time,
            ignore: flatten(self.ignore),
        }
    }
}
