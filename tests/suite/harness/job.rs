//! Jobs for the library, for tests that have to look at a run, or reach into it, while it goes on.

use prep_stream::engine::{Event, Observer};
use prep_stream::spec::{
    ColumnSpec, Compression, Dialect, Dtype, FitSpec, InputSpec, JobSpec, OnBadFile, OnInf,
    OutputSpec, Overwrite, Resources, SplitBy, SplitSpec,
};

use super::Scratch;

/// Does something at every event of a run.
pub(crate) struct At<F>(pub(crate) F);

impl<F: Fn(&Event) + Sync> Observer for At<F> {
    fn event(&self, event: &Event) {
        (self.0)(event);
    }
}

/// `prep stream --in in --out OUT --split-by BY --threads 2`, with memory for the whole test process,
/// which a budget counts: other tests run in it at the same time.
pub(crate) fn spec(scratch: &Scratch, out: &str, by: &SplitBy) -> JobSpec {
    JobSpec {
        input: InputSpec {
            paths: vec![scratch.path("in")],
            root: None,
            format: None,
            dialect: Dialect::default(),
            hive: true,
            settle: None,
            follow_symlinks: false,
            on_bad_file: OnBadFile::Error,
        },
        split: SplitSpec {
            by: by.clone(),
            ..SplitSpec::default()
        },
        columns: ColumnSpec::default(),
        fit: FitSpec {
            ddof: 0,
            on_inf: OnInf::Error,
        },
        output: OutputSpec {
            path: scratch.path(out),
            dtype: Dtype::Float64,
            compression: Compression::Zstd(1),
            shuffle: false,
            overwrite: Overwrite::Never,
            if_changed: false,
            update: false,
            break_lock: false,
            audit: false,
            validate: false,
            report: true,
        },
        resources: Resources {
            threads: 2,
            memory_bytes_max: 1 << 40,
        },
    }
}
