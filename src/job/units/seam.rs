//! A process that does units of a job: what it takes from the passes before, and what it leaves.

use super::Planned;
use super::missing::missing;
use super::part::part;
use crate::artifact::JobId;
use crate::engine::Pass;
use crate::error::{Error, Result};
use crate::job::run::Run;
use crate::pass::{
    self, Context, FeatureState, FitTotal, Fitted, Prepared, SplitPlan, SplitTotal, Total,
};
use crate::sink::staging::UnitList;
use crate::sink::{Leaving, Work};
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
        let leave = || self.leave(pass.to_string());
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

    /// Gathers results of the units of this process.
    pub(super) fn leave(&self, kind: String) -> Result<Leaving<'_>> {
        let first = self.prepared.table.numbers().start as u64;
        self.work.leave(kind, first)
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

    /// The scaler of the job, or of each of its folds.
    fn fitted(&self, split: &SplitPlan<'_>) -> Result<Vec<Fitted>> {
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
        Ok(total.finish_each(spec.fit.ddof))
    }
}
