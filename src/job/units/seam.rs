//! A process that does units of a job: what it takes from the passes before, and what it leaves.

use super::Planned;
use super::missing::{complete, missing};
use super::part::part;
use crate::artifact::JobId;
use crate::engine::Pass;
use crate::error::{Error, Result};
use crate::job::folds;
use crate::job::run::Run;
use crate::kernel::{Scaler, Side};
use crate::pass::{
    self, AllRows, Context, FeatureState, FitTotal, Fitted, Prepared, RowsOf, Scaling, Shuffle,
    SplitPlan, SplitTotal, Total, WriteJob,
};
use crate::sink::Work;
use crate::sink::shard::ShardFormat;
use crate::sink::staging::UnitList;
use crate::spec::OnInf;

/// A process that does units of a job.
pub(super) struct Seam<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) work: &'a Work,
    /// The units of this process.
    pub(super) prepared: &'a Prepared,
    /// Units of the job.
    pub(super) units: usize,
    /// Their rows.
    pub(super) rows: u64,
    pub(super) list: &'a UnitList,
    pub(super) planned: &'a Planned,
    pub(super) job: &'a JobId,
}

impl Seam<'_> {
    /// One pass of the units of this process.
    pub(super) fn do_units(&self, pass: Pass) -> Result<()> {
        let (run, table) = (self.run, &self.prepared.table);
        let (spec, context, partials) = (run.spec, run.context(), self.work.partials());
        let mut split = SplitPlan::new(context, &table.schema, &spec.split)?;
        let leave = || self.work.leave(pass, table.numbers().start as u64);
        match pass {
            // Planning has found them.
            Pass::Split if spec.split.needs_further_readings() => {
                split.take_kept(partials)?;
                run.pass(pass, || split.each_kept(partials, table))
            }
            Pass::Split => run.pass(pass, || {
                pass::split_units(context, partials, (table, self.rows), &split, leave()?)
            }),
            Pass::Fit => {
                self.settle(&mut split)?;
                let weights = spec.columns.weights.as_deref();
                run.pass(pass, || {
                    pass::fit_units(context, partials, table, &split, weights, leave()?)
                })
            }
            _ => {
                let sides = self.settle(&mut split)?;
                let fitted = self.fitted(&split)?;
                self.write(&split, &sides, &fitted)
            }
        }
    }

    /// What pass 1 has found in all units of the job; `split` knows it from then on.
    fn settle(&self, split: &mut SplitPlan<'_>) -> Result<SplitTotal> {
        let (context, partials) = (self.run.context(), self.work.partials());
        if self.run.spec.split.needs_further_readings() {
            return split.take_kept(partials);
        }
        let total = pass::split_total(context, partials, (self.units, self.rows), split)?;
        total.map_err(|units| self.missing(Pass::Split, &units))
    }

    /// What a pass has found in all units of the job.
    fn total<T: Total>(&self, empty: impl Fn() -> T + Sync) -> Result<T> {
        let total = pass::total(self.run.context(), self.work.partials(), self.units, empty)?;
        total.map_err(|units| self.missing(T::PASS, &units))
    }

    fn missing(&self, pass: Pass, units: &[usize]) -> Error {
        missing(self.planned, &self.run.spec.output.path, pass, units)
    }

    /// The scaler of the job.
    fn fitted(&self, split: &SplitPlan<'_>) -> Result<Fitted> {
        let (run, table) = (self.run, &self.prepared.table);
        let spec = run.spec;
        let features = table.schema.features().count();
        let total = self.total(|| FitTotal::new(features, split.scalers()))?;
        let is_infinite = |feature: &FeatureState| feature.infinities.count > 0;
        if spec.fit.on_inf == OnInf::Error && total.features.iter().any(is_infinite) {
            // The message names files, any of them.
            let (list, units) = (self.list, 0..self.units as u64);
            let (_, found) = part(self.planned, spec, list, units, &self.work.cache_dir())?;
            let context = Context {
                inputs: &found.files,
                ..run.context()
            };
            pass::check_infinities(context, table, &total, spec.fit.on_inf)?;
        }
        Ok(total.finish(spec.fit.ddof))
    }

    fn write(&self, split: &SplitPlan<'_>, sides: &SplitTotal, fitted: &Fitted) -> Result<()> {
        let (run, prepared) = (self.run, self.prepared);
        let (spec, partials, table) = (run.spec, self.work.partials(), &prepared.table);
        // What was read then is compared with what is read now.
        complete(run, partials, Pass::Fit, table.numbers(), self.planned)?;
        let written = match spec.split.folds {
            Some(_) => vec![(folds::SIDE, folds::DATA)],
            None => sides_of(split, sides),
        };
        let directories = written.iter().map(|(_, name)| self.work.side_dirs(name));
        let directories = directories.collect::<Result<Vec<_>>>()?;
        let (directories, unfinished): (Vec<_>, Vec<_>) = directories.into_iter().unzip();
        let written: Vec<Side> = written.into_iter().map(|(side, _)| side).collect();
        let by_side = WriteJob {
            context: run.context(),
            partials,
            table,
            plan: split,
            rows: RowsOf::Sides,
            scaler: &fitted.scaler,
            format: &ShardFormat::new(&prepared.output, &table.schema, spec.output.compression)?,
            spool: self.work.attempt(),
            dtype: spec.output.dtype,
            on_inf: spec.fit.on_inf,
            scaling: Scaling::Fitted,
            written: &written,
            directories: &directories,
            unfinished: &unfinished,
            job: self.job,
        };
        let none = Scaler::default();
        let write = match spec.split.folds {
            Some(_) => folds::undivided(&by_side, &none),
            None => by_side,
        };
        let leaving = self.work.leave(Pass::Write, table.numbers().start as u64)?;
        if spec.output.shuffle {
            let all = AllRows {
                rows: self.rows,
                bytes: self.list.table().bytes,
            };
            let segments = self.work.cache_dir();
            let shuffle = Shuffle::new(&write, all, sides, spec.split.seed, segments);
            let shuffle = shuffle.attempted_in(self.work.attempt());
            return run.pass(Pass::Write, || {
                pass::scatter_units(&write, &shuffle, leaving)
            });
        }
        run.pass(Pass::Write, || pass::write_units(&write, leaving))
    }
}

/// The sides that are written, and their directories.
fn sides_of(split: &SplitPlan<'_>, sides: &SplitTotal) -> Vec<(Side, &'static str)> {
    let written = split.written(sides).into_iter();
    written.map(|side| (side, side.name())).collect()
}
