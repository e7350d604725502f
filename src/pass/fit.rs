//! Pass 2: mean and variance of every feature over the train rows.
//!
//! A unit's partial is the exact state of each column; merging adds them without rounding, so the
//! result doesn't depend on how rows were grouped or in which order partials arrive.

use super::route::fill_valid;
use super::{Context, SplitPlan};
use crate::engine::Pass;
use crate::error::{DataError, Error, Result, escape_path};
use crate::kernel::{NumericRows, Scaler, Sides, Welford, count_infinite, first_infinite};
use crate::schema::NumericKind;
use crate::source::parquet::{LeafRun, NumberReader};
use crate::source::table::{OpenUnit, Piece, Table};
use crate::spec::OnInf;

/// Rows decoded at a time: a multiple of the statistics' 4,096, small enough for the cache.
const RUN_ROWS: usize = 16 << 10;

/// Infinite values of one column, in rows of either side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Infinities {
    /// How many.
    pub count: u64,
    /// Input and row of the first.
    pub first: Option<(usize, u64)>,
}

impl Infinities {
    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first = match (self.first, other.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// The state of one feature.
#[derive(Debug, Default)]
pub struct FeatureState {
    /// Moments of the train rows.
    pub moments: Welford<f64>,
    /// Infinities of all rows.
    pub infinities: Infinities,
}

/// What pass 2 leaves of one unit.
#[derive(Debug)]
pub struct FitPartial {
    /// The unit's number.
    pub unit: usize,
    /// One state per feature.
    pub features: Vec<FeatureState>,
}

/// The merged state of all units.
#[derive(Debug)]
pub struct FitTotal {
    /// One state per feature.
    pub features: Vec<FeatureState>,
}

impl FitTotal {
    /// A total of nothing.
    pub fn new(features: usize) -> Self {
        Self {
            features: (0..features).map(|_| FeatureState::default()).collect(),
        }
    }

    /// Adds a partial.
    pub fn merge(&mut self, partial: &FitPartial) {
        for (total, part) in self.features.iter_mut().zip(&partial.features) {
            total.moments.merge(&part.moments);
            total.infinities.merge(part.infinities);
        }
    }

    /// Ends the fit: the moments of every feature and the scaler made of them.
    pub fn finish(self, ddof: u32) -> Fitted {
        let moments = self
            .features
            .iter()
            .map(|feature| feature.moments.finish(ddof))
            .collect();
        Fitted {
            scaler: Scaler::new(moments),
            states: self
                .features
                .into_iter()
                .map(|feature| feature.moments)
                .collect(),
        }
    }

    /// Fails if infinities were found and `on_inf` doesn't allow them: one error names every column.
    ///
    /// # Errors
    /// [`DataError::Infinite`].
    pub fn check_infinities(
        &self,
        context: Context<'_>,
        table: &Table,
        on_inf: OnInf,
    ) -> Result<()> {
        const NAMED_MAX: usize = 20;
        let total: u64 = self
            .features
            .iter()
            .map(|feature| feature.infinities.count)
            .sum();
        if total == 0 || on_inf == OnInf::Null {
            return Ok(());
        }
        let found: Vec<String> = table
            .schema
            .features()
            .zip(&self.features)
            .filter_map(|((_, column), state)| {
                let (input, row) = state.infinities.first?;
                let path = escape_path(&context.inputs[input].path);
                let count = state.infinities.count;
                Some(format!(
                    "{:?} ({count}, first in {path}: row {})",
                    column.name,
                    row + 1
                ))
            })
            .collect();
        let more = found.len().saturating_sub(NAMED_MAX);
        let mut columns = found[..found.len() - more].join(", ");
        if more > 0 {
            columns.push_str(&format!(" and {more} more columns"));
        }
        Err(Error::from(DataError::Infinite { total, columns }).hint(
            "turn them into nulls with --on-inf null, or leave the column out with --exclude",
        ))
    }
}

/// The result of pass 2.
#[derive(Debug)]
pub struct Fitted {
    /// What standardizes the features, in their order.
    pub scaler: Scaler,
    /// The exact state of each feature, from which scalers merge.
    pub states: Vec<Welford<f64>>,
}

/// Runs pass 2 over `table`.
///
/// # Errors
/// When a feature can't be read.
pub fn fit(context: Context<'_>, table: &Table, plan: &SplitPlan<'_>) -> Result<FitTotal> {
    let mut total = FitTotal::new(table.schema.features().count());
    let (lanes, columns) = context.lanes(table.units.len());
    context.ordered_on(lanes, table.units.len()).run(
        |index| {
            fit_unit(
                context,
                &OpenUnit::new(table, &table.units[index]),
                plan,
                columns,
            )
        },
        |_, partial| {
            total.merge(&partial);
            Ok(())
        },
    )?;
    Ok(total)
}

fn fit_unit(
    context: Context<'_>,
    open: &OpenUnit<'_>,
    plan: &SplitPlan<'_>,
    threads: usize,
) -> Result<FitPartial> {
    let sides = plan.sides(open)?;
    let columns: Vec<usize> = open
        .table
        .schema
        .features()
        .map(|(index, _)| index)
        .collect();
    let features = context
        .ordered_on(threads, columns.len())
        .collect(|feature| fit_column(context, open, &sides, columns[feature]))?;
    context.advanced(Pass::Fit, open.unit.rows as u64, 0);
    Ok(FitPartial {
        unit: open.unit.index,
        features,
    })
}

fn fit_column(
    context: Context<'_>,
    open: &OpenUnit<'_>,
    sides: &Sides,
    column: usize,
) -> Result<FeatureState> {
    let mut fold = Fold::default();
    let mut first = 0;
    for piece in &open.unit.pieces {
        let stored = open.store(piece).layout.columns[column];
        let file = open.file(piece)?;
        let kind = stored.kind.unwrap_or(NumericKind::Float64);
        let mut reader = NumberReader::open(file, piece.row_group, stored.first_leaf, kind)?;
        fold.piece(context, open, piece, &mut reader, (sides, first))?;
        reader.finish()?;
        let chunk = file
            .metadata()
            .row_group(piece.row_group)
            .column(stored.first_leaf);
        let bytes = u64::try_from(chunk.compressed_size()).unwrap_or(0);
        context.advanced(Pass::Fit, 0, bytes);
        first += piece.rows;
    }
    Ok(fold.state)
}

/// Buffers and state while one column is folded.
#[derive(Debug, Default)]
struct Fold {
    state: FeatureState,
    run: LeafRun<f64>,
    dense: Vec<f64>,
    valid: Vec<u64>,
}

impl Fold {
    fn piece(
        &mut self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        piece: &Piece,
        reader: &mut NumberReader,
        (sides, first): (&Sides, usize),
    ) -> Result<()> {
        let mut start = 0;
        while start < piece.rows {
            context.cancel.check()?;
            let rows = RUN_ROWS.min(piece.rows - start);
            reader.read(rows, &mut self.run)?;
            self.fill_dense(rows);
            let (values, valid) = match self.run.values.len() == rows {
                true => (&self.run.values, None),
                false => (&self.dense, Some(self.valid.as_slice())),
            };
            let train = sides.train(first + start, NumericRows { values, valid });
            self.state.moments.extend(train);
            if let Some(row) = first_infinite(values) {
                let input = open.store(piece).input;
                let row = piece.first_row + (start + row) as u64;
                let count = count_infinite(values);
                self.state.infinities.merge(Infinities {
                    count,
                    first: Some((input, row)),
                });
            }
            start += rows;
        }
        Ok(())
    }

    /// One value per row, if some are missing: nulls become NaN, which the kernel leaves out.
    fn fill_dense(&mut self, rows: usize) {
        if self.run.values.len() == rows {
            return;
        }
        fill_valid(&self.run.definition, 1, &mut self.valid);
        let mut values = self.run.values.iter();
        self.dense.clear();
        self.dense
            .extend(self.run.definition.iter().map(|level| match level {
                1 => values.next().copied().unwrap_or(f64::NAN),
                _ => f64::NAN,
            }));
    }
}
