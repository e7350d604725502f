//! Pass 2: mean and variance of every feature over the train rows.
//!
//! A unit's partial is the exact state of each column; merging adds them without rounding, so the
//! result doesn't depend on how rows were grouped or in which order partials arrive. With folds there is
//! a state for each, of the rows outside it, all from one reading: what a run would fit whose test side
//! is that fold, to the bit. Limit: each costs another pass over the values in the cache.

use serde::{Deserialize, Serialize};

use super::infinities::Infinities;
use super::route::fill_valid;
use super::weights::Weights;
use super::{Context, SplitPlan, partial_name};
use crate::engine::{Pass, guarded};
use crate::error::{Place, Result};
use crate::kernel::{NumericRows, Scaler, Side, Sides, Welford, first_infinite};
use crate::schema::NumericKind;
use crate::sink::Partials;
use crate::source::parquet::{LeafRun, NumberReader, PagesRead};
use crate::source::table::{OpenUnit, Piece, Table};

/// Rows decoded at a time: a multiple of the statistics' 4,096, small enough for the cache.
const RUN_ROWS: usize = 16 << 10;

/// The state of one feature.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FeatureState {
    /// Moments of the train rows, for each scaler: one, or one a fold.
    pub moments: Vec<Welford<f64>>,
    /// Infinities of all rows but those left out.
    pub infinities: Infinities,
}

impl FeatureState {
    /// That of no rows.
    fn new(scalers: usize) -> Self {
        Self {
            moments: vec![Welford::default(); scalers],
            infinities: Infinities::default(),
        }
    }
}

/// What pass 2 leaves of one unit.
#[derive(Debug, Serialize, Deserialize)]
pub struct FitPartial {
    /// The unit's number.
    pub unit: usize,
    /// One state per feature.
    pub features: Vec<FeatureState>,
    /// What was read for it of each store of the unit.
    pub pages: Vec<PagesRead>,
}

/// What was read of a unit in pass 2; the rest of its partial is passed over.
#[derive(Debug, Deserialize)]
struct FitPages {
    pages: Vec<PagesRead>,
}

/// What pass 2, or that of an earlier run, has read of a unit: pass 3 must read the same.
///
/// # Errors
/// When the unit's partial is gone.
pub(super) fn pages_read(partials: &Partials, unit: usize) -> Result<Vec<PagesRead>> {
    let partial: FitPages = partials.kept(&partial_name(Pass::Fit, unit))?;
    Ok(partial.pages)
}

/// The merged state of all units, or of a range of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct FitTotal {
    /// One state per feature.
    pub features: Vec<FeatureState>,
}

impl FitTotal {
    /// A total of nothing.
    pub fn new(features: usize, scalers: usize) -> Self {
        let features = (0..features).map(|_| FeatureState::new(scalers));
        Self {
            features: features.collect(),
        }
    }

    /// Adds a partial.
    pub fn merge(&mut self, partial: &FitPartial) {
        self.merge_features(&partial.features);
    }

    /// Adds the state of other rows.
    pub(super) fn merge_features(&mut self, features: &[FeatureState]) {
        for (total, part) in self.features.iter_mut().zip(features) {
            for (total, part) in total.moments.iter_mut().zip(&part.moments) {
                total.merge(part);
            }
            total.infinities.merge(part.infinities);
        }
    }

    /// Ends the fit: the moments of every feature and the scaler made of them.
    pub fn finish(self, ddof: u32) -> Fitted {
        let mut each = self.finish_each(ddof).into_iter();
        each.next().unwrap_or_default()
    }

    /// The same for each scaler: one, or one a fold.
    pub fn finish_each(self, ddof: u32) -> Vec<Fitted> {
        let mut each: Vec<Vec<Welford<f64>>> = Vec::new();
        for feature in self.features {
            each.resize_with(feature.moments.len(), Vec::new);
            let states = each.iter_mut().zip(feature.moments);
            states.for_each(|(states, state)| states.push(state));
        }
        let fitted = each.into_iter().map(|states| Fitted {
            scaler: Scaler::new(states.iter().map(|state| state.finish(ddof)).collect()),
            states,
        });
        fitted.collect()
    }
}

/// The result of pass 2.
#[derive(Debug, Default)]
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
pub fn fit(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    weights: Option<&str>,
) -> Result<FitTotal> {
    let weights = weights.and_then(|name| table.schema.position(name));
    let mut total = FitTotal::new(table.schema.features().count(), plan.scalers());
    let (lanes, columns) = context.lanes(table.units.len());
    context.ordered_on(lanes, table.units.len()).run(
        |index| take_up_fit(context, partials, table, plan, (weights, columns), index),
        |_, partial| {
            total.merge(&partial);
            Ok(())
        },
    )?;
    Ok(total)
}

/// A unit that is fitted already, or is now; on so many threads, by the weights of a column if there are.
pub(super) fn take_up_fit(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    (weights, threads): (Option<usize>, usize),
    index: usize,
) -> Result<FitPartial> {
    let (partial, is_new) = fit_unit(context, partials, table, plan, (weights, threads), index)?;
    if is_new {
        partials.keep(&partial_name(Pass::Fit, index), &partial, Vec::new())?;
    }
    Ok(partial)
}

