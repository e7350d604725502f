//! What is written, and where.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use prep_stream::spec::{Compression, Dtype, OutputSpec, Overwrite};

use crate::cli::values;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Directory that appears, whole, when the run has succeeded
    #[arg(long = "out", value_name = "DIR", value_hint = ValueHint::DirPath)]
    path: PathBuf,

    /// Type of standardized features
    #[arg(long, value_name = "TYPE", default_value = "float64")]
    dtype: DtypeArg,

    /// none, snappy, lz4, gzip, brotli, or zstd with an optional LEVEL from 1 to 22: zstd:LEVEL
    #[arg(long, value_name = "CODEC", default_value = "zstd:1", value_parser = values::compression)]
    compression: Compression,

    /// Write the rows of each side in a random order over all its shards, seeded by --seed: one more pass,
    /// over a copy of the output in its place on disk [default: in the order of the input]
    #[arg(long)]
    shuffle: bool,

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

    /// Train a small network on the output, as prep validate does with its defaults; needs one --label
    #[arg(long)]
    validate: bool,

    /// Leave report.html and report.json out; prep report draws them at any time
    #[arg(long)]
    no_report: bool,
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
        OutputSpec {
            path: self.path,
            dtype: match self.dtype {
                DtypeArg::Float32 => Dtype::Float32,
                DtypeArg::Float64 => Dtype::Float64,
            },
            compression: self.compression,
            shuffle: self.shuffle,
            overwrite: match self.overwrite {
                None if self.if_changed => Overwrite::Exchange,
                None => Overwrite::Never,
                Some(OverwriteArg::Exchange) => Overwrite::Exchange,
                Some(OverwriteArg::TwoStep) => Overwrite::TwoStep,
            },
            if_changed: self.if_changed,
            break_lock: self.break_lock,
            audit,
            validate: self.validate,
            report: !self.no_report,
        }
    }
}
