//! Every row of the inputs against its place in the shards, span by span; and the fit, again.

use std::sync::Arc;

use num_bigint::BigInt;

use super::Context;
use super::columns::Opened;
use super::findings::{Findings, damage};
use super::given::sides_of;
use super::pairs::{Mismatch, Pair};
use super::records::Records;
use super::scaler::Feature;
use super::shards::path_of;
use super::sides::{SIDES, Split};
use super::slots::Piece;
use super::sums::{Sums, integer, ratio};
use crate::artifact::escape_name;
use crate::artifact::manifest::ManifestShard;
use crate::engine::guarded;
use crate::error::Result;
use crate::source::discover::InputFile;
use crate::source::text::TextBatch;
use crate::spec::OnInf;

/// Relative error that the fit's sums may have: it adds 4,096 values at a time in float64.
const FIT_ERROR: f64 = 1.0 / (1_u64 << 40) as f64;

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
    /// One list a side.
    pub(super) shards: Vec<Vec<Piece>>,
}

/// The comparison so far.
pub(super) struct Comparison<'a> {
    context: Context<'a>,
    records: &'a Records,
    inputs: &'a [InputFile],
    split: Split,
    features: Vec<Feature<'a>>,
    on_inf: OnInf,
    totals: Vec<Sums>,
    sides: Vec<SideCursor<'a>>,
    rows: u64,
}

/// Where the next row of a side is.
struct SideCursor<'a> {
    shards: Vec<&'a ManifestShard>,
    shard: usize,
    row: usize,
    opened: Option<Arc<Opened>>,
}

/// What one column of a span showed.
#[derive(Default)]
struct Seen {
    mismatch: Option<Mismatch>,
    sums: Option<Sums>,
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
        split: Split,
    ) -> Self {
        let scaler = records.scaler.as_ref();
        let features = scaler.map_or_else(Vec::new, |scaler| scaler.features());
        let sides = SIDES.iter().map(|side| SideCursor {
            shards: records
                .manifest
                .shards
                .iter()
                .filter(|shard| shard.side == *side)
                .collect(),
            shard: 0,
            row: 0,
            opened: None,
        });
        Self {
            context,
            records,
            inputs,
            split,
            totals: vec![Sums::default(); features.len()],
            features,
            on_inf: scaler.map_or(OnInf::Error, |scaler| scaler.on_inf),
            sides: sides.collect(),
            rows: 0,
        }
    }

    /// Compares the next span; after a finding, the rest is passed over.
    pub(super) fn span(&mut self, span: &Span<'_>, findings: &mut Findings) -> Result<()> {
        if !findings.is_empty() || span.rows() == 0 {
            return Ok(());
        }
        let sides = sides_of(span, &self.split, self.inputs)?;
        let mut shards = Vec::new();
        for (index, cursor) in self.sides.iter_mut().enumerate() {
            let rows = sides
                .iter()
                .filter(|side| usize::from(**side) == index)
                .count();
            match cursor.take(rows, self.context)? {
                Ok(pieces) => shards.push(pieces),
                Err(what) => findings.push(SIDES[index], what),
            }
        }
        let shape = shards.iter().flatten().next();
        let Some(shape) = shape.map(|piece| Arc::clone(&piece.opened)) else {
            return Ok(());
        };
        if !findings.is_empty() {
            return Ok(());
        }
        self.rows += sides.len() as u64;
        self.columns(span, &SpanRows { sides, shards }, &shape, findings)
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
        let (inputs, on_inf) = (self.inputs, self.on_inf);
        let feature_of = |name: &str| features.iter().position(|feature| feature.name == name);
        let context = self.context;
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
                };
                guarded(|| match feature_of(name) {
                    Some(feature) => {
                        let mut sums = Sums::default();
                        let mismatch = pair.feature(&features[feature], &mut sums)?;
                        Ok(Seen {
                            mismatch,
                            sums: Some(sums),
                        })
                    }
                    None => Ok(Seen {
                        mismatch: pair.passed()?,
                        sums: None,
                    }),
                })
            },
            |index, seen| {
                let name = columns[index].name.as_str();
                if let (Some(feature), Some(sums)) = (feature_of(name), seen.sums) {
                    totals[feature].merge(&sums);
                }
                if let Some(mismatch) = seen.mismatch {
                    let (file, what) = describe(span, rows, inputs, name, &mismatch);
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
                findings.push(SIDES[index], what);
            }
        }
        let ddof = self.records.scaler.as_ref().map_or(0, |scaler| scaler.ddof);
        for (feature, sums) in self.features.iter().zip(&self.totals) {
            if let Some(what) = fit_differs(feature, sums, ddof) {
                let what = format!("column \"{}\": {what}", feature.name);
                findings.push("scaler.json", what);
            }
        }
        self.rows
    }
}

