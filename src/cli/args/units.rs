//! The flags of `prep unit` and `prep commit`: a plan, and what this process may use.

use std::ops::Range;
use std::path::PathBuf;

use clap::ValueHint;
use prep_stream::job::Planned;
use prep_stream::spec::Resources;

use super::resources::ResourceArgs;
use super::run::{LogFormat, Watch};
use crate::cli::values;

/// The flags of a process that does a part of a planned job.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PlannedArgs {
    /// The plan that prep plan --plan has left
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    plan: PathBuf,

    /// A directory of the plan's paths is elsewhere on this machine: FROM as in the plan, TO as here;
    /// repeatable, the first that fits counts
    #[arg(long, value_name = "FROM=TO", value_parser = values::map_root)]
    map_root: Vec<(PathBuf, PathBuf)>,

    #[command(flatten)]
    resources: ResourceArgs,

    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,

    /// Progress, errors and summary as text or as one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// Which units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Units(pub(in crate::cli) Range<u64>);

impl PlannedArgs {
    pub(in crate::cli) fn watch(&self) -> Watch {
        Watch {
            is_quiet: self.quiet,
            log_format: self.log_format,
        }
    }

    /// For a process that has the machine for itself.
    pub(in crate::cli) fn into_planned(self) -> Planned {
        let resources = self.resources.resources();
        self.planned(resources)
    }

    /// For one of several.
    pub(in crate::cli) fn into_shared(self) -> Planned {
        let resources = self.resources.share();
        self.planned(resources)
    }

    fn planned(self, resources: Resources) -> Planned {
        Planned {
            path: self.plan,
            map_root: self.map_root,
            resources,
            sizes_only: false,
        }
    }
}
