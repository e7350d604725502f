//! Pass 1: the side of every row.
//!
//! After this pass the side of a row follows from the row and the [`SplitPlan`] alone. Each mode is a
//! file of one shape: what it needs to know, and `assign`, which appends the sides of a piece. In
//! hashed mode the side is recomputed wherever it is needed, and this pass only counts.

mod column;
mod row;

use serde::{Deserialize, Serialize};

use self::column::ByColumn;
use self::row::ByRow;
use super::{Context, WritePartial, partial_name};
use crate::engine::{Pass, guarded};
use crate::error::{Error, InputError, Place, Result, UsageError};
use crate::kernel::{Cuts, Fraction, Side, Sides, WRITTEN_SIDES};
use crate::sink::Partials;
use crate::source::discover::CHANGED_HINT;
use crate::source::table::{OpenUnit, Table};
use crate::spec::{SplitBy, SplitSpec};

/// What decides the side of every row of a table.
#[derive(Debug)]
pub struct SplitPlan<'a> {
    context: Context<'a>,
    by: By,
    /// Whether a val side was asked for.
    val: bool,
}

#[derive(Debug)]
enum By {
    Row(ByRow),
    Column(ByColumn),
}

/// How many rows pass 1 found on each side, in one unit or in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitTotal {
    by_side: [u64; WRITTEN_SIDES + 1],
}

impl SplitTotal {
    /// Rows on a side.
    pub fn rows_on(&self, side: Side) -> u64 {
        self.by_side[side.index()]
    }

    fn of(sides: &Sides) -> Self {
        let mut total = Self::default();
        for side in Side::WRITTEN.into_iter().chain([Side::LeftOut]) {
            total.by_side[side.index()] = sides.rows_on(side);
        }
        total
    }

    fn merge(&mut self, other: Self) {
        for (total, rows) in self.by_side.iter_mut().zip(other.by_side) {
            *total += rows;
        }
    }
}

impl<'a> SplitPlan<'a> {
    /// Resolves the split for `table`.
    ///
    /// # Errors
    /// When the sides asked for are more than all rows.
    pub fn new(context: Context<'a>, table: &Table, spec: &SplitSpec) -> Result<Self> {
        let cuts = check_split(spec)?;
        let column = match &spec.by {
            SplitBy::Row => None,
            SplitBy::Column(name) => table.schema.position(name),
        };
        let by = match column {
            None => By::Row(ByRow::new(context, spec.seed, cuts)),
            Some(column) => By::Column(ByColumn { column }),
        };
        let val = spec.val_size.is_some();
        Ok(Self { context, by, val })
    }

    /// The sides of all rows of a unit, in order.
    ///
    /// # Errors
    /// When the split column can't be read, or holds a value that names no side.
    pub fn sides(&self, open: &OpenUnit<'_>) -> Result<Sides> {
        let mut sides = Sides::default();
        for piece in &open.unit.pieces {
            self.context.cancel.check()?;
            match &self.by {
                By::Row(by) => by.assign(self.context, open, piece, &mut sides)?,
                By::Column(by) => {
                    let input = &self.context.inputs[open.store(piece).input];
                    guarded(|| by.assign(self.context, open, piece, &mut sides))
                        .map_err(|error| error.at(Place::path(&input.path)))?;
                }
            }
        }
        Ok(sides)
    }

    /// The sides that are written: a val side only if one was asked for, by a flag or by the data.
    pub fn written(&self, total: &SplitTotal) -> Vec<Side> {
        let is_written = |side: &Side| *side != Side::Val || self.val || total.rows_on(*side) > 0;
        Side::WRITTEN.into_iter().filter(is_written).collect()
    }
}

/// Where the sides of `spec` end among the hashes.
///
/// # Errors
/// When the sides asked for are more than all rows.
pub fn check_split(spec: &SplitSpec) -> Result<Cuts> {
    let val = spec.val_size.unwrap_or(Fraction::ZERO);
    Cuts::new(spec.test_size, val).ok_or_else(|| {
        UsageError::InvalidValue {
            flag: "--val-size",
            value: val.to_string(),
            reason: format!(
                "with --test-size {} it is more than all rows",
                spec.test_size
            ),
        }
        .into()
    })
}

/// Runs pass 1 over `table`: counts the rows of each side.
///
/// # Errors
/// When the split column can't be read, or a value in it names no side.
pub fn split(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
) -> Result<SplitTotal> {
    let mut total = SplitTotal::default();
    context.ordered(table.units.len()).run(
        |index| {
            let (unit, name) = (&table.units[index], partial_name(Pass::Split, index));
            let partial = match partials.take_up(&name) {
                Some(partial) => partial,
                None => {
                    let sides = plan.sides(&OpenUnit::new(table, unit, context.memory))?;
                    let partial = SplitTotal::of(&sides);
                    partials.keep(&name, &partial, Vec::new())?;
                    partial
                }
            };
            context.advanced(Pass::Split, unit.rows as u64, 0);
            Ok(partial)
        },
        |_, partial| {
            total.merge(partial);
            Ok(())
        },
    )?;
    Ok(total)
}

/// Makes sure that pass 3 wrote the rows that pass 1 counted: a split column that changes in between
/// would move rows.
///
/// # Errors
/// [`InputError::Changed`].
pub fn check_rows(counted: &SplitTotal, written: &[WritePartial]) -> Result<()> {
    for side in Side::WRITTEN {
        let shards = written.iter().filter_map(|partial| partial.shard(side));
        let (before, after) = (
            counted.rows_on(side),
            shards.map(|shard| shard.rows).sum::<u64>(),
        );
        if before != after {
            return Err(Error::from(InputError::Changed {
                what: "number of rows on a side",
                before: before.to_string(),
                after: after.to_string(),
            })
            .hint(CHANGED_HINT));
        }
    }
    Ok(())
}