/// The same, and whether nobody has kept it.
pub(super) fn fit_unit(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
    (weights, threads): (Option<usize>, usize),
    index: usize,
) -> Result<(FitPartial, bool)> {
    let unit = &table.units[index];
    let fitted = partials.already_or(&partial_name(Pass::Fit, unit.index), || {
        let open = OpenUnit::new(table, unit, context.memory).recording();
        let sides = plan.fitted_sides(partials, &open)?;
        fit_open(context, &open, &sides, weights, threads)
    })?;
    context.advanced(Pass::Fit, unit.rows as u64, 0);
    Ok(fitted)
}

fn fit_open(
    context: Context<'_>,
    open: &OpenUnit<'_>,
    sides: &[Sides],
    weights: Option<usize>,
    threads: usize,
) -> Result<FitPartial> {
    let columns: Vec<usize> = open
        .table
        .schema
        .features()
        .map(|(index, _)| index)
        .collect();
    let features = context
        .ordered_on(threads, columns.len())
        .collect(|feature| fit_column(context, open, sides, columns[feature], weights))?;
    Ok(FitPartial {
        unit: open.unit.index,
        features,
        pages: open.pages_read(),
    })
}

fn fit_column(
    context: Context<'_>,
    open: &OpenUnit<'_>,
    sides: &[Sides],
    column: usize,
    weights: Option<usize>,
) -> Result<FeatureState> {
    let mut fold = Fold {
        context,
        open,
        sides,
        column,
        weights: weights.map(Weights::new),
        state: FeatureState::new(sides.len()),
        run: LeafRun::default(),
        dense: Vec::new(),
        valid: Vec::new(),
    };
    let mut first = 0;
    for piece in &open.unit.pieces {
        guarded(|| fold.piece(piece, first)).map_err(|error| {
            let input = &context.inputs[open.store(piece).input];
            let name = &open.table.schema.columns[column].name;
            error.at(Place::path(&input.path).column(name))
        })?;
        first += piece.rows;
    }
    Ok(fold.state)
}

/// One column being folded, with buffers that are reused from run to run.
struct Fold<'a> {
    context: Context<'a>,
    open: &'a OpenUnit<'a>,
    /// For each scaler.
    sides: &'a [Sides],
    column: usize,
    weights: Option<Weights>,
    state: FeatureState,
    run: LeafRun<f64>,
    dense: Vec<f64>,
    valid: Vec<u64>,
}

impl Fold<'_> {
    /// Folds the train rows of a piece whose first row is row `first` of the unit.
    fn piece(&mut self, piece: &Piece, first: usize) -> Result<()> {
        let stored = self.open.store(piece).layout.columns[self.column];
        let file = self.open.file(piece)?;
        let kind = stored.kind.unwrap_or(NumericKind::Float64);
        let mut reader = NumberReader::open(file, piece.row_group, stored.first_leaf, kind)?;
        if let Some(weights) = &mut self.weights {
            weights.open(self.open, piece)?;
        }
        let mut start = 0;
        while start < piece.rows {
            self.context.cancel.check()?;
            let rows = RUN_ROWS.min(piece.rows - start);
            reader.read(rows, &mut self.run)?;
            if let Some(weights) = &mut self.weights {
                weights.read(rows)?;
                weights.check(self.context, self.open, piece, start, |row| {
                    let mut sides = self.sides.iter();
                    sides.any(|sides| sides.side(first + start + row) == Some(Side::Train))
                })?;
            }
            self.run(piece, start, first + start, rows);
            start += rows;
        }
        reader.finish()?;
        let chunk = file
            .metadata()
            .row_group(piece.row_group)
            .column(stored.first_leaf);
        let bytes = u64::try_from(chunk.compressed_size()).unwrap_or(0);
        self.context.advanced(Pass::Fit, 0, bytes);
        Ok(())
    }

    /// Folds one run: `start` is its first row in the piece, `first` in the unit.
    fn run(&mut self, piece: &Piece, start: usize, first: usize, rows: usize) {
        self.fill_dense(rows);
        let (values, valid) = match self.run.values.len() == rows {
            true => (&self.run.values, None),
            false => (&self.dense, Some(self.valid.as_slice())),
        };
        for (sides, moments) in self.sides.iter().zip(&mut self.state.moments) {
            let train = sides.train(first, NumericRows { values, valid });
            match &self.weights {
                Some(weights) => moments.extend_weighted(train, weights.of_rows()),
                None => moments.extend(train),
            }
        }
        if let Some(row) = first_infinite(values) {
            // Rows that are left out may hold anything; they are the same for every scaler.
            let is_used = |row: usize| {
                let sides = self.sides.first();
                sides.and_then(|sides| sides.side(first + row)) != Some(Side::LeftOut)
            };
            let counts = |row: &usize| values[*row].is_infinite() && is_used(*row);
            let mut infinite = (row..rows).filter(counts);
            let place = |row: usize| {
                let table = self.open.table;
                let input = table.first_input + self.open.store(piece).input;
                (input, piece.first_row + (start + row) as u64)
            };
            let first = infinite.next().map(place);
            self.state.infinities.merge(Infinities {
                count: u64::from(first.is_some()) + infinite.count() as u64,
                first,
            });
        }
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
