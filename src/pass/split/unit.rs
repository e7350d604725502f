//! Pass 1 of one unit, where nothing but its own rows has a say.

use super::{SplitPlan, SplitTotal};
use crate::engine::Pass;
use crate::error::Result;
use crate::pass::{Context, partial_name};
use crate::sink::Partials;
use crate::source::table::Table;

/// A unit that is split already, or is now.
pub(super) fn take_up_split(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    index: usize,
) -> Result<SplitTotal> {
    let (partial, is_new) = split_unit(context, partials, table, plan, index)?;
    if is_new {
        partials.keep(&partial_name(Pass::Split, index), &partial, Vec::new())?;
    }
    Ok(partial)
}

/// The same, and whether nobody has kept it.
pub(in crate::pass) fn split_unit(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    index: usize,
) -> Result<(SplitTotal, bool)> {
    let unit = &table.units[index];
    let counted = partials.already_or(&partial_name(Pass::Split, unit.index), || {
        let open = plan.open(table, unit);
        if let Some(count) = plan.folds {
            return plan.count_folds(partials, &open, count);
        }
        let assigned = plan.assigned(&open)?;
        plan.keep(partials, &open, &assigned.sides)?;
        Ok(SplitTotal::of(&assigned))
    })?;
    context.advanced(Pass::Split, unit.rows as u64, 0);
    Ok(counted)
}
