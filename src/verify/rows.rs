//! Every row of the inputs against its place in the shards, span by span; and the fit, again.

use std::cell::RefCell;
use std::sync::Arc;

use super::Context;
use super::columns::Opened;
use super::cursor::SideCursor;
use super::findings::{Findings, damage};
use super::pairs::{Mismatch, Pair};
use super::records::{MERGED, Records};
use super::refit::fit_differs;
use super::scaler::{Feature, RecordedScaler};
use super::shards::path_of;
use super::shuffled::{Shuffled, is_shuffled};
use super::slots::Piece;
use super::split::Split;
use super::sums::Sums;
use super::tally::{Ranged, Tally};
use super::values::each;
use super::views::View;
use crate::artifact::escape_name;
use crate::engine::guarded;
use crate::error::Result;
use crate::schema::FOLD_COLUMN;
use crate::source::discover::InputFile;
use crate::source::text::TextBatch;
use crate::spec::OnInf;

/// Consecutive rows of the inputs.
pub(super) enum Span<'a> {
    /// Row groups of Parquet files.
    Files(Vec<Piece>),
    /// Records of a text file.
    Text {
        batch: &'a TextBatch,
        names: &'a [String],
        input: usize,
    },
}

/// The sides of a span's rows, and where the shards hold them.
pub(super) struct SpanRows {
    pub(super) sides: Vec<u8>,
    /// Their folds, where the shards say them.
    pub(super) folds: Option<Vec<u8>>,
    /// One list a side.
    pub(super) shards: Vec<Vec<Piece>>,
    /// Their weights, if they have some.
    pub(super) weights: Option<Vec<f64>>,
    /// What they are added to, if the shards hold them in another order.
    pub(super) ranged: Option<Ranged>,
}

/// The comparison so far.
pub(super) struct Comparison<'a> {
    pub(super) context: Context<'a>,
    pub(super) records: &'a Records,
    pub(super) inputs: &'a [InputFile],
    pub(super) split: &'a Split,
    pub(super) view: &'a View<'a>,
    /// Name of the column of weights.
    weights: Option<&'a str>,
    pub(super) features: Vec<Feature<'a>>,
    pub(super) on_inf: OnInf,
    totals: Vec<Sums>,
    pub(super) sides: Vec<SideCursor<'a>>,
    /// If the rows of a side are in the order of a hash.
    pub(super) shuffled: Option<Shuffled>,
    rows: u64,
    /// The input with which what was added later begins, until the fit before it is judged.
    border: Option<usize>,
}

/// What one column of a span showed.
#[derive(Default)]
struct Seen {
    mismatch: Option<Mismatch>,
    sums: Option<Sums>,
    /// Of each range, if rows are shuffled.
    ranges: Vec<u128>,
}

