//! The flags of `prep fit` and `prep transform`: groups of those of a job.

use std::path::PathBuf;

use clap::ValueHint;
use prep_stream::error::Result;
use prep_stream::spec::{JobSpec, TransformSpec};

use super::fit::{FitArgs, OnInfArg};
use super::output::{FitOutputArgs, TransformOutputArgs};
use super::run::{PlainRunArgs, Watch};
use super::{columns, input, refuse_weighted_ddof, split, text};

/// The flags of `prep fit`: those of a job that decide the scaler. Folds are refused, with the reason.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("folds", |arg| arg.hide(true)),
    mut_arg("materialize_folds", |arg| arg.hide(true))
)]
pub(in crate::cli) struct FitJobArgs {
    #[command(flatten)]
    input: input::InputArgs,
    #[command(flatten)]
    split: split::SplitArgs,
    #[command(flatten)]
    columns: columns::ColumnArgs,
    #[command(flatten)]
    fit: FitArgs,
    #[command(flatten)]
    output: FitOutputArgs,
    #[command(flatten)]
    text: text::TextArgs,
    #[command(flatten)]
    run: PlainRunArgs,
}

/// The flags of `prep transform`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Scaler")]
pub(in crate::cli) struct TransformArgs {
    /// The scaler file that prep stream, fit or merge has left; its columns must all be there
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    scaler: PathBuf,

    /// Turn standardized values back into what they were
    #[arg(long)]
    inverse: bool,

    /// What infinities in features are: an error, or nulls [default: as when the scaler was fitted]
    #[arg(long, value_name = "WHAT")]
    on_inf: Option<OnInfArg>,

    #[command(flatten)]
    input: input::InputArgs,
    #[command(flatten)]
    output: TransformOutputArgs,
    #[command(flatten)]
    text: text::TextArgs,
    #[command(flatten)]
    run: PlainRunArgs,
}

impl FitJobArgs {
    pub(in crate::cli) fn watch(&self) -> Watch {
        self.run.watch()
    }

    /// What was meant.
    ///
    /// # Errors
    /// When two flags contradict each other.
    pub(in crate::cli) fn into_spec(self) -> Result<JobSpec> {
        let text_columns = self.text.columns();
        let (columns, fit) = (self.columns.into_spec(text_columns), self.fit.into_spec());
        refuse_weighted_ddof(&columns, &fit)?;
        Ok(JobSpec {
            input: self.input.into_spec(self.text.into_dialect()),
            split: self.split.into_spec()?,
            columns,
            fit,
            output: self.output.into_spec(),
            resources: self.run.resources(),
        })
    }
}

impl TransformArgs {
    pub(in crate::cli) fn watch(&self) -> Watch {
        self.run.watch()
    }

    /// What was meant.
    pub(in crate::cli) fn into_spec(self) -> TransformSpec {
        TransformSpec {
            scaler: self.scaler,
            inverse: self.inverse,
            text: self.text.columns(),
            input: self.input.into_spec(self.text.into_dialect()),
            on_inf: self.on_inf.map(Into::into),
            output: self.output.into_spec(),
            resources: self.run.resources(),
        }
    }
}
