//! Pass 1: the side of every row.
//!
//! After this pass the side of a row follows from the row and the [`SplitPlan`] alone. Each mode is a
//! file of one shape: what it needs to know, and `assign`, which appends the sides of a piece. In
//! hashed mode the side is recomputed wherever it is needed, and this pass only counts.

mod bins;
mod classes;
mod column;
mod exact;
mod folds;
mod group_folds;
mod groups;
mod key;
mod leaf;
mod narrow;
mod ranked;
mod row;
mod settled;
mod time;
mod unit;

use std::path::Path;

use serde::{Deserialize, Serialize};

use self::column::ByColumn;
use self::exact::Exact;
pub use self::folds::{Routed, RowsOf};
use self::key::{ByKey, HASH_RUN_BYTES, HASH_RUN_ROWS, KeyColumns};
use self::leaf::PieceRows;
use self::narrow::Narrow;
pub(in crate::pass) use self::ranked::Ranked;
use self::row::ByRow;
pub(super) use self::settled::settled_bytes;
use self::time::{ByTime, TIME_BYTES};
pub(in crate::pass) use self::unit::split_unit;
use self::unit::take_up_split;
use super::{Context, WritePartial};
use crate::engine::guarded;
use crate::error::{Error, InputError, Place, Result, UsageError};
use crate::kernel::{Cuts, FoldCount, Fraction, Side, Sides, WRITTEN_SIDES, file_key};
use crate::schema::Schema;
use crate::sink::Partials;
use crate::source::discover::CHANGED_HINT;
use crate::source::table::{OpenUnit, Piece, Table};
use crate::spec::{Size, SplitBy, SplitSpec};

/// The key of every input, by its relative path.
fn file_keys(context: Context<'_>) -> Vec<u64> {
    let inputs = context.inputs.iter();
    inputs.map(|input| file_key(&input.relative)).collect()
}

/// What decides the side of every row of a table.
#[derive(Debug)]
pub struct SplitPlan<'a> {
    context: Context<'a>,
    by: By,
    /// What puts sides at exact sizes, if anything does.
    exact: Option<Exact>,
    narrow: Narrow,
    sample: Option<Fraction>,
    /// Whether a val side was asked for.
    val: bool,
    /// How many folds there are in place of sides, if there are.
    folds: Option<FoldCount>,
    /// Whether sides are those that were kept, whatever is known here.
    is_kept: bool,
}

#[derive(Debug)]
enum By {
    Row(ByRow),
    Key(ByKey),
    Time(ByTime),
    Column(ByColumn),
}

impl By {
    /// Replaces `hashes` by those of some rows, where hashes decide; sets a bit in `nulls` for each whose
    /// group key has a null.
    fn hash(&self, rows: PieceRows<'_>, hashes: &mut Vec<u64>, nulls: &mut [u64]) -> Result<()> {
        match self {
            Self::Row(by) => by.hash(rows, hashes),
            Self::Key(by) => by.hash(rows, hashes, nulls)?,
            Self::Time(_) | Self::Column(_) => hashes.clear(),
        }
        Ok(())
    }
}

/// How many of the rows with a bit in `marks` are among those that are kept.
fn used(marks: &[u64], kept: &[u64]) -> u64 {
    let both = marks.iter().zip(kept).map(|(mark, kept)| mark & kept);
    both.map(|word| u64::from(word.count_ones())).sum()
}

/// The sides of the rows of a unit.
#[derive(Debug, Default)]
struct Assigned {
    sides: Sides,
    null_keys: u64,
}

/// How many rows pass 1 found on each side, in one unit or in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitTotal {
    by_side: [u64; WRITTEN_SIDES + 1],
    /// Rows in use whose group key has a null.
    null_keys: u64,
    /// The classes of a stratified split, in no order that means anything.
    classes: Vec<ClassTotal>,
    /// Rows of each fold, if there are folds.
    folds: Vec<u64>,
}

/// Rows of a class on each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassTotal {
    /// Its value or bin, as reports show it.
    pub name: String,
    /// Rows on the train side.
    pub train: u64,
    /// Rows on the val side.
    pub val: u64,
    /// Rows on the test side.
    pub test: u64,
}

