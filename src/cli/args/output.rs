//! What is written, and where.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use prep_stream::spec::{Compression, Dtype, OutputSpec, Overwrite};

use crate::cli::values;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    #[command(flatten)]
    path: PathArgs,

    #[command(flatten)]
    shards: ShardArgs,

    /// Write the rows of each side in a random order over all its shards, seeded by --seed: one more pass,
    /// over a copy of the output in its place on disk [default: in the order of the input]
    #[arg(long)]
    shuffle: bool,

    #[command(flatten)]
    replace: ReplaceArgs,

    /// Add the files that are new in --in to the output, standardized by its scaler as it is, and say how
    /// far they are from it; make the output if there is none; files that changed or are gone are an error
    #[arg(long)]
    update: bool,

    /// With --update: where any file is new, changed or gone, fit and write everything again
    #[arg(long, requires = "update")]
    refit: bool,

    /// Train a small network on the output, as prep validate does with its defaults; needs one --label
    #[arg(long)]
    validate: bool,

    /// Leave report.html and report.json out; prep report draws them at any time
    #[arg(long)]
    no_report: bool,
}

/// The output of `prep fit`, which has no shards.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct FitOutputArgs {
    #[command(flatten)]
    path: PathArgs,

    #[command(flatten)]
    replace: ReplaceArgs,
}

/// The output of `prep transform`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct TransformOutputArgs {
    #[command(flatten)]
    path: PathArgs,

    #[command(flatten)]
    shards: ShardArgs,

    #[command(flatten)]
    replace: ReplaceArgs,
}

#[derive(Debug, clap::Args)]
struct PathArgs {
    /// Directory that appears, whole, when the run has succeeded
    #[arg(long = "out", value_name = "DIR", value_hint = ValueHint::DirPath)]
    path: PathBuf,
}

#[derive(Debug, clap::Args)]
struct ShardArgs {
    /// Type of standardized features
    #[arg(long, value_name = "TYPE", default_value = "float64")]
    dtype: DtypeArg,

    /// none, snappy, lz4, gzip, brotli, or zstd with an optional LEVEL from 1 to 22: zstd:LEVEL
    #[arg(long, value_name = "CODEC", default_value = "zstd:1", value_parser = values::compression)]
    compression: Compression,
}

#[derive(Debug, clap::Args)]
struct ReplaceArgs {
    /// Replace a data set in --out, in one step; two-step where the file system cannot, with a moment
    /// when neither is there [default: refuse]
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "exchange")]
    overwrite: Option<OverwriteArg>,

    /// Do nothing if --out was made with these very settings from these very files (relative path,
    /// size, time and footer), else replace it as --overwrite does
    #[arg(long)]
    if_changed: bool,

    /// Take over the lock of a run on another machine that is known to have ended; a run that is
    /// alive on this machine keeps it
    #[arg(long)]
    break_lock: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DtypeArg {
    Float32,
    Float64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OverwriteArg {
    Exchange,
    TwoStep,
}

impl OutputArgs {
    pub(super) fn into_spec(self, audit: bool) -> OutputSpec {
        let mut replace = self.replace;
        if self.update {
            // What was there stays part of the output, or all of it is made again.
            replace.overwrite.get_or_insert(OverwriteArg::Exchange);
        }
        replace.if_changed |= self.refit;
        OutputSpec {
            shuffle: self.shuffle,
            update: self.update && !self.refit,
            audit,
            validate: self.validate,
            report: !self.no_report,
            ..spec(self.path, Some(self.shards), &replace)
        }
    }
}

impl FitOutputArgs {
    pub(super) fn into_spec(self) -> OutputSpec {
        spec(self.path, None, &self.replace)
    }
}

impl TransformOutputArgs {
    pub(super) fn into_spec(self) -> OutputSpec {
        spec(self.path, Some(self.shards), &self.replace)
    }
}

/// Nothing is done to the output but what every command does. Without shards, what they would look like
/// doesn't matter.
fn spec(path: PathArgs, shards: Option<ShardArgs>, replace: &ReplaceArgs) -> OutputSpec {
    let shards = shards.unwrap_or(ShardArgs {
        dtype: DtypeArg::Float64,
        compression: Compression::Zstd(1),
    });
    OutputSpec {
        path: path.path,
        dtype: match shards.dtype {
            DtypeArg::Float32 => Dtype::Float32,
            DtypeArg::Float64 => Dtype::Float64,
        },
        compression: shards.compression,
        shuffle: false,
        overwrite: match replace.overwrite {
            None if replace.if_changed => Overwrite::Exchange,
            None => Overwrite::Never,
            Some(OverwriteArg::Exchange) => Overwrite::Exchange,
            Some(OverwriteArg::TwoStep) => Overwrite::TwoStep,
        },
        if_changed: replace.if_changed,
        update: false,
        break_lock: replace.break_lock,
        audit: false,
        validate: false,
        report: false,
    }
}
