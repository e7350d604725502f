//! `prep stream --isolate`: each unit of each pass in a process of its own, so that one that aborts is an
//! error of that unit alone.
//!
//! The processes are those of [`super::unit`], on the staging directory that this run holds the lock of; what
//! they leave, the run then takes up as it would take up what an earlier run has done.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::run::Run;
use super::units::{PASSES, absolute, check, prepare, table};
use super::{Outcome, planned, stream_head, stream_planned, without_bad_files};
use crate::artifact::{JobId, PlanFile};
use crate::engine::{Cancel, Child, Ended, Observer, Ordered, Pass};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::pass::{self, Plan, Prepared};
use crate::sink::{Staging, Work, write_atomically};
use crate::source::discover::InputFile;
use crate::spec::JobSpec;

/// How often a unit is begun whose process is killed or aborts.
const ATTEMPTS: u32 = 3;
/// The exit code of a unit that is killed each time: mostly for the memory it wants.
const KILLED_CODE: u8 = 6;

/// The same as [`super::stream`], each unit in a process of `program`, which is this one's.
///
/// # Errors
/// [`ErrorKind::Isolated`] naming a unit whose process was killed or aborted as often as it was begun, or
/// failed; results of the others stay for the next run. Else what [`super::stream`] fails with.
pub fn stream_isolated(
    spec: &JobSpec,
    program: &Path,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Outcome> {
    check(spec, "--isolate")?;
    let spec = &absolute(spec)?;
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run, &stream_head(spec))?;
        stream_planned(&run, plan, &job, |plan, staging| {
            let plan = prepare(&run, plan, staging)?;
            let isolated = Isolated::new(&run, &plan, table(&plan)?, &job, staging, program)?;
            PASSES
                .into_iter()
                .try_for_each(|pass| isolated.pass(&run, pass))?;
            Ok(plan)
        })
    })
}

/// A run whose units are done by other processes.
struct Isolated<'a> {
    cancel: &'a Cancel,
    inputs: &'a [InputFile],
    prepared: &'a Prepared,
    job: &'a JobId,
    program: &'a Path,
    plan_file: PathBuf,
    /// Processes at a time, and the threads and memory of each.
    processes: usize,
    threads: usize,
    memory_bytes: u64,
}

impl<'a> Isolated<'a> {
    fn new(
        run: &Run<'a>,
        plan: &Plan,
        prepared: &'a Prepared,
        job: &'a JobId,
        staging: &Staging,
        program: &'a Path,
    ) -> Result<Self> {
        let units = prepared.table.units.len();
        let plan_file = staging.plan_file();
        let file = PlanFile::new(run.spec, job, units as u64);
        write_atomically(&plan_file, &file.render()?)?;
        let resources = run.spec.resources;
        let least = run.memory_floor(plan).max(1);
        // One share is for this process.
        let shares = usize::try_from(resources.memory_bytes_max / least).unwrap_or(usize::MAX);
        let threads = resources.threads.max(1);
        let processes = shares.saturating_sub(1).clamp(1, threads);
        Ok(Self {
            cancel: run.cancel,
            inputs: &run.found.files,
            prepared,
            job,
            program,
            plan_file,
            processes,
            threads: threads / processes,
            memory_bytes: (resources.memory_bytes_max / (processes as u64 + 1)).max(least),
        })
    }

    /// Does the units of a pass that aren't done yet.
    fn pass(&self, run: &Run<'_>, pass: Pass) -> Result<()> {
        if pass == Pass::Split && run.takes_kept_sides() {
            return Ok(());
        }
        let context = run.context();
        let Some(work) = Work::join(&run.spec.output.path, self.job, None)? else {
            return Ok(());
        };
        let units = 0..self.prepared.table.units.len();
        let folds = run.spec.split.materialized();
        let missing = pass::missing_units(context, work.partials(), pass, units, folds)?;
        run.pass(pass, || {
            let work = Ordered {
                threads: self.processes,
                count: missing.len(),
                cancel: self.cancel,
            };
            work.run(|index| self.unit(pass, missing[index]), |_, ()| Ok(()))
        })
    }

    /// One unit, which gets as many attempts as there are unless its process ends by itself.
    fn unit(&self, pass: Pass, unit: usize) -> Result<()> {
        let child = self.child(pass, unit);
        let mut signal = 0;
        for _ in 0..ATTEMPTS {
            match child.run(self.cancel)? {
                Ended::Code(0, _) => return Ok(()),
                Ended::Code(code, words) => {
                    self.cancel.check()?;
                    return Err(failed(pass, unit, code, &words));
                }
                Ended::Signal(number) => signal = number,
            }
            self.cancel.check()?;
        }
        Err(self.died(pass, unit, signal))
    }

    fn child(&self, pass: Pass, unit: usize) -> Child {
        let flags = [
            ("--unit", unit.to_string()),
            ("--threads", self.threads.to_string()),
            ("--memory", format!("{}B", self.memory_bytes)),
            ("--log-format", "json".to_owned()),
            ("--child-of", std::process::id().to_string()),
        ];
        let mut arguments: Vec<OsString> = vec!["unit".into(), pass.to_string().into()];
        arguments.extend([
            "--plan".into(),
            self.plan_file.clone().into(),
            "--quiet".into(),
            "--limit-memory".into(),
        ]);
        arguments.extend(
            flags
                .into_iter()
                .flat_map(|(flag, value)| [flag.into(), value.into()]),
        );
        Child {
            program: self.program.to_path_buf(),
            arguments,
        }
    }

    /// The error of a unit whose process was killed or aborted each time.
    fn died(&self, pass: Pass, unit: usize, signal: i32) -> Error {
        let table = &self.prepared.table;
        let error = Error::from(ErrorKind::Isolated {
            pass: pass.to_string(),
            unit: unit as u64,
            reason: format!("its process was ended by signal {signal}, {ATTEMPTS} times"),
            exit_code: KILLED_CODE,
        });
        let error = match table.units[unit].pieces.first() {
            Some(first) => error.at(Place::path(
                &self.inputs[table.stores[first.store].input].path,
            )),
            None => error,
        };
        let mib = self.memory_bytes >> 20;
        error.hint(format!(
            "each process may take {mib} MiB: give it more --memory or fewer --threads; finished units stay"
        ))
    }
}

/// The error of a unit whose process ended by itself, as it said.
fn failed(pass: Pass, unit: usize, exit_code: u8, words: &str) -> Error {
    let mut lines = words.lines().rev();
    let said = lines.find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let field = |name: &str| {
        let text = said.as_ref()?.get(name)?.as_str()?;
        Some(text.to_owned())
    };
    let place = field("place").map(|place| format!(" ({place})"));
    let error = Error::from(ErrorKind::Isolated {
        pass: pass.to_string(),
        unit: unit as u64,
        reason: field("error").unwrap_or_else(|| words.trim().to_owned())
            + &place.unwrap_or_default(),
        exit_code,
    });
    match field("hint") {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