impl ClassTotal {
    /// No rows yet.
    fn named(name: String) -> Self {
        Self {
            name,
            train: 0,
            val: 0,
            test: 0,
        }
    }

    fn add(&mut self, side: Side, rows: u64) {
        match side {
            Side::Train => self.train += rows,
            Side::Val => self.val += rows,
            Side::Test => self.test += rows,
            Side::LeftOut => {}
        }
    }
}

impl SplitTotal {
    /// Rows on a side.
    pub fn rows_on(&self, side: Side) -> u64 {
        self.by_side[side.index()]
    }

    /// Rows whose group key has a null: all those are one group, if the key is one column.
    pub fn null_keys(&self) -> u64 {
        self.null_keys
    }

    /// The classes of a stratified split.
    pub fn classes(&self) -> &[ClassTotal] {
        &self.classes
    }

    fn of(assigned: &Assigned) -> Self {
        let mut total = Self {
            null_keys: assigned.null_keys,
            ..Self::default()
        };
        for side in Side::WRITTEN.into_iter().chain([Side::LeftOut]) {
            total.by_side[side.index()] = assigned.sides.rows_on(side);
        }
        total
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (total, rows) in self.by_side.iter_mut().zip(&other.by_side) {
            *total += rows;
        }
        self.null_keys += other.null_keys;
        let folds = self.folds.len().max(other.folds.len());
        self.folds.resize(folds, 0);
        for (total, rows) in self.folds.iter_mut().zip(&other.folds) {
            *total += rows;
        }
    }
}

impl<'a> SplitPlan<'a> {
    /// Resolves the split for a table with this schema.
    ///
    /// # Errors
    /// When the sides asked for are more than all rows, or a column can't be used as asked.
    pub fn new(context: Context<'a>, schema: &Schema, spec: &SplitSpec) -> Result<Self> {
        let cuts = check_split(spec)?.unwrap_or(Cuts::NONE);
        let (seed, folds) = (spec.seed, spec.folds.map(|folds| folds.count));
        let by_key = |columns| By::Key(ByKey::new(columns, seed, cuts, folds.is_some()));
        let by = match &spec.by {
            SplitBy::Row => By::Row(ByRow::new(context, seed, cuts, folds.is_some())),
            SplitBy::Content => by_key(KeyColumns::content(schema)),
            SplitBy::Group(names) => by_key(KeyColumns::group(schema, names)?),
            SplitBy::Time(name) => By::Time(ByTime::new(context, schema, name, spec)?),
            SplitBy::Column(name) => By::Column(ByColumn::new(schema, name)?),
        };
        let narrow = Narrow::new(context, schema, spec)?;
        let exact = Exact::new(schema, spec)?;
        let val = spec.val_size.is_some() || spec.cutoff.len() > 1;
        Ok(Self {
            context,
            by,
            exact,
            narrow,
            sample: spec.sample,
            val,
            folds,
            is_kept: false,
        })
    }

    fn assigned(&self, open: &OpenUnit<'_>) -> Result<Assigned> {
        let mut assigned = Assigned::default();
        for piece in &open.unit.pieces {
            self.context.cancel.check()?;
            let input = &self.context.inputs[open.store(piece).input];
            guarded(|| self.piece(open, piece, &mut assigned))
                .map_err(|error| error.at(Place::path(&input.path)))?;
        }
        Ok(assigned)
    }

    /// Appends the sides of a piece.
    fn piece(&self, open: &OpenUnit<'_>, piece: &Piece, assigned: &mut Assigned) -> Result<()> {
        if self.narrow.is_nothing() {
            let nulls = self.assign(open, piece, &mut assigned.sides)?;
            // None is kept out.
            assigned.null_keys += used(&nulls, &nulls);
            return Ok(());
        }
        let kept = self.narrow.kept(self.context, open, piece)?;
        let mut sides = Sides::default();
        let nulls = self.assign(open, piece, &mut sides)?;
        assigned.sides.append_kept(&sides, &kept);
        assigned.null_keys += used(&nulls, &kept);
        Ok(())
    }

