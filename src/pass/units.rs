//! Passes over some of the units, in a process that leaves their results for others.

use std::ops::Range;

use super::fit::take_up_fit;
use super::split::take_up_split;
use super::write::{leaves, take_up_unit};
use super::{Context, FitTotal, SplitPlan, SplitTotal, WriteJob, partial_name};
use crate::engine::Pass;
use crate::error::Result;
use crate::sink::Partials;
use crate::source::table::Table;

/// The units whose results of `pass` aren't there, or aren't whole.
pub fn missing_units(partials: &Partials, pass: Pass, units: usize) -> Vec<usize> {
    let is_missing = |unit: &usize| !partials.is_kept(&partial_name(pass, *unit));
    (0..units).filter(is_missing).collect()
}

/// Pass 1 of some units.
///
/// # Errors
/// When a column that has a say can't be read.
pub fn split_units(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    units: Range<usize>,
) -> Result<()> {
    context.ordered(units.len()).run(
        |index| take_up_split(context, partials, table, plan, units.start + index),
        |_, _| Ok(()),
    )
}

/// What pass 1 found, from the results of all units.
///
/// # Errors
/// When one of them is gone.
pub fn split_total(context: Context<'_>, partials: &Partials, units: usize) -> Result<SplitTotal> {
    let mut total = SplitTotal::default();
    context.ordered(units).run(
        |unit| partials.kept(&partial_name(Pass::Split, unit)),
        |_, partial| {
            total.merge(&partial);
            Ok(())
        },
    )?;
    Ok(total)
}

/// Pass 2 of some units.
///
/// # Errors
/// When a feature can't be read.
pub fn fit_units(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    weights: Option<&str>,
    units: Range<usize>,
) -> Result<()> {
    let weights = weights.and_then(|name| table.schema.position(name));
    let (lanes, columns) = context.lanes(units.len());
    context.ordered_on(lanes, units.len()).run(
        |index| {
            let threads = (weights, columns);
            take_up_fit(context, partials, table, plan, threads, units.start + index)
        },
        |_, _| Ok(()),
    )
}

/// What pass 2 found, from the results of all units.
///
/// # Errors
/// When one of them is gone.
pub fn fit_total(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
) -> Result<FitTotal> {
    let mut total = FitTotal::new(table.schema.features().count(), plan.scalers());
    context.ordered(table.units.len()).run(
        |unit| partials.kept(&partial_name(Pass::Fit, unit)),
        |_, partial| {
            total.merge(&partial);
            Ok(())
        },
    )?;
    Ok(total)
}

/// Pass 3 of some units.
///
/// # Errors
/// When a column can't be read or a shard can't be written.
pub fn write_units(job: &WriteJob<'_>, units: Range<usize>) -> Result<()> {
    let leaves = leaves(job);
    let (lanes, columns) = job.context.lanes(units.len());
    job.context.ordered_on(lanes, units.len()).run(
        |index| take_up_unit(job, &leaves, units.start + index, columns),
        |_, _| Ok(()),
    )
}
