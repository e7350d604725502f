//! The story of a job that many processes do: a plan, its units pass by pass, and a commit.
//!
//! Invariant: whatever does the units, in whatever order and however often, the output is that of
//! `prep stream`, byte for byte (`run.json` and the report's run section apart). A pass begins once the
//! results of all units of the pass before it are there, each sealed and of this job; so does the commit.
//! Limit: Parquet, and sides that a row's own values or place decide ([`check`]).

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::run::Run;
use super::{Outcome, outlook, planned, stream_found, stream_head, without_bad_files};
use crate::artifact::{JobId, PlanFile};
use crate::engine::{Cancel, Observer, Pass};
use crate::error::{Error, InputError, OutputError, Place, PublishedError, Result, UsageError};
use crate::pass::{self, Plan, Prepared, Rows, RowsOf, Scaling, SplitPlan, WriteJob};
use crate::report::{PlanReport, RunReport, UnitsReport};
use crate::sink::shard::ShardFormat;
use crate::sink::{Staging, Work, write_atomically};
use crate::source::discover::discover;
use crate::spec::{JobSpec, OnBadFile, Resources};

/// Runs of units that a message names.
const NAMED_MAX: usize = 10;
/// The passes that units go through.
const PASSES: [Pass; 3] = [Pass::Split, Pass::Fit, Pass::Write];

/// A plan file, and where its paths are on this machine.
#[derive(Debug, Clone, Default)]
pub struct Planned {
    /// The file.
    pub path: PathBuf,
    /// Pairs of a path as the plan has it and as it is here; the first that fits counts.
    pub map_root: Vec<(PathBuf, PathBuf)>,
    /// Threads and memory of this process.
    pub resources: Resources,
}

/// Plans a job for [`unit()`] and [`commit`]: `path` is the plan file, and work on the output is under way
/// from now on, in its staging directory.
///
/// # Errors
/// What [`super::plan`] fails with; [`UsageError::Conflict`] for what can't be done unit by unit.
pub fn plan_units(
    spec: &JobSpec,
    path: &Path,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<PlanReport> {
    check(spec)?;
    let spec = &absolute(spec)?;
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run, &stream_head(spec))?;
        let Rows::Table(prepared) = &plan.rows else {
            return Err(refused(
                "text",
                "text is parsed by one process: use prep stream",
            ));
        };
        let units = prepared.table.units.len() as u64;
        let staging = Staging::open_as(&spec.output, &job)?;
        if staging.is_published() || (spec.output.if_changed && staging.output_is_current()) {
            staging.abandon()?;
        } else {
            let settled = plan.settled_bytes(spec);
            staging.check_free_space(run.disk_bytes().saturating_add(settled))?;
            staging.leave()?;
        }
        write_atomically(path, &PlanFile::new(spec, &job, units).render()?)?;
        Ok(outlook::report(&run, &job, &plan))
    })
}

/// Refuses what one process has to do by itself.
fn check(spec: &JobSpec) -> Result<()> {
    let split = &spec.split;
    if split.is_exact() {
        let why = "sides of exact sizes need the ranks of all rows: use prep stream";
        return Err(refused(
            "--stratify, sizes in rows or time: without --cutoff",
            why,
        ));
    }
    if split.folds.is_some() {
        return Err(refused(
            "--folds",
            "each fold has a scaler: use prep stream",
        ));
    }
    if spec.output.shuffle {
        let why = "rows are gathered from all units: use prep stream";
        return Err(refused("--shuffle", why));
    }
    if spec.input.on_bad_file == OnBadFile::Skip {
        let why = "every process must see the same files: leave bad ones out of --in";
        return Err(refused("--on-bad-file skip", why));
    }
    Ok(())
}

fn refused(second: &'static str, reason: &str) -> Error {
    let (first, reason) = ("--plan", reason.to_owned());
    UsageError::Conflict {
        first,
        second,
        reason,
    }
    .into()
}

