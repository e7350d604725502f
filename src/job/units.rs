//! The story of a job that many processes do: a plan, its units pass by pass, and a commit.
//!
//! Invariant: whatever does the units, in whatever order and however often, the output is that of
//! `prep stream`, byte for byte (`run.json` and the report's run section apart). A pass begins once the
//! results of all units of the pass before it are there, each sealed and of this job; so does the commit.
//! A process that does units opens only the files of these, and reads what others have found in one file a
//! pass, so that its own work is all that it does. What takes all rows, planning does: it parses text,
//! and finds sides that take several readings ([`prepare()`]).

mod file;
mod missing;
mod part;
mod prepare;
mod seam;
mod write;

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::run::Run;
use super::{Outcome, outlook, planned, stream_found, stream_head, without_bad_files};
use crate::artifact::PlanFile;
use crate::engine::{Cancel, Observer, Pass};
use crate::error::{Result, UsageError};
use crate::pass::{self, Rows};
use crate::report::{PlanReport, RunReport, UnitsReport};
use crate::sink::{Proof, Staging, Work, write_atomically};
use crate::source::discover::discover;
use crate::spec::{JobSpec, Resources};

pub(super) use file::{absolute, check};
use file::{read, same_job};
use missing::complete;
use part::part;
pub(super) use prepare::{prepare, table};
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
        let (mut plan, job) = planned(&run, &stream_head(spec))?;
        let staging = Staging::open_as(&spec.output, &job)?;
        if staging.is_published() || (spec.output.if_changed && staging.output_is_current()) {
            staging.abandon()?;
        } else {
            let kept = plan.settled_bytes(spec);
            let kept = kept.saturating_add(run.shuffle_disk_bytes(&plan));
            let prepared = staging
                .check_free_space(run.disk_bytes().saturating_add(kept))
                .and_then(|()| prepare(&run, plan, &staging));
            match prepared {
                Ok(prepared) => plan = prepared,
                Err(error) => return Err(staging.put_away(error)),
            }
            staging.leave()?;
        }
        let units = match &plan.rows {
            Rows::Table(prepared) => prepared.table.units.len() as u64,
            // Of an output that is there: nobody knows any more, and there is nothing to do of it.
            Rows::Text(_) => 1,
        };
        write_atomically(path, &PlanFile::new(spec, &job, units).render()?)?;
        let report = outlook::report(&run, &job, &plan);
        Ok(PlanReport { units, ..report })
    })
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
    if units.is_empty() || units.end > file.units() {
        return Err(UsageError::InvalidValue {
            flag: "--unit",
            value: format!("{}..{}", units.start, units.end),
            reason: format!("the plan has units 0..{}", file.units()),
        }
        .into());
    }
    let list = work.units()?;
    let (part, found) = part(planned, &spec, &list, units.clone(), &work.cache_dir())?;
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
        list: &list,
        planned,
        job: file.job(),
    };
    seam.do_units(pass)?;
    let is_done_by_plan = pass == Pass::Split && spec.split.needs_further_readings();
    let taken_up = match is_done_by_plan {
        true => units.end - units.start,
        false => work.partials().taken_up(),
    };
    pass::check_unchanged(run.context(), &plan.fingerprints)?;
    pass::check_cache(run.context(), &table(&plan)?.table)?;
    Ok(report(false, taken_up))
}

fn number(unit: u64) -> usize {
    usize::try_from(unit).unwrap_or(usize::MAX)
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
    let finds_sides = !spec.split.needs_further_readings();
    for pass in PASSES
        .into_iter()
        .filter(|pass| finds_sides || *pass != Pass::Split)
    {
        complete(&run, work.partials(), pass, 0..units, planned)?;
    }
    drop(work);
    if !finds_sides {
        run.take_kept_sides();
    }
    run.do_no_unit(match planned.sizes_only {
        true => Proof::Sizes,
        false => Proof::Checksums,
    });
    let (plan, job) = super::planned(&run, &stream_head(&spec))?;
    same_job(&file, &job)?;
    stream_found(&run, plan, &job)
}
