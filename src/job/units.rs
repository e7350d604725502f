//! The story of a job that many processes do: a plan, its units pass by pass, and a commit.
//!
//! Invariant: whatever does the units, in whatever order and however often, the output is that of
//! `prep stream`, byte for byte (`run.json` and the report's run section apart). A pass begins once the
//! results of all units of the pass before it are there, each sealed and of this job; so does the commit.
//! A process that does units opens only the files of these, and reads what others have found in one file a
//! pass, so that its own work is all that it does. Limit: Parquet, and sides that are known once every
//! unit was read once ([`file::check`]).

mod file;
mod missing;
mod seam;

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::run::Run;
use super::{Outcome, outlook, planned, stream_found, stream_head, without_bad_files};
use crate::artifact::PlanFile;
use crate::artifact::planned::PlannedFile;
use crate::engine::{Cancel, Observer, Pass};
use crate::error::{Result, UsageError};
use crate::pass::{self, Part, Plan, Prepared, Rows};
use crate::report::{PlanReport, RunReport, UnitsReport};
use crate::sink::staging::UnitList;
use crate::sink::{Proof, Staging, Work, write_atomically};
use crate::source::discover::{Discovery, Fingerprint, InputFile, as_planned, discover};
use crate::spec::{Format, JobSpec, Resources};

pub(super) use file::{absolute, check, refused};
use file::{place, read, same_job};
use missing::complete;
use seam::Seam;

/// The passes that units go through.
pub(super) const PASSES: [Pass; 3] = [Pass::Split, Pass::Fit, Pass::Write];

/// A plan file, and where its paths are on this machine.
#[derive(Debug, Clone, Default)]
pub struct Planned {
    /// The file.
    pub path: PathBuf,
    /// Pairs of a path as the plan has it and as it is here; the first that fits counts.
    pub map_root: Vec<(PathBuf, PathBuf)>,
    /// Threads and memory of this process.
    pub resources: Resources,
    /// Whether a commit looks at sizes and footers of shards alone, and doesn't read them for their checksums.
    pub sizes_only: bool,
}

/// Plans a job for [`unit()`] and [`commit`]: `path` is the plan file, and work on the output is under way
/// from now on, in its staging directory, which also holds the list of units.
///
/// # Errors
/// What [`super::plan`] fails with; [`UsageError::Conflict`] for what can't be done unit by unit.
pub fn plan_units(
    spec: &JobSpec,
    path: &Path,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<PlanReport> {
    check(spec, "--plan")?;
    let spec = &absolute(spec)?;
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run, &stream_head(spec))?;
        let prepared = table(&plan)?;
        let staging = Staging::open_as(&spec.output, &job)?;
        if staging.is_published() || (spec.output.if_changed && staging.output_is_current()) {
            staging.abandon()?;
        } else {
            let settled = plan.settled_bytes(spec);
            staging.check_free_space(run.disk_bytes().saturating_add(settled))?;
            let prints = &plan.fingerprints;
            staging.list_units(|each| pass::list_units(&found.files, prints, prepared, each))?;
            staging.leave()?;
        }
        let units = prepared.table.units.len() as u64;
        write_atomically(path, &PlanFile::new(spec, &job, units).render()?)?;
        Ok(outlook::report(&run, &job, &plan))
    })
}

fn table(plan: &Plan) -> Result<&Prepared> {
    match &plan.rows {
        Rows::Table(prepared) => Ok(prepared),
        Rows::Text(_) => {
            let why = "text is parsed by one process: use prep stream";
            Err(refused("--plan", "text", why))
        }
    }
}

