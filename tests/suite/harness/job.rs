//! Jobs for the library, for tests that have to look at a run, or reach into it, while it goes on.

use prep_stream::engine::{Event, Observer};
use prep_stream::spec::{
    ColumnSpec, FitSpec, InputSpec, JobSpec, OnInf, OutputSpec, Resources, SplitBy, SplitSpec,
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
        input: InputSpec::new(vec![scratch.path("in")]),
        split: SplitSpec {
            by: by.clone(),
            ..SplitSpec::default()
        },
        columns: ColumnSpec::default(),
        fit: FitSpec {
            ddof: 0,
            on_inf: OnInf::Error,
        },
        output: OutputSpec::new(scratch.path(out)),
        resources: Resources {
            threads: 2,
            memory_bytes_max: 1 << 40,
        },
    }
}