    /// Appends the sides that the mode gives; returns a bit for each row whose key has a null.
    fn assign(&self, open: &OpenUnit<'_>, piece: &Piece, sides: &mut Sides) -> Result<Vec<u64>> {
        let context = self.context;
        if let Some(exact) = &self.exact {
            let (mut hashes, mut nulls) = (Vec::new(), vec![0; piece.rows.div_ceil(64)]);
            for rows in PieceRows::runs(context, open, piece, HASH_RUN_ROWS) {
                self.by
                    .hash(rows, &mut hashes, &mut nulls[rows.first / 64..])?;
                exact.assign(rows, &hashes, sides)?;
            }
            return Ok(nulls);
        }
        match &self.by {
            By::Row(by) => by.assign(context, open, piece, sides)?,
            By::Key(by) => return by.assign(context, open, piece, sides),
            By::Time(by) => return by.assign(context, open, piece, sides),
            By::Column(by) => by.assign(context, open, piece, sides)?,
        }
        Ok(Vec::new())
    }

    /// Finds where sides end in time, if they do.
    fn settle_times(&mut self, table: &Table) -> Result<()> {
        match &mut self.by {
            By::Time(by) => by.settle(self.context, &self.narrow, table),
            By::Row(_) | By::Key(_) | By::Column(_) => Ok(()),
        }
    }

    /// The sides that are written: a val side only if one was asked for, by a flag or by the data.
    pub fn written(&self, total: &SplitTotal) -> Vec<Side> {
        let is_written = |side: &Side| *side != Side::Val || self.val || total.rows_on(*side) > 0;
        Side::WRITTEN.into_iter().filter(is_written).collect()
    }
}

/// Bytes that finding the sides of `rows` rows takes beyond a bit or two a row for each of `workers`.
pub(super) fn sides_bytes(spec: &SplitSpec, rows: u64, workers: usize) -> u64 {
    let planes = match spec.sample.is_some() || spec.filter.is_some() {
        true => 6,
        false => 1 + u64::from(spec.val_size.is_some()),
    };
    if let Some(folds) = spec.folds {
        // A byte a row, what keeps rows out, and the sides that each fold makes.
        let bits = 8 + 1 + planes.min(2) * folds.count.get();
        return rows / 8 * bits + settled_bytes(spec, rows) + 3 * HASH_RUN_BYTES * workers as u64;
    }
    let hashes = match spec.by {
        // And classes, and hashes in place.
        _ if spec.is_exact() => 3 * HASH_RUN_BYTES * workers as u64,
        SplitBy::Group(_) | SplitBy::Content => HASH_RUN_BYTES * workers as u64,
        SplitBy::Time(_) => TIME_BYTES * workers as u64,
        SplitBy::Row | SplitBy::Column(_) => 0,
    };
    rows / 8 * planes + settled_bytes(spec, rows) + hashes
}

/// Where the sides of `spec` end among the hashes, if they are shares.
///
/// # Errors
/// When the sides asked for are more than all rows.
pub fn check_split(spec: &SplitSpec) -> Result<Option<Cuts>> {
    let (test, val) = (spec.test_size, spec.val_size.unwrap_or(Size::ZERO));
    let Some((test_share, val_share)) = test.share().zip(val.share()) else {
        return Ok(None);
    };
    let cuts = Cuts::new(test_share, val_share).ok_or_else(|| UsageError::InvalidValue {
        flag: "--val-size",
        value: val.to_string(),
        reason: format!("with --test-size {test} it is more than all rows"),
    })?;
    Ok(Some(cuts))
}

/// Runs pass 1 over `table`: settles what only all rows can tell, and counts the rows of each side. What
/// is too much to hold goes to files in `directory`.
///
/// # Errors
/// When the split column can't be read, or a value in it names no side.
pub fn split(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &mut SplitPlan<'_>,
    directory: &Path,
) -> Result<SplitTotal> {
    if plan.exact.is_some() {
        return plan.settle(partials, table, directory);
    }
    plan.settle_times(table)?;
    let plan = &*plan;
    let mut total = SplitTotal::default();
    context.ordered(table.units.len()).run(
        |index| take_up_split(context, partials, table, plan, index),
        |_, partial| {
            total.merge(&partial);
            Ok(())
        },
    )?;
    if let Some(folds) = plan.folds {
        // A table of no units has folds all the same.
        total.folds.resize(folds.folds().len(), 0);
    }
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