/// The same with paths that don't depend on the directory of this process.
fn absolute(spec: &JobSpec) -> Result<JobSpec> {
    let absolute = |path: &PathBuf| {
        std::path::absolute(path).map_err(|source| {
            let action = "make the path absolute";
            Error::from(InputError::Io { action, source }).at(Place::path(path))
        })
    };
    let mut spec = spec.clone();
    let paths = spec.input.paths.iter().map(absolute);
    spec.input.paths = paths.collect::<Result<_>>()?;
    spec.input.root = spec.input.root.as_ref().map(absolute).transpose()?;
    spec.output.path = absolute(&spec.output.path)?;
    Ok(spec)
}

/// Does one pass of some units of a plan, and leaves their results for whoever goes on. Results that are
/// there already are kept.
///
/// # Errors
/// When the plan isn't that of these inputs, results of the pass before are missing, or a unit fails.
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
    let Some(work) = Work::join(&spec.output.path, file.job())? else {
        return Ok(report(true, 0));
    };
    let found = discover(&spec.input, &spec.output.path)?;
    let run = Run::new(&spec, &found, cancel, observer);
    let (plan, job) = super::planned(&run, &stream_head(&spec))?;
    same_job(&file, &job)?;
    let Plan { fingerprints, rows } = plan;
    let Rows::Table(prepared) = rows else {
        return Err(refused(
            "text",
            "text is parsed by one process: use prep stream",
        ));
    };
    let number = |unit| usize::try_from(unit).unwrap_or(usize::MAX);
    let range = number(units.start)..number(units.end);
    do_units(&run, &work, &prepared, (pass, range), planned, &job)?;
    pass::check_unchanged(run.context(), &fingerprints)?;
    Ok(report(false, work.partials().taken_up()))
}

fn do_units(
    run: &Run<'_>,
    work: &Work,
    prepared: &Prepared,
    (pass, units): (Pass, Range<usize>),
    planned: &Planned,
    job: &JobId,
) -> Result<()> {
    let (spec, context, table) = (run.spec, run.context(), &prepared.table);
    let partials = work.partials();
    let split = SplitPlan::new(context, &table.schema, &spec.split)?;
    let weights = spec.columns.weights.as_deref();
    for before in PASSES.into_iter().filter(|before| *before < pass) {
        complete(run, work.partials(), before, table.units.len(), planned)?;
    }
    match pass {
        Pass::Split => run.pass(pass, || {
            pass::split_units(context, partials, table, &split, units)
        }),
        Pass::Fit => run.pass(pass, || {
            pass::fit_units(context, partials, table, &split, weights, units)
        }),
        _ => {
            let sides = pass::split_total(context, partials, table.units.len())?;
            let total = pass::fit_total(context, partials, table, &split)?;
            pass::check_infinities(context, table, &total, spec.fit.on_inf)?;
            let fitted = total.finish(spec.fit.ddof);
            let written = split.written(&sides);
            let directories = written.iter().map(|side| work.side_dirs(side.name()));
            let directories = directories.collect::<Result<Vec<_>>>()?;
            let (directories, unfinished): (Vec<_>, Vec<_>) = directories.into_iter().unzip();
            let write = WriteJob {
                context,
                partials,
                table,
                plan: &split,
                rows: RowsOf::Sides,
                scaler: &fitted.scaler,
                format: &ShardFormat::new(
                    &prepared.output,
                    &table.schema,
                    spec.output.compression,
                )?,
                spool: work.attempt(),
                dtype: spec.output.dtype,
                on_inf: spec.fit.on_inf,
                scaling: Scaling::Fitted,
                written: &written,
                directories: &directories,
                unfinished: &unfinished,
                job,
            };
            run.pass(pass, || pass::write_units(&write, units))
        }
    }
}

