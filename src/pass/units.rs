//! Passes over some of the units, in a process that leaves their results for others.

use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::encode::leaves;
use super::fit::{FitPartial, fit_unit};
use super::split::{Ranked, split_unit};
use super::write::{shard_files, write_name, write_unit};
use super::{Context, FitTotal, RowsOf, SplitPlan, SplitTotal, WriteJob, partial_name, total_name};
use crate::engine::Pass;
use crate::error::{Result, UsageError};
use crate::kernel::FoldCount;
use crate::sink::{Covered, Leaving, Partials};
use crate::source::table::Table;

/// The units of a range whose results of `pass` aren't there, or aren't whole; `folds` are those that each have
/// shards of their own, if any have.
///
/// # Errors
/// When the run is asked to stop.
pub fn missing_units(
    context: Context<'_>,
    partials: &Partials,
    pass: Pass,
    units: Range<usize>,
    folds: Option<FoldCount>,
) -> Result<Vec<usize>> {
    let mut missing = Vec::new();
    let is_kept = |unit: usize| match folds.filter(|_| pass == Pass::Write) {
        Some(count) => count
            .folds()
            .all(|fold| partials.is_kept(&write_name(RowsOf::Fold(fold), unit))),
        None => partials.is_kept(&partial_name(pass, unit)),
    };
    context.ordered(units.len()).run(
        |index| Ok(is_kept(units.start + index)),
        |index, is_kept| {
            if !is_kept {
                missing.push(units.start + index);
            }
            Ok(())
        },
    )?;
    Ok(missing)
}

/// Pass 1 of the units of `table`, of a job of `rows` rows. What is done before an error is left as well.
///
/// # Errors
/// When a column that has a say can't be read.
pub fn split_units(
    context: Context<'_>,
    partials: &Partials,
    (table, rows): (&Table, u64),
    plan: &SplitPlan<'_>,
    mut leaving: Leaving<'_>,
) -> Result<()> {
    if plan.is_ranked() {
        let (none, mut total) = (plan.no_ranks(rows)?, Ranked::default());
        let done = context.ordered(table.units.len()).run(
            |index| plan.first_ranks(partials, table, &none, index),
            |_, (partial, _)| {
                leaving.push(&partial, Vec::new())?;
                total.merge(partial);
                Ok(())
            },
        );
        return done.and(leaving.finish(&total));
    }
    let mut total = SplitTotal::default();
    let done = context.ordered(table.units.len()).run(
        |index| split_unit(context, partials, table, plan, index),
        |_, (partial, _)| {
            total.merge(&partial);
            leaving.push(&partial, Vec::new())
        },
    );
    done.and(leaving.finish(&total))
}

/// Pass 2 of the units of `table`. What is done before an error is left as well.
///
/// # Errors
/// When a feature can't be read.
pub fn fit_units(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    weights: Option<&str>,
    mut leaving: Leaving<'_>,
) -> Result<()> {
    let weights = weights.and_then(|name| table.schema.position(name));
    let (lanes, columns) = context.lanes(table.units.len());
    let mut total = FitTotal::new(table.schema.features().count(), plan.scalers());
    let done = context.ordered_on(lanes, table.units.len()).run(
        |index| fit_unit(context, partials, table, plan, (weights, columns), index),
        |_, (partial, _)| {
            total.merge(&partial);
            leaving.push(&partial, Vec::new())
        },
    );
    done.and(leaving.finish(&total))
}

/// Pass 3 of the units of a table. What is done before an error is left as well.
///
/// # Errors
/// When a column can't be read or a shard can't be written.
pub fn write_units(job: &WriteJob<'_>, mut leaving: Leaving<'_>) -> Result<()> {
    let leaves = leaves(job);
    let units = job.table.units.len();
    let (lanes, columns) = job.context.lanes(units);
    let done = job.context.ordered_on(lanes, units).run(
        |index| write_unit(job, &leaves, index, columns),
        |_, (partial, _)| leaving.push(&partial, shard_files(job, &partial)),
    );
    done.and(leaving.finish(&()))
}

/// What a pass has found in all units together.
pub trait Total: Serialize + DeserializeOwned + Send {
    /// The pass.
    const PASS: Pass;
    /// What it leaves of a unit.
    type Partial: DeserializeOwned;

