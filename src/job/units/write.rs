//! Pass 3 of the units of a process: shards, or rows that are going to be shuffled.

use super::missing::complete;
use super::seam::Seam;
use crate::engine::Pass;
use crate::error::Result;
use crate::job::folds;
use crate::kernel::{Fold, FoldCount, Scaler, Side};
use crate::pass::{
    self, AllRows, Fitted, RowsOf, Scaling, Shuffle, SplitPlan, SplitTotal, WriteJob, write_kind,
};
use crate::sink::Leaving;
use crate::sink::shard::ShardFormat;

/// A side that is written, and the name of its directory.
type Place = (Side, String);

impl Seam<'_> {
    /// Writes the rows of the units as `fitted` has it: one scaler, or one a fold.
    pub(super) fn write(
        &self,
        split: &SplitPlan<'_>,
        sides: &SplitTotal,
        fitted: &[Fitted],
    ) -> Result<()> {
        let (run, prepared) = (self.run, self.prepared);
        let (spec, partials, table) = (run.spec, self.work.partials(), &prepared.table);
        // What was read then is compared with what is read now.
        complete(run, partials, Pass::Fit, table.numbers(), self.planned)?;
        let none = Scaler::default();
        let unscaled = WriteJob {
            context: run.context(),
            partials,
            table,
            plan: split,
            rows: RowsOf::Sides,
            scaler: &none,
            format: &ShardFormat::new(&prepared.output, &table.schema, spec.output.compression)?,
            spool: self.work.attempt(),
            dtype: spec.output.dtype,
            on_inf: spec.fit.on_inf,
            scaling: Scaling::Fitted,
            written: &[],
            directories: &[],
            unfinished: &[],
            job: self.job,
        };
        run.pass(Pass::Write, || match (spec.split.folds, fitted) {
            (Some(folds), _) if folds.materialized => {
                self.write_folds(&unscaled, folds.count, fitted)
            }
            (Some(_), _) => {
                let all = folds::undivided(&unscaled, &none);
                let places = vec![(folds::SIDE, folds::DATA.to_owned())];
                self.write_to(&all, places, pass::write_units)
            }
            (None, fitted) => {
                let scaler = fitted.first().map_or(&none, |fitted| &fitted.scaler);
                self.write_sides(&WriteJob { scaler, ..unscaled }, sides)
            }
        })
    }

    fn write_sides(&self, job: &WriteJob<'_>, sides: &SplitTotal) -> Result<()> {
        let spec = self.run.spec;
        let written = job.plan.written(sides).into_iter();
        let places = written.map(|side| (side, side.name().to_owned())).collect();
        if !spec.output.shuffle {
            return self.write_to(job, places, pass::write_units);
        }
        let all = AllRows {
            rows: self.rows,
            bytes: self.list.table().bytes,
        };
        self.write_to(job, places, |job, leaving| {
            let segments = self.work.cache_dir();
            let shuffle = Shuffle::new(job, all, sides, spec.split.seed, segments);
            let shuffle = shuffle.attempted_in(self.work.attempt());
            pass::scatter_units(job, &shuffle, leaving)
        })
    }

    /// Both sides of every fold, one fold after the other.
    fn write_folds(&self, job: &WriteJob<'_>, count: FoldCount, fitted: &[Fitted]) -> Result<()> {
        let mut folds = count.folds().zip(fitted);
        folds.try_for_each(|(fold, fitted): (Fold, &Fitted)| {
            self.work.side_dirs(&fold.to_string())?;
            let of_fold = WriteJob {
                rows: RowsOf::Fold(fold),
                scaler: &fitted.scaler,
                ..*job
            };
            let sides = [Side::Train, Side::Test];
            let places = sides.map(|side| (side, format!("{fold}/{}", side.name())));
            self.write_to(&of_fold, places.to_vec(), pass::write_units)
        })
    }

    /// Writes the rows of a job to these sides by `write`.
    fn write_to(
        &self,
        job: &WriteJob<'_>,
        places: Vec<Place>,
        write: impl FnOnce(&WriteJob<'_>, Leaving<'_>) -> Result<()>,
    ) -> Result<()> {
        let directories = places.iter().map(|(_, name)| self.work.side_dirs(name));
        let directories = directories.collect::<Result<Vec<_>>>()?;
        let (directories, unfinished): (Vec<_>, Vec<_>) = directories.into_iter().unzip();
        let written: Vec<Side> = places.into_iter().map(|(side, _)| side).collect();
        let job = WriteJob {
            written: &written,
            directories: &directories,
            unfinished: &unfinished,
            ..*job
        };
        write(&job, self.leave(write_kind(job.rows))?)
    }
}
