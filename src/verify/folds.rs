//! `data/` with the numbers of folds: every scaler fitted again on the rows outside its fold.
//!
//! From the output alone: a scaler that saw a row of its fold doesn't follow from the others. Limit: sums
//! of as many features at a time as the memory has for them, so wide tables of many folds are read in
//! several passes.

use std::sync::Arc;

use parquet::data_type::Int32Type;

use super::Context;
use super::columns::{Opened, Stored};
use super::findings::{Findings, damage};
use super::leaves::{number, stored};
use super::records::Records;
use super::refit::fit_differs;
use super::scaler::Feature;
use super::shards::path_of;
use super::slots::{FileSlots, Piece, Slots};
use super::sums::Sums;
use super::views::DATA;
use crate::artifact::manifest::ManifestShard;
use crate::engine::guarded;
use crate::error::Result;
use crate::report::VerifyReport;
use crate::schema::{FOLD_COLUMN, NumericKind};

/// Rows of a row group, with the fold and, where there are weights, the weight of each.
struct Group<'a> {
    piece: &'a Piece,
    folds: &'a [usize],
    weights: Option<&'a [f64]>,
}

/// Fits the scaler of every fold again, if rows are there with their folds.
pub(super) fn check(
    context: Context<'_>,
    records: &Records,
    findings: &mut Findings,
    report: &mut VerifyReport,
) -> Result<()> {
    let folds = records.folds();
    if folds == 0 || records.is_materialized() {
        return Ok(());
    }
    let scalers: Vec<(&str, Vec<Feature<'_>>, u64)> = records
        .fold_scalers
        .iter()
        .map(|(name, scaler)| (name.as_str(), scaler.features(), scaler.ddof))
        .collect();
    let names: Vec<&str> = scalers.first().map_or_else(Vec::new, |(_, features, _)| {
        features.iter().map(|feature| feature.name).collect()
    });
    let at_a_time = (records.manifest.columns.len() / folds).max(1);
    let mut first = 0;
    while first < names.len().max(1) {
        let some = &names[first..names.len().min(first + at_a_time)];
        let (rows, totals) = sums(context, records, some, findings)?;
        if rows != records.manifest.folds {
            let said = &records.manifest.folds;
            let what = format!("{rows:?} rows by {FOLD_COLUMN}, the manifest says {said:?}");
            findings.push(DATA, what);
        }
        if !findings.is_empty() {
            return Ok(());
        }
        for (feature, of_folds) in some.iter().zip(&totals) {
            for (fold, (name, features, ddof)) in scalers.iter().enumerate() {
                let said = features.iter().find(|said| said.name == *feature);
                let found = outside(of_folds, fold);
                if let Some(what) = said.and_then(|said| fit_differs(said, &found, *ddof)) {
                    findings.push(*name, format!("column \"{feature}\": {what}"));
                }
            }
        }
        first += at_a_time;
    }
    report.fold_scalers = scalers.len() as u64;
    Ok(())
}

/// The sums of all folds but one.
fn outside(of_folds: &[Sums], fold: usize) -> Sums {
    let others = of_folds.iter().enumerate();
    let others = others.filter(|(other, _)| *other != fold);
    others.fold(Sums::default(), |mut sums, (_, other)| {
        sums.merge(other);
        sums
    })
}

/// Rows of each fold, and of each feature the sums over each fold.
fn sums(
    context: Context<'_>,
    records: &Records,
    features: &[&str],
    findings: &mut Findings,
) -> Result<(Vec<u64>, Vec<Vec<Sums>>)> {
    let folds = records.folds();
    let mut rows = vec![0; folds];
    let mut totals = vec![vec![Sums::default(); folds]; features.len()];
    for shard in &records.manifest.shards {
        let added =
            guarded(|| add_shard(context, records, shard, features, (&mut rows, &mut totals)));
        match added {
            Ok(None) => {}
            Ok(Some(what)) => findings.push(&shard.path, what),
            Err(error) => findings.push(&shard.path, damage(error)?),
        }
        context.cancel.check()?;
        if !findings.is_empty() {
            break;
        }
    }
    Ok((rows, totals))
}

/// Adds a shard; says what is wrong with it.
fn add_shard(
    context: Context<'_>,
    records: &Records,
    shard: &ManifestShard,
    features: &[&str],
    (rows, totals): (&mut [u64], &mut [Vec<Sums>]),
) -> Result<Option<String>> {
    let path = path_of(&context.spec.output, shard);
    let opened = Arc::new(Opened::open(shard.path.clone(), &path, context.memory)?);
    let Some(column) = opened.columns.get(FOLD_COLUMN) else {
        return Ok(Some(format!("it has no column {FOLD_COLUMN}")));
    };
    let weights = records.manifest.spec.pointer("/columns/weights");
    let weights = weights.and_then(serde_json::Value::as_str);
    for (group, group_rows) in opened.group_rows().enumerate() {
        let piece = Piece {
            opened: Arc::clone(&opened),
            group,
            skip: 0,
            rows: group_rows,
            first_row: 0,
            input: 0,
        };
        let folds = match fold_numbers(&piece, column, rows)? {
            Ok(folds) => folds,
            Err(what) => return Ok(Some(what)),
        };
        let weights = match weights {
            Some(name) => Some(numbers(&piece, name)?),
            None => None,
        };
        let group = Group {
            piece: &piece,
            folds: &folds,
            weights: weights.as_deref(),
        };
        context.ordered(features.len()).run(
            |index| {
                context.cancel.check()?;
                guarded(|| group.sums(features[index], rows.len()))
            },
            |index, sums| {
                let pairs = totals[index].iter_mut().zip(&sums);
                pairs.for_each(|(total, sums)| total.merge(sums));
                Ok(())
            },
        )?;
    }
    Ok(None)
}

/// The fold of every row of a row group, counted in `rows`; or what is wrong with one.
fn fold_numbers(
    piece: &Piece,
    column: &Stored,
    rows: &mut [u64],
) -> Result<std::result::Result<Vec<usize>, String>> {
    let memory = piece.opened.file.memory();
    let open = |piece: &Piece| stored::<Int32Type>(piece, column.first_leaf, memory);
    let mut slots = FileSlots::new(std::slice::from_ref(piece), open);
    let mut folds = Vec::with_capacity(piece.rows);
    while let Some(slot) = slots.next_slot()? {
        let fold = slot.value.and_then(|fold| usize::try_from(fold).ok());
        match fold.and_then(|fold| Some((fold, rows.get_mut(fold)?))) {
            Some((fold, rows)) => {
                *rows += 1;
                folds.push(fold);
            }
            None => {
                let what = format!(
                    "{FOLD_COLUMN} is {:?}, there are {} folds",
                    slot.value,
                    rows.len()
                );
                return Ok(Err(what));
            }
        }
    }
    Ok(Ok(folds))
}

/// The numbers of a column, NaN where there is none.
fn numbers(piece: &Piece, name: &str) -> Result<Vec<f64>> {
    let mut numbers = Vec::with_capacity(piece.rows);
    each_number(piece, name, |value| numbers.push(value.unwrap_or(f64::NAN)))?;
    Ok(numbers)
}

fn each_number(piece: &Piece, name: &str, mut take: impl FnMut(Option<f64>)) -> Result<()> {
    let Some(column) = piece.opened.columns.get(name) else {
        return Ok(());
    };
    let kind = NumericKind::of(&column.root).unwrap_or(NumericKind::Float64);
    let memory = piece.opened.file.memory();
    let open = |piece: &Piece| number(piece, column.first_leaf, kind, memory);
    let mut slots = FileSlots::new(std::slice::from_ref(piece), open);
    while let Some(slot) = slots.next_slot()? {
        take(slot.value);
    }
    Ok(())
}

impl Group<'_> {
    /// The sums of a feature over each fold.
    fn sums(&self, feature: &str, folds: usize) -> Result<Vec<Sums>> {
        let mut sums = vec![Sums::default(); folds];
        let mut row = 0;
        each_number(self.piece, feature, |value| {
            let weight = self.weights.map(|weights| weights.get(row).copied());
            if let Some(sums) = self.folds.get(row).and_then(|fold| sums.get_mut(*fold)) {
                match weight {
                    Some(weight) => sums.add_weighted(value, weight.unwrap_or(f64::NAN)),
                    None => sums.add(value),
                }
            }
            row += 1;
        })?;
        Ok(sums)
    }
}