/// Does one pass of some units of a plan, and leaves their results for whoever goes on, as one file.
/// Results that are there already are kept.
///
/// # Errors
/// When the files of the units aren't what was planned with, results of the pass before are missing, or a
/// unit fails; results of the units before it are left.
pub fn unit(
    planned: &Planned,
    pass: Pass,
    units: Range<u64>,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<UnitsReport> {
    let (file, spec) = read(planned)?;
    if units.is_empty() || units.end > file.units() {
        return Err(UsageError::InvalidValue {
            flag: "--unit",
            value: format!("{}..{}", units.start, units.end),
            reason: format!("the plan has units 0..{}", file.units()),
        }
        .into());
    }
    let report = |is_published, taken_up| UnitsReport {
        version: crate::VERSION.to_string(),
        job: file.job().short().to_string(),
        pass: pass.to_string(),
        first: units.start,
        end: units.end,
        taken_up,
        is_published,
    };
    let own = Some((pass, units.clone()));
    let Some(work) = Work::join(&spec.output.path, file.job(), own)? else {
        return Ok(report(true, 0));
    };
    let list = work.units()?;
    let (part, found) = part(planned, &spec, &list, units.clone())?;
    let run = Run::new(&spec, &found, cancel, observer);
    let read_footers = || pass::plan_part(run.context(), &spec, &part, || list.damaged());
    let plan = run.pass(Pass::Plan, read_footers)?;
    run.check_budget(&plan)?;
    let seam = Seam {
        run: &run,
        work: &work,
        prepared: table(&plan)?,
        units: number(file.units()),
        rows: list.table().rows,
        planned,
        job: file.job(),
    };
    seam.do_units(pass)?;
    pass::check_unchanged(run.context(), &plan.fingerprints)?;
    Ok(report(false, work.partials().taken_up()))
}

fn number(unit: u64) -> usize {
    usize::try_from(unit).unwrap_or(usize::MAX)
}

/// The files of some units, and what was planned with them.
fn part(
    planned: &Planned,
    spec: &JobSpec,
    list: &UnitList,
    units: Range<u64>,
) -> Result<(Part, Discovery)> {
    let known = |file: &PlannedFile| -> Result<(InputFile, Fingerprint)> {
        let (path, relative, print) = list.table().found(file).ok_or_else(|| list.damaged())?;
        let path = place(planned, Path::new(&OsString::from_vec(path)));
        let input = as_planned(path, relative, &print, spec.input.hive)?;
        Ok((input, print))
    };
    let first_unit = number(units.start);
    let units = list.units(units)?;
    let first_input = units.first().map_or(0, |unit| unit.first_input);
    let (mut files, mut fingerprints) = (Vec::new(), Vec::new());
    for unit in &units {
        // A file that two units share is the last of one and the first of the other.
        let shared = (first_input + files.len()).checked_sub(unit.first_input);
        let shared = shared.ok_or_else(|| list.damaged())?;
        for file in unit.files.iter().skip(shared) {
            let (file, print) = known(file)?;
            files.push(file);
            fingerprints.push(print);
        }
    }
    let schemas = list.table().schemas.iter();
    let part = Part {
        first_unit,
        first_input,
        fingerprints,
        schemas: schemas
            .map(|(_, file)| known(file))
            .collect::<Result<_>>()?,
        units,
    };
    let found = Discovery {
        files,
        format: Format::Parquet,
        skipped: Default::default(),
        bad: Vec::new(),
    };
    Ok((part, found))
}

/// Publishes the output of a plan whose units are all done: merges their results and writes the records.
///
/// # Errors
/// [`crate::error::OutputError::UnitsMissing`] naming the units to be done; and what [`super::stream`]
/// fails with.
pub fn commit(
    planned: &Planned,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Outcome<RunReport>> {
    let (file, spec) = read(planned)?;
    let work = Work::join(&spec.output.path, file.job(), None)?;
    let found = discover(&spec.input, &spec.output.path)?;
    let run = Run::new(&spec, &found, cancel, observer);
    let Some(work) = work else {
        Work::tidy(&spec.output, file.job())?;
        return Ok(Outcome::Unchanged(run.unchanged(file.job())));
    };
    let units = number(file.units());
    for pass in PASSES {
        complete(&run, work.partials(), pass, 0..units, planned)?;
    }
    drop(work);
    run.do_no_unit(match planned.sizes_only {
        true => Proof::Sizes,
        false => Proof::Checksums,
    });
    let (plan, job) = super::planned(&run, &stream_head(&spec))?;
    same_job(&file, &job)?;
    stream_found(&run, plan, &job)
}