impl SideCursor<'_> {
    /// The next `rows` rows of the side, or what is wrong with it.
    fn take(
        &mut self,
        mut rows: usize,
        context: Context<'_>,
    ) -> Result<std::result::Result<Vec<Piece>, String>> {
        let mut pieces = Vec::new();
        while rows > 0 {
            let Some(shard) = self.shards.get(self.shard) else {
                let what = format!("{rows} rows fewer than the inputs give this side");
                return Ok(Err(what));
            };
            let opened = match &self.opened {
                Some(opened) => Arc::clone(opened),
                None => {
                    let path = path_of(&context.spec.output, shard);
                    match Opened::open(shard.path.clone(), &path, context.memory) {
                        Ok(opened) => Arc::new(opened),
                        Err(error) => return damage(error).map(Err),
                    }
                }
            };
            let mut before = 0;
            for (group, group_rows) in opened.group_rows().enumerate() {
                let skip = self.row.saturating_sub(before).min(group_rows);
                let taken = rows.min(group_rows - skip);
                if taken > 0 {
                    pieces.push(Piece {
                        opened: Arc::clone(&opened),
                        group,
                        skip,
                        rows: taken,
                        first_row: (before + skip) as u64,
                        input: 0,
                    });
                }
                (self.row, rows) = (self.row + taken, rows - taken);
                before += group_rows;
            }
            let is_read = self.row >= before;
            self.opened = (!is_read).then_some(opened);
            if is_read {
                (self.shard, self.row) = (self.shard + 1, 0);
            }
        }
        Ok(Ok(pieces))
    }

    /// Rows that were not taken.
    fn rows_left(&self) -> u64 {
        let rest = self.shards.iter().skip(self.shard);
        rest.map(|shard| shard.rows).sum::<u64>() - self.row as u64
    }
}

/// The shard of a mismatch, and what is wrong with it.
fn describe(
    span: &Span<'_>,
    rows: &SpanRows,
    inputs: &[InputFile],
    column: &str,
    mismatch: &Mismatch,
) -> (String, String) {
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
            return (piece.opened.name.clone(), what);
        }
        before += piece.rows;
    }
    let what = format!("column \"{column}\" (row {row} of {source}): {what}");
    (SIDES[usize::from(mismatch.side)].to_owned(), what)
}

/// How the fit that was repeated differs from the recorded one, if it does.
fn fit_differs(feature: &Feature<'_>, sums: &Sums, ddof: u64) -> Option<String> {
    let said = feature.moments;
    let counts = [
        ("values", sums.count, said.count),
        ("nulls", sums.nulls, said.nulls),
        ("NaN", sums.nans, said.nans),
        (
            "positive infinities",
            sums.positive_infinities,
            said.positive_infinities,
        ),
        (
            "negative infinities",
            sums.negative_infinities,
            said.negative_infinities,
        ),
    ];
    if let Some((what, found, said)) = counts.iter().find(|(_, found, said)| found != said) {
        return Some(format!("{said} {what}, the inputs have {found}"));
    }
    if sums.count == 0 {
        return None;
    }
    let extremes = [(sums.min, said.min), (sums.max, said.max)];
    if let Some((found, said)) = extremes.iter().find(|(found, said)| Some(*found) != *said) {
        return Some(format!("an extreme of {said:?}, the inputs have {found:e}"));
    }
    let count = BigInt::from(sums.count);
    let mean = integer(feature.mean) + integer(feature.mean_lo);
    let error = sums.sum() - mean * &count;
    let spread = sums.spread();
    if sums.min == sums.max {
        return (error != BigInt::ZERO).then(|| "its mean is not its only value".to_owned());
    }
    let degrees = BigInt::from(sums.count.saturating_sub(ddof).max(1));
    let allowed = FIT_ERROR + f64::from_bits(1) / feature.scale;
    // Both are free of units: the mean's error in standard deviations, the scale's in scales.
    let off = ratio(&(&error * &error * &degrees), &(&spread * &count)).sqrt();
    if off > allowed {
        return Some(format!("its mean is off by {off:e} standard deviations"));
    }
    if sums.count <= ddof || feature.scale >= f64::MAX {
        return None;
    }
    let scale = integer(feature.scale);
    let off = ratio(&(&scale * &scale * &count * &degrees), &spread).sqrt() - 1.0;
    (off.abs() > allowed).then(|| format!("its scale is off by {off:e} of itself"))
}
