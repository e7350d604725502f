//! `Job`: what `prep stream` does, asked for from Rust.

use std::path::{Path, PathBuf};

use super::Scaler;
use crate::engine::{Cancel, Observer, Silent, machine};
use crate::error::Result;
use crate::job::{self, Outcome};
use crate::report::{PlanReport, RunReport};
use crate::spec::{
    ColumnSpec, Dtype, FitSpec, InputSpec, JobSpec, OnInf, OutputSpec, Overwrite, Resources, Size,
    SplitBy, SplitSpec,
};

/// A job of `prep stream`: files that are split, fitted on train only, and written standardized.
///
/// Begins with the defaults of the command; what has no method of its own here is a field of
/// [`Job::spec_mut`]. The same job gives the same bytes as the command.
///
/// ```
/// use prep_stream::Job;
/// use prep_stream::spec::Overwrite;
///
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("weather");
/// let output = Job::new(["fixtures/weather"], &out)
///     .exclude(["year"])
///     .test_size("0.25".parse()?)
///     .overwrite(Overwrite::Exchange)
///     .threads(2)
///     .run()?;
/// let report = output.report().expect("nothing was there");
/// assert_eq!(report.inputs.rows, 26_115);
/// assert_eq!(report.sides[1].name, "test");
/// assert_eq!(output.scaler()?.names().next(), Some("month"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```text
/// source     files, directories and globs of Parquet, CSV or TSV, as `--in` takes them
/// units      rows; bytes of memory for the whole process; seconds in the report
/// shape      OUT/train, OUT/test and OUT/val hold the table's columns in its order, features as floats
/// errors     prep_stream::error::Error: a closed kind with exit code, place and hint
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    spec: JobSpec,
}

/// What a job has left.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    outcome: Outcome,
}

impl Job {
    /// A job that reads `inputs` and makes the directory `out`.
    ///
    /// All processors, and three quarters of the memory that the machine or control group allows.
    pub fn new<P: Into<PathBuf>>(
        inputs: impl IntoIterator<Item = P>,
        out: impl Into<PathBuf>,
    ) -> Self {
        Self {
            spec: JobSpec {
                input: InputSpec::new(inputs.into_iter().map(Into::into).collect()),
                split: SplitSpec::default(),
                columns: ColumnSpec::default(),
                fit: FitSpec {
                    ddof: 0,
                    on_inf: OnInf::Error,
                },
                output: OutputSpec::new(out.into()),
                resources: Resources {
                    threads: machine::threads(),
                    memory_bytes_max: machine::memory_bytes_default(),
                },
            },
        }
    }

    /// All that decides what the job does.
    pub fn spec(&self) -> &JobSpec {
        &self.spec
    }

    /// The same, to be changed.
    pub fn spec_mut(&mut self) -> &mut JobSpec {
        &mut self.spec
    }

    /// Columns that pass through as labels.
    #[must_use]
    pub fn label<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.spec.columns.label = names.into_iter().map(Into::into).collect();
        self
    }

    /// Columns that pass through.
    #[must_use]
    pub fn exclude<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.spec.columns.exclude = names.into_iter().map(Into::into).collect();
        self
    }

    /// What decides the side of a row; by default a hash of its file and row number.
    #[must_use]
    pub fn split_by(mut self, by: SplitBy) -> Self {
        self.spec.split.by = by;
        self
    }

    /// The size of the test side: a share of the rows, or so many of them; 0.2 by default.
    #[must_use]
    pub fn test_size(mut self, size: Size) -> Self {
        self.spec.split.test_size = size;
        self
    }

    /// The size of a val side, taken from train; none by default.
    #[must_use]
    pub fn val_size(mut self, size: Size) -> Self {
        self.spec.split.val_size = Some(size);
        self
    }

    /// The seed of the split, 42 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.spec.split.seed = seed;
        self
    }

    /// The type of standardized features, float64 by default.
    #[must_use]
    pub fn dtype(mut self, dtype: Dtype) -> Self {
        self.spec.output.dtype = dtype;
        self
    }

    /// Whether an output that is there may be replaced; by default not.
    #[must_use]
    pub fn overwrite(mut self, overwrite: Overwrite) -> Self {
        self.spec.output.overwrite = overwrite;
        self
    }

    /// Adds the files that are new to the output that is there, and keeps its scaler, as `--update` does.
    #[must_use]
    pub fn update(mut self) -> Self {
        let output = &mut self.spec.output;
        output.update = true;
        if output.overwrite == Overwrite::Never {
            output.overwrite = Overwrite::Exchange;
        }
        self
    }

    /// Worker threads, at least 1; they change no byte.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.spec.resources.threads = threads.max(1);
        self
    }

    /// Bytes that the whole process may use, the program around the job included.
    #[must_use]
    pub fn memory_bytes(mut self, bytes: u64) -> Self {
        self.spec.resources.memory_bytes_max = bytes;
        self
    }

    /// Does the job. The output appears whole, by one rename, or not at all.
    ///
    /// # Errors
    /// Whatever went wrong first.
    pub fn run(&self) -> Result<Output> {
        self.run_watched(&Cancel::default(), &Silent)
    }

    /// The same, watched by `observer` and stopped through `cancel`; run again, it goes on where it was.
    ///
    /// # Errors
    /// Whatever went wrong first; [`crate::error::ErrorKind::Interrupted`] if it was stopped.
    pub fn run_watched(&self, cancel: &Cancel, observer: &dyn Observer) -> Result<Output> {
        let outcome = job::stream(&self.spec, cancel, observer)?;
        let path = self.spec.output.path.clone();
        Ok(Output { path, outcome })
    }

    /// What the job would do, from footers and headers alone.
    ///
    /// # Errors
    /// What [`Job::run`] would fail with before its first row.
    pub fn plan(&self) -> Result<PlanReport> {
        job::plan(&self.spec, &Cancel::default(), &Silent)
    }
}

impl From<JobSpec> for Job {
    fn from(spec: JobSpec) -> Self {
        Self { spec }
    }
}

impl Output {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was done; `None` if the output was there already.
    pub fn report(&self) -> Option<&RunReport> {
        match &self.outcome {
            Outcome::Written(report) => Some(report),
            Outcome::Unchanged(_) => None,
        }
    }

    /// What its features were standardized by.
    ///
    /// # Errors
    /// When `scaler.json` can't be read, or something has changed it.
    pub fn scaler(&self) -> Result<Scaler> {
        Scaler::read(self.path.join("scaler.json"))
    }
}