    /// Adds the result of a unit.
    fn add(&mut self, partial: Self::Partial);

    /// Adds what was found in other units.
    fn add_total(&mut self, other: Self);
}

impl Total for SplitTotal {
    const PASS: Pass = Pass::Split;
    type Partial = Self;

    fn add(&mut self, partial: Self) {
        self.merge(&partial);
    }

    fn add_total(&mut self, other: Self) {
        self.merge(&other);
    }
}

impl Total for Ranked {
    const PASS: Pass = Pass::Split;
    type Partial = Self;

    fn add(&mut self, partial: Self) {
        self.merge(partial);
    }

    fn add_total(&mut self, other: Self) {
        self.merge(other);
    }
}

impl Total for FitTotal {
    const PASS: Pass = Pass::Fit;
    type Partial = FitPartial;

    fn add(&mut self, partial: FitPartial) {
        self.merge(&partial);
    }

    fn add_total(&mut self, other: Self) {
        self.merge_features(&other.features);
    }
}

/// What pass 1 has found in units 0 to `units`, which have `rows` rows; from then on `plan` knows the side
/// of every row. Or the units whose results are missing or damaged.
///
/// # Errors
/// Those of [`total`]; [`UsageError::Conflict`] if the units would have to be read again.
pub fn split_total(
    context: Context<'_>,
    partials: &Partials,
    (units, rows): (usize, u64),
    plan: &mut SplitPlan<'_>,
) -> Result<std::result::Result<SplitTotal, Vec<usize>>> {
    if !plan.is_ranked() {
        return total(context, partials, units, SplitTotal::default);
    }
    let ranked = match total(context, partials, units, Ranked::default)? {
        Ok(ranked) => ranked,
        Err(missing) => return Ok(Err(missing)),
    };
    let parted = plan.part(&ranked, rows)?.ok_or_else(|| UsageError::Conflict {
        first: "--plan",
        second: "sides of exact sizes",
        reason: "too many rows have the same key for them to end near where they should: use prep stream"
            .to_owned(),
    })?;
    Ok(Ok(parted))
}

/// What a pass has found in units 0 to `units`, or the units whose results are missing or damaged.
///
/// Whoever needs it first merges what was left of the units, and leaves the total for everyone after; of
/// several that do, each leaves the same bytes. `empty` is the total of nothing.
///
/// # Errors
/// When the total can't be written, or the run is asked to stop.
pub fn total<T: Total>(
    context: Context<'_>,
    partials: &Partials,
    units: usize,
    empty: impl Fn() -> T + Sync,
) -> Result<std::result::Result<T, Vec<usize>>> {
    let name = total_name(T::PASS);
    if let Some(total) = partials.read_without_files(&name) {
        return Ok(Ok(total));
    }
    let covered = partials.cover(T::PASS, units as u64);
    let (mut total, mut missing) = (empty(), Vec::new());
    context.ordered(covered.len()).run(
        |index| Ok(of_covered(partials, &covered[index], &empty)),
        |_, (part, absent)| {
            total.add_total(part);
            missing.extend(absent);
            Ok(())
        },
    )?;
    if !missing.is_empty() {
        return Ok(Err(missing));
    }
    partials.keep(&name, &total, Vec::new())?;
    Ok(Ok(total))
}

/// The total of some units, and those of them that are missing.
fn of_covered<T: Total>(
    partials: &Partials,
    covered: &Covered,
    empty: impl Fn() -> T,
) -> (T, Vec<usize>) {
    let units = match covered {
        Covered::Range(units) => match partials.summary(T::PASS, units) {
            Some(total) => return (total, Vec::new()),
            None => units.clone(),
        },
        Covered::Unit(unit) => *unit..unit + 1,
    };
    let (mut total, mut missing) = (empty(), Vec::new());
    for unit in units {
        let unit = usize::try_from(unit).unwrap_or(usize::MAX);
        match partials.read_without_files(&partial_name(T::PASS, unit)) {
            Some(partial) => total.add(partial),
            None => missing.push(unit),
        }
    }
    (total, missing)
}
