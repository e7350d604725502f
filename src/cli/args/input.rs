//! Which files are read.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ValueEnum, ValueHint};
use prep_stream::spec::{Dialect, Format, InputSpec, OnBadFile};

use crate::cli::values;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    /// Files, directories (read recursively) and globs to read
    #[arg(long = "in", value_name = "PATH", required = true, num_args = 1.., value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Count relative paths, which the split hashes, from here [default: from each --in]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    root: Option<PathBuf>,

    /// Read only files of this format [default: whichever there is]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,

    /// Do not turn key=value folders into columns
    #[arg(long)]
    no_hive: bool,

    /// Refuse files modified less than this long ago, like 60s [default: accept all]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    settle: Option<Duration>,

    /// Follow symbolic links to directories, and links that leave --in; each file is read once
    #[arg(long)]
    follow_symlinks: bool,

    /// error: stop at a file that is damaged, encrypted or malformed; skip: leave it out as if it
    /// weren't there, list it in the manifest, and exit with code 7
    #[arg(long, value_name = "HOW", default_value = "error")]
    on_bad_file: OnBadFileArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnBadFileArg {
    Error,
    Skip,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatArg {
    Parquet,
    Csv,
}

impl InputArgs {
    pub(super) fn into_spec(self, dialect: Dialect) -> InputSpec {
        InputSpec {
            paths: self.paths,
            root: self.root,
            format: self.format.map(|format| match format {
                FormatArg::Parquet => Format::Parquet,
                FormatArg::Csv => Format::Csv,
            }),
            dialect,
            hive: !self.no_hive,
            settle: self.settle,
            follow_symlinks: self.follow_symlinks,
            on_bad_file: match self.on_bad_file {
                OnBadFileArg::Error => OnBadFile::Error,
                OnBadFileArg::Skip => OnBadFile::Skip,
            },
        }
    }
}
