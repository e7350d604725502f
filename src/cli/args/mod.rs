//! What was typed. Each file holds one group of flags and turns it into its part of the `JobSpec`,
//! once; after that nothing remembers how it was typed.

mod audit;
mod columns;
mod engine;
mod fit;
mod input;
mod output;
mod resources;
mod reuse;
mod run;
mod split;
mod text;
mod train;
mod units;

use prep_stream::error::{Result, UsageError};
use prep_stream::spec::{ColumnSpec, FailOn, FitSpec, JobSpec};

pub(super) use self::audit::AuditArgs;
pub(super) use self::engine::Cluster;
pub(super) use self::resources::ResourceArgs;
pub(super) use self::reuse::{FitJobArgs, TransformArgs};
pub(super) use self::run::{LogFormat, Watch};
pub(super) use self::train::TrainArgs;
pub(super) use self::units::{PlannedArgs, Units};

/// The flags of a job, shared by `stream` and `plan`.
#[derive(Debug, clap::Args)]
pub(super) struct JobArgs {
    #[command(flatten)]
    input: input::InputArgs,
    #[command(flatten)]
    split: split::SplitArgs,
    #[command(flatten)]
    columns: columns::ColumnArgs,
    #[command(flatten)]
    fit: fit::FitArgs,
    #[command(flatten)]
    output: output::OutputArgs,
    #[command(flatten)]
    text: text::TextArgs,
    #[command(flatten)]
    audit: audit::JobAuditArgs,
    #[command(flatten)]
    run: run::RunArgs,
    #[command(flatten)]
    engine: engine::EngineArgs,
}

impl JobArgs {
    /// How the run is watched.
    pub(super) fn watch(&self) -> Watch {
        self.run.watch()
    }

    /// What makes the audit fail.
    pub(super) fn conditions(&self) -> Vec<FailOn> {
        self.audit.conditions()
    }

    /// Whether only the plan is wanted.
    pub(super) fn is_dry(&self) -> bool {
        self.run.is_dry()
    }

    /// The cluster that is to do the units, if any is.
    ///
    /// # Errors
    /// For an address without an engine.
    pub(super) fn cluster(&self) -> Result<Option<Cluster>> {
        self.engine.cluster()
    }

    /// Threads and memory, as far as they are given.
    pub(super) fn given_resources(&self) -> (Option<usize>, Option<u64>) {
        self.run.given_resources()
    }

    /// What was meant.
    ///
    /// # Errors
    /// When two flags contradict each other.
    pub(super) fn into_spec(self) -> Result<JobSpec> {
        let (columns, text_columns) = (self.columns, self.text.columns());
        let (columns, fit) = (columns.into_spec(text_columns), self.fit.into_spec());
        refuse_weighted_ddof(&columns, &fit)?;
        Ok(JobSpec {
            input: self.input.into_spec(self.text.into_dialect()),
            split: self.split.into_spec()?,
            columns,
            fit,
            output: self.output.into_spec(self.audit.is_wanted()),
            resources: self.run.resources(),
        })
    }
}

fn refuse_weighted_ddof(columns: &ColumnSpec, fit: &FitSpec) -> Result<()> {
    if columns.weights.is_none() || fit.ddof == 0 {
        return Ok(());
    }
    Err(UsageError::Conflict {
        first: "--weights",
        second: "--ddof",
        reason: "a weighted variance divides by the sum of the weights".to_owned(),
    }
    .into())
}
