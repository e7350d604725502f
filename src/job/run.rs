//! One run: what it was asked to do, who watches it, and how long its passes took.

use std::cell::{Cell, RefCell};
use std::time::{Instant, SystemTime};

use crate::artifact::JobId;
use crate::artifact::run::UpdateRecord;
use crate::engine::{Cancel, Event, Memory, Observer, Pass, Tally, peak_memory_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::pass::{Context, Known, Plan, Rows};
use crate::report::{PassReport, RunReport, UnchangedReport};
use crate::sink::Proof;
use crate::source::discover::Discovery;
use crate::spec::{Format, JobSpec};
use crate::train;

/// What the process needs whatever it does.
const FLOOR_BYTES: u64 = 64 << 20;
/// What every column adds to that.
const FLOOR_COLUMN_BYTES: u64 = 16 << 10;

/// The run's circumstances.
pub(super) struct Run<'a> {
    pub spec: &'a JobSpec,
    pub found: &'a Discovery,
    pub started: SystemTime,
    pub cancel: &'a Cancel,
    known: Known,
    memory: Memory,
    tally: Tally<'a>,
    rows: Cell<Option<u64>>,
    taken_up: Cell<u64>,
    does_no_unit: Cell<Option<Proof>>,
    takes_kept_sides: Cell<bool>,
    warnings: RefCell<Vec<String>>,
    arrived: RefCell<Vec<String>>,
    update: RefCell<Option<UpdateRecord>>,
    passes: RefCell<Vec<PassReport>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        spec: &'a JobSpec,
        found: &'a Discovery,
        cancel: &'a Cancel,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            spec,
            found,
            started: SystemTime::now(),
            cancel,
            known: Known::default(),
            memory: Memory::new(spec.resources.memory_bytes_max, spec.resources.threads),
            tally: Tally::new(observer),
            rows: Cell::default(),
            taken_up: Cell::default(),
            does_no_unit: Cell::default(),
            takes_kept_sides: Cell::default(),
            warnings: RefCell::default(),
            arrived: RefCell::default(),
            update: RefCell::default(),
            passes: RefCell::default(),
        }
    }

    /// The same run, which adds to an output.
    #[must_use]
    pub(super) fn adding_to(mut self, known: Known) -> Self {
        self.known = known;
        self
    }

    /// What the output holds already.
    pub(super) fn known(&self) -> Known {
        self.known
    }

    /// What the passes need to know.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            inputs: &self.found.files,
            known: self.known,
            memory: &self.memory,
            cancel: self.cancel,
            observer: &self.tally,
        }
    }

    /// Runs one pass, timed and announced.
    pub(super) fn pass<R>(&self, pass: Pass, work: impl FnOnce() -> Result<R>) -> Result<R> {
        self.cancel.check()?;
        self.last_pass(pass, work)
    }

    /// The same for a pass that is not to be kept from its end.
    pub(super) fn last_pass<R>(&self, pass: Pass, work: impl FnOnce() -> Result<R>) -> Result<R> {
        let text = pass == Pass::Split && self.found.format == Format::Csv;
        self.tally.event(&Event::Started {
            pass,
            // Training sees every row many times.
            rows_total: self.rows.get().filter(|_| pass != Pass::Validate),
            bytes_total: text.then(|| self.input_bytes()),
        });
        let begin = Instant::now();
        let result = work()?;
        let seconds = begin.elapsed().as_secs_f64();
        self.tally.event(&Event::Finished { pass, seconds });
        let bytes = self.tally.bytes(pass);
        self.passes.borrow_mut().push(PassReport {
            pass,
            seconds,
            bytes,
        });
        Ok(result)
    }

    /// How many rows every later pass will handle.
    pub(super) fn expect_rows(&self, rows: u64) {
        self.rows.set(Some(rows));
    }

    /// All units were done by other processes: this one merges and publishes, once `proof` shows that the
    /// shards are what they were.
    pub(super) fn do_no_unit(&self, proof: Proof) {
        self.does_no_unit.set(Some(proof));
    }

    /// Whether that is so.
    pub(super) fn does_no_unit(&self) -> Option<Proof> {
        self.does_no_unit.get()
    }

    /// The sides of all rows were found and kept: pass 1 takes them.
    pub(super) fn take_kept_sides(&self) {
        self.takes_kept_sides.set(true);
    }

    /// Whether that is so.
    pub(super) fn takes_kept_sides(&self) -> bool {
        self.takes_kept_sides.get()
    }

    /// How much of an earlier, stopped run was taken up.
    pub(super) fn took_up(&self, partials: u64) {
        self.taken_up.set(partials);
    }

    /// The same, for the records.
    pub(super) fn taken_up(&self) -> u64 {
        self.taken_up.get()
    }

    /// Takes note of files that came too late.
    pub(super) fn arrived(&self, files: Vec<String>) {
        self.arrived.replace(files);
    }

    /// The same, for the records.
    pub(super) fn late_files(&self) -> Vec<String> {
        self.arrived.borrow().clone()
    }

    /// Takes note of what was added to an output.
    pub(super) fn updated(&self, update: UpdateRecord) {
        self.update.replace(Some(update));
    }

    /// The same, for the records.
    pub(super) fn update(&self) -> Option<UpdateRecord> {
        self.update.borrow().clone()
    }

    /// The report of a run that has nothing to do.
    pub(super) fn unchanged(&self, job: &JobId) -> UnchangedReport {
        UnchangedReport {
            version: crate::VERSION.to_string(),
            job: job.short().to_string(),
            output: self.spec.output.path.display().to_string(),
            unchanged: true,
            bad_files: self.found.bad.len() as u64,
        }
    }

    /// The passes so far.
    pub(super) fn passes(&self) -> Vec<PassReport> {
        self.passes.borrow().clone()
    }

    /// Tells the user something worth knowing.
    pub(super) fn warn(&self, warning: String) {
        self.tally.event(&Event::Warning(warning.clone()));
        self.warnings.borrow_mut().push(warning);
    }

    /// What was told so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    /// The least disk that output and cache may take, by a guess that refuses only what is hopeless:
    /// a quarter of Parquet input, two fifths of text, whose cache holds 8 bytes for 17 digits.
    pub(super) fn disk_bytes(&self) -> u64 {
        let once = match self.found.format {
            Format::Parquet => self.input_bytes() / 4,
            Format::Csv => self.input_bytes() / 5 * 2,
        };
        match self.spec.split.folds {
            // Every fold holds all rows again.
            Some(folds) if folds.materialized => once.saturating_mul(folds.count.get()),
            _ => once,
        }
    }

    /// The same for rows that wait to be shuffled: what they take in memory, or for text as much as the
    /// cache again.
    pub(super) fn shuffle_disk_bytes(&self, plan: &Plan) -> u64 {
        let split = &self.spec.split;
        // How many of them are used, only the data can tell.
        let is_whole = split.sample.is_none() && split.filter.is_none();
        match self.spec.output.shuffle && is_whole {
            true => plan.bytes().unwrap_or(self.input_bytes() / 5 * 2),
            false => 0,
        }
    }

    /// Bytes of the files whose rows are read.
    pub(super) fn input_bytes(&self) -> u64 {
        let files = self.found.files.iter().skip(self.known.inputs);
        files.map(|file| file.bytes).sum()
    }

    /// The least memory the job needs, in bytes.
    pub(super) fn memory_floor(&self, plan: &Plan) -> u64 {
        let columns = plan.columns();
        let shuffled = plan.shuffle_bytes(self.spec);
        let passes = FLOOR_BYTES + FLOOR_COLUMN_BYTES * columns as u64 + shuffled;
        if self.spec.output.validate {
            passes.max(train::memory_floor(columns))
        } else {
            passes
        }
    }

    /// Refuses a budget below the floor, and shares out any other.
    pub(super) fn check_budget(&self, plan: &Plan) -> Result<()> {
        let (needed, allowed) = (
            self.memory_floor(plan),
            self.spec.resources.memory_bytes_max,
        );
        if allowed >= needed {
            let columns = FLOOR_COLUMN_BYTES * plan.columns() as u64;
            // The floor has room for what footers usually say of a column.
            let each = plan.worker_bytes().saturating_sub(columns);
            let sides = plan.sides_bytes(self.spec);
            let shuffled = plan.shuffle_bytes(self.spec);
            self.memory
                .share_out(columns.saturating_add(sides), each.saturating_add(shuffled));
            let what = || match plan.rows {
                Rows::Table(_) => "what the footers list".to_owned(),
                Rows::Text(_) => "the window of a zstd file".to_owned(),
            };
            return self.memory.check_worker_fits(each, what);
        }
        let trained = if self.spec.output.validate {
            "training on "
        } else {
            ""
        };
        let what = format!("{trained}a table of {} columns", plan.columns());
        Err(Error::from(ErrorKind::Budget {
            what,
            needed,
            allowed,
        })
        .hint(format!("give it --memory {}MiB", needed.div_ceil(1 << 20))))
    }

    /// The report with what is known only after the commit.
    pub(super) fn finish(&self, report: RunReport) -> RunReport {
        RunReport {
            passes: self.passes(),
            peak_memory_bytes: peak_memory_bytes(),
            warnings: self.warnings(),
            ..report
        }
    }
}

/// Does what is a command of its own, and tells the observer when it begins and ends.
pub(super) fn watched<R>(
    observer: &dyn Observer,
    pass: Pass,
    work: impl FnOnce() -> Result<R>,
) -> Result<R> {
    observer.event(&Event::Started {
        pass,
        rows_total: None,
        bytes_total: None,
    });
    let begin = Instant::now();
    let result = work()?;
    let seconds = begin.elapsed().as_secs_f64();
    observer.event(&Event::Finished { pass, seconds });
    Ok(result)
}