/// Publishes the output of a plan whose units are all done: merges their results and writes the records.
///
/// # Errors
/// [`OutputError::UnitsMissing`] naming the units to be done; and what [`super::stream`] fails with.
pub fn commit(
    planned: &Planned,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Outcome<RunReport>> {
    let (file, spec) = read(planned)?;
    let work = Work::join(&spec.output.path, file.job())?;
    let found = discover(&spec.input, &spec.output.path)?;
    let run = Run::new(&spec, &found, cancel, observer);
    let Some(work) = work else {
        Work::tidy(&spec.output, file.job())?;
        return Ok(Outcome::Unchanged(run.unchanged(file.job())));
    };
    let units = usize::try_from(file.units()).unwrap_or(usize::MAX);
    for pass in PASSES {
        complete(&run, work.partials(), pass, units, planned)?;
    }
    drop(work);
    run.do_no_unit();
    let (plan, job) = super::planned(&run, &stream_head(&spec))?;
    same_job(&file, &job)?;
    stream_found(&run, plan, &job)
}

/// Reads a plan file.
fn read(planned: &Planned) -> Result<(PlanFile, JobSpec)> {
    let at = |error: PublishedError| Error::from(error).at(Place::path(&planned.path));
    let bytes = std::fs::read(&planned.path).map_err(|source| {
        let action = "read the plan";
        at(PublishedError::Io { action, source }).hint("prep plan --plan FILE makes one")
    })?;
    let file = PlanFile::parse(&bytes).map_err(|source| {
        let (what, source) = ("the plan", source.into());
        at(PublishedError::Record { what, source })
    })?;
    let place = |path: &Path| {
        let mut roots = planned.map_root.iter();
        let here = roots.find_map(|(from, to)| Some(to.join(path.strip_prefix(from).ok()?)));
        here.unwrap_or_else(|| path.to_owned())
    };
    let spec = file.spec(planned.resources, place);
    Ok((file, spec))
}

fn same_job(file: &PlanFile, job: &JobId) -> Result<()> {
    if file.job() == job {
        return Ok(());
    }
    let (planned, found) = (file.job().short().to_owned(), job.short().to_owned());
    Err(
        Error::from(InputError::NotThePlans { planned, found }).hint(
            "files were changed, added or removed, or this is another version of prep: plan again",
        ),
    )
}

/// Makes sure that the results of a pass are there for all units.
fn complete(
    run: &Run<'_>,
    partials: &crate::sink::Partials,
    pass: Pass,
    units: usize,
    planned: &Planned,
) -> Result<()> {
    run.cancel.check()?;
    let missing = pass::missing_units(partials, pass, units);
    let Some(first) = runs(&missing).first().cloned() else {
        return Ok(());
    };
    let shown: Vec<String> = runs(&missing)
        .iter()
        .take(NAMED_MAX)
        .map(shown_range)
        .collect();
    let more = runs(&missing).len().saturating_sub(NAMED_MAX);
    let mut units = shown.join(", ");
    if more > 0 {
        units.push_str(&format!(" and {more} more runs"));
    }
    let pass = pass.to_string();
    let plan = crate::error::escape_path(&planned.path);
    let hint = format!(
        "do them first: prep unit {pass} --plan {plan} --unit {}",
        shown_range(&first)
    );
    Err(Error::from(OutputError::UnitsMissing { pass, units })
        .at(Place::path(&run.spec.output.path))
        .hint(hint))
}

/// Runs of consecutive numbers.
fn runs(units: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for unit in units {
        match runs.last_mut() {
            Some(run) if run.end == *unit => run.end += 1,
            _ => runs.push(*unit..unit + 1),
        }
    }
    runs
}

/// As `--unit` takes it.
fn shown_range(run: &Range<usize>) -> String {
    match run.len() {
        1 => run.start.to_string(),
        _ => format!("{}..{}", run.start, run.end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_ranges_that_the_flag_takes() {
        let shown =
            |units: &[usize]| -> Vec<String> { runs(units).iter().map(shown_range).collect() };
        assert_eq!(shown(&[0, 1, 2, 5, 7, 8]), ["0..3", "5", "7..9"]);
        assert!(shown(&[]).is_empty());
    }
}