impl Span<'_> {
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Files(pieces) => pieces.iter().map(|piece| piece.rows).sum(),
            Self::Text { batch, .. } => batch.rows,
        }
    }

    /// Runs of rows: input, first row in it, rows.
    pub(super) fn runs(&self) -> Vec<(usize, u64, usize)> {
        match self {
            Self::Files(pieces) => pieces
                .iter()
                .map(|piece| (piece.input, piece.first_row, piece.rows))
                .collect(),
            Self::Text { batch, input, .. } => vec![(*input, batch.first_row, batch.rows)],
        }
    }

    /// Input and row in it of the span's row with this index.
    pub(super) fn locate(&self, row: usize) -> (usize, u64) {
        let mut before = 0;
        for (input, first, rows) in self.runs() {
            if row < before + rows {
                return (input, first + (row - before) as u64);
            }
            before += rows;
        }
        (0, 0)
    }
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        context: Context<'a>,
        records: &'a Records,
        inputs: &'a [InputFile],
        (split, view): (&'a Split, &'a View<'a>),
        weights: Option<&'a str>,
    ) -> Self {
        let scaler = view.scaler.map(|(_, scaler)| scaler);
        let features = scaler.map_or_else(Vec::new, |scaler| scaler.features());
        let sides = view.sides.iter().map(|side| SideCursor::new(records, side));
        Self {
            context,
            records,
            inputs,
            split,
            view,
            weights,
            totals: vec![Sums::default(); features.len()],
            features,
            on_inf: scaler.map_or(OnInf::Error, |scaler| scaler.on_inf),
            sides: sides.collect(),
            shuffled: is_shuffled(records)
                .then(|| Shuffled::new(records, &view.sides, split.seed())),
            rows: 0,
            border: records.manifest.borders().first().copied(),
        }
    }

    /// Compares the next span; after a finding, the rest is passed over.
    pub(super) fn span(&mut self, span: &Span<'_>, findings: &mut Findings) -> Result<()> {
        if !findings.is_empty() || span.rows() == 0 {
            return Ok(());
        }
        if self.border.is_some_and(|border| span.locate(0).0 >= border) {
            self.border = None;
            self.judge_fit(self.view.scaler, findings);
        }
        let (sides, folds) = self.view.route(self.split, span, self.inputs)?;
        let (first, inputs) = (self.rows, self.inputs);
        let shuffled = self.shuffled.as_mut();
        let ranged = shuffled.map(|shuffled| shuffled.ranged(span, &sides, inputs, first));
        let mut shards = Vec::new();
        let in_place = self.sides.iter_mut().enumerate();
        for (index, cursor) in in_place.filter(|_| ranged.is_none()) {
            let rows = sides
                .iter()
                .filter(|side| usize::from(**side) == index)
                .count();
            match cursor.take(rows, self.context)? {
                Ok(pieces) => shards.push(pieces),
                Err(what) => findings.push(&self.view.sides[index], what),
            }
        }
        self.rows += sides.len() as u64;
        let shape = shards.iter().flatten().next();
        let shape = match (shape, &ranged) {
            (Some(piece), _) => Some(Arc::clone(&piece.opened)),
            (None, Some(_)) => self.any_shard(findings)?,
            (None, None) => None,
        };
        let Some(shape) = shape else {
            return Ok(());
        };
        if !findings.is_empty() {
            return Ok(());
        }
        let weights = self.weights_of(span)?;
        let rows = SpanRows {
            sides,
            folds,
            shards,
            weights,
            ranged,
        };
        self.columns(span, &rows, &shape, findings)
    }

    /// A shard, which has the schema of all.
    fn any_shard(&self, findings: &mut Findings) -> Result<Option<Arc<Opened>>> {
        let Some(shard) = self.records.manifest.shards.first() else {
            return Ok(None);
        };
        let path = path_of(&self.context.spec.output, shard);
        match Opened::open(shard.path.clone(), &path, self.context.memory) {
            Ok(opened) => Ok(Some(Arc::new(opened))),
            Err(error) => {
                findings.push(&shard.path, damage(error)?);
                Ok(None)
            }
        }
    }

    /// The weight of every row of a span, if rows have weights.
    fn weights_of(&self, span: &Span<'_>) -> Result<Option<Vec<f64>>> {
        let Some(column) = self.weights else {
            return Ok(None);
        };
        let mut weights = vec![0.0; span.rows()];
        each(span, column, self.inputs, &mut |row, _, held| {
            weights[row] = held.number().unwrap_or(0.0);
        })?;
        Ok(Some(weights))
    }

    fn columns(
        &mut self,
        span: &Span<'_>,
        rows: &SpanRows,
        shape: &Opened,
        findings: &mut Findings,
    ) -> Result<()> {
        let columns = &self.records.manifest.columns;
        let (features, totals) = (&self.features, &mut self.totals);
        let mut shuffled = self.shuffled.as_mut();
        let ranges = shuffled.as_ref().map_or(0, |shuffled| shuffled.ranges());
        let (inputs, on_inf) = (self.inputs, self.on_inf);
        let feature_of = |name: &str| features.iter().position(|feature| feature.name == name);
        let (context, sides) = (self.context, &self.view.sides);
        context.ordered(columns.len()).run(
            |index| {
                let name = columns[index].name.as_str();
                let Some(stored) = shape.columns.get(name) else {
                    return Ok(Seen::default());
                };
                let pair = Pair {
                    span,
                    rows,
                    inputs,
                    name,
                    shape,
                    stored,
                    on_inf,
                    memory: context.memory.group(),
                    tally: tally(rows, ranges),
                };
                let mut seen = guarded(|| match feature_of(name) {
                    Some(feature) => {
                        let mut sums = Sums::default();
                        let mismatch = pair.feature(&features[feature], &mut sums)?;
                        Ok(Seen {
                            mismatch,
                            sums: Some(sums),
                            ..Seen::default()
                        })
                    }
                    None => Ok(Seen {
                        mismatch: match &rows.folds {
                            Some(folds) if name == FOLD_COLUMN => pair.fold(folds)?,
                            _ => pair.passed()?,
                        },
                        ..Seen::default()
                    }),
                })?;
                let tally = pair.tally.map(RefCell::into_inner);
                seen.ranges = tally.map_or_else(Vec::new, Tally::into_sums);
                Ok(seen)
            },
            |index, seen| {
                let name = columns[index].name.as_str();
                if let (Some(feature), Some(sums)) = (feature_of(name), seen.sums) {
                    totals[feature].merge(&sums);
                }
                if let Some(shuffled) = &mut shuffled {
                    shuffled.add(index, &seen.ranges);
                }
                if let Some(mismatch) = seen.mismatch {
                    let (file, what) = describe(span, rows, inputs, name, &mismatch);
                    let file = file.unwrap_or_else(|| sides[usize::from(mismatch.side)].clone());
                    findings.push(file, what);
                }
                Ok(())
            },
        )
    }

    /// Judges what only the whole shows; returns how many rows were compared.
    pub(super) fn finish(self, findings: &mut Findings) -> u64 {
        if !findings.is_empty() {
            return self.rows;
        }
        for (index, cursor) in self.sides.iter().enumerate() {
            let left = cursor.rows_left();
            if left > 0 {
                let what = format!("{left} rows more than the inputs give this side");
                findings.push(&self.view.sides[index], what);
            }
        }
        if self.border.is_some() {
            // Nothing that was added has a row.
            self.judge_fit(self.view.scaler, findings);
        }
        let merged = self.records.merged.as_ref();
        let all = merged.map(|scaler| (MERGED, scaler));
        self.judge_fit(all.or(self.view.scaler), findings);
        self.rows
    }

    /// Compares the rows so far with what a scaler says of them.
    fn judge_fit(&self, scaler: Option<(&str, &RecordedScaler)>, findings: &mut Findings) {
        let Some((name, scaler)) = scaler else {
            return;
        };
        for (feature, sums) in scaler.features().iter().zip(&self.totals) {
            if let Some(what) = fit_differs(feature, sums, scaler.ddof) {
                let what = format!("column \"{}\": {what}", feature.name);
                findings.push(name, what);
            }
        }
    }
}

/// What the slots of a column of shuffled rows are added to.
fn tally(rows: &SpanRows, ranges: usize) -> Option<RefCell<Tally<'_>>> {
    let ranged = rows.ranged.as_ref()?;
    Some(RefCell::new(Tally::new(ranged, ranges)))
}

/// The shard of a mismatch, if it is in one, and what is wrong with it.
fn describe(
    span: &Span<'_>,
    rows: &SpanRows,
    inputs: &[InputFile],
    column: &str,
    mismatch: &Mismatch,
) -> (Option<String>, String) {
    let (input, row) = span.locate(mismatch.row);
    let source = escape_name(&inputs[input].relative);
    let what = &mismatch.what;
    let mut before = 0;
    for piece in rows
        .shards
        .get(usize::from(mismatch.side))
        .into_iter()
        .flatten()
    {
        let inside = mismatch.row_of_side - before.min(mismatch.row_of_side);
        if inside < piece.rows {
            let own = piece.first_row + inside as u64;
            let what = format!("row {own}, column \"{column}\" (row {row} of {source}): {what}");
            return (Some(piece.opened.name.clone()), what);
        }
        before += piece.rows;
    }
    let what = format!("column \"{column}\" (row {row} of {source}): {what}");
    (None, what)
}
