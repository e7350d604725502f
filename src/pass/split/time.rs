//! Mode `time`: the latest rows are test, those before them val, the oldest train.
//!
//! Sides end at moments that are given, or at the rows that shares of all end at; rows of one moment are
//! then in the order of their hashes. What lies within `--gap` before the end of a side is on no side, as
//! are rows without a time.

use std::time::Duration;

use super::column::named_column;
use super::leaf::PieceRows;
use super::narrow::{Narrow, is_kept};
use super::{Context, file_keys};
use crate::error::{DataError, Error, Place, Result, UsageError};
use crate::kernel::{Domain, Found, Moment, Side, Sides, TimeKey, Timeline, Value, mix, row_hash};
use crate::schema::{Meaning, Schema, describe};
use crate::source::table::{OpenUnit, Piece, Table};
use crate::spec::{Size, SplitSpec};

/// Ticks of a second, and of a plain number's one.
const TICKS: i128 = 1_000_000_000;

/// Rows whose times are held at a time.
const TIME_RUN_ROWS: usize = 256 << 10;

/// Bytes that a worker takes: times of a run, and two samples.
pub(super) const TIME_BYTES: u64 = 32 << 20;

/// Sweeps after which a rank must have been found: each narrows the window about fortyfold.
const SWEEPS_MAX: usize = 64;

/// The sides that times give.
#[derive(Debug)]
pub(super) struct ByTime {
    /// Index of the column in the table.
    column: usize,
    name: String,
    is_text: bool,
    gap: i128,
    /// The first keys of val, if it is asked for, and test: known from the start, or once settled.
    cuts: Vec<TimeKey>,
    sizes: Option<[Size; 2]>,
    has_val: bool,
    seed: u64,
    keys: Vec<u64>,
}

/// The times of some rows, in ticks; `None` where there is none.
type Times = Vec<Option<i128>>;

impl ByTime {
    /// The split by the column with this name.
    ///
    /// # Errors
    /// When it holds no times, or what is given isn't of its kind.
    pub(super) fn new(
        context: Context<'_>,
        schema: &Schema,
        name: &str,
        spec: &SplitSpec,
    ) -> Result<Self> {
        let column = named_column(schema, name)?;
        let root = &schema.columns[column].root;
        let meaning = Meaning::of(root);
        if matches!(meaning, Meaning::Nested | Meaning::Boolean) {
            let (column, found) = (name.to_owned(), describe(root));
            return Err(Error::from(UsageError::NotATime { column, found })
                .hint("name a column of dates, times, numbers, or text like 2024-01-31T08:30:00"));
        }
        let is_number = matches!(meaning, Meaning::Number(_));
        let cutoffs = spec.cutoff.iter().map(|text| cutoff(text, is_number));
        let cuts: Vec<TimeKey> = cutoffs
            .map(|ticks| ticks.map(|ticks| (ticks, 0)))
            .collect::<Result<_>>()?;
        if !cuts.is_sorted_by(|a, b| a < b) {
            return Err(refused(
                "--cutoff",
                &spec.cutoff.join(","),
                "the second must be later",
            ));
        }
        let gap = spec.gap.as_deref().map(|text| gap(text, is_number));
        let val = spec.val_size.unwrap_or(Size::ZERO);
        Ok(Self {
            column,
            name: name.to_owned(),
            is_text: meaning == Meaning::Bytes,
            gap: gap.transpose()?.unwrap_or(0),
            has_val: cuts.len() > 1 || spec.val_size.is_some(),
            sizes: cuts.is_empty().then_some([spec.test_size, val]),
            cuts,
            seed: spec.seed,
            keys: file_keys(context),
        })
    }

    /// Appends the sides of a piece; returns a bit for each row, set where there is no time.
    pub(super) fn assign(
        &self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        piece: &Piece,
        sides: &mut Sides,
    ) -> Result<Vec<u64>> {
        let mut nulls = vec![0; piece.rows.div_ceil(64)];
        let mut times = Times::new();
        for rows in PieceRows::runs(context, open, piece, TIME_RUN_ROWS) {
            self.times(rows, &mut times)?;
            let key = self.keys[open.store(piece).input];
            for ((row, in_file), time) in (rows.first..).zip(rows.in_file()).zip(&times) {
                let Some(ticks) = *time else {
                    nulls[row / 64] |= 1 << (row % 64);
                    sides.push(Side::LeftOut);
                    continue;
                };
                sides.push(self.side(ticks, || row_hash(self.seed, Domain::SPLIT, key, in_file)));
            }
        }
        Ok(nulls)
    }

    /// The side of a row; its hash matters only at the very moment that a side ends.
    fn side(&self, ticks: i128, hash: impl Fn() -> u64) -> Side {
        let is_before = |cut: &TimeKey| ticks < cut.0 || (ticks == cut.0 && hash() < cut.1);
        let Some(index) = self.cuts.iter().position(is_before) else {
            return Side::Test;
        };
        let in_gap = self.gap > 0 && ticks >= self.cuts[index].0.saturating_sub(self.gap);
        match (in_gap, index, self.has_val) {
            (true, _, _) => Side::LeftOut,
            (false, 1.., true) => Side::Val,
            _ => Side::Train,
        }
    }

    /// Replaces `times` by those of some rows.
    fn times(&self, rows: PieceRows<'_>, times: &mut Times) -> Result<()> {
        times.clear();
        times.resize(rows.rows, None);
        let mut wrong = None;
        rows.each(self.column, |row, value| {
            times[row] = ticks(value);
            if self.is_text && times[row].is_none() && value != Value::Null && wrong.is_none() {
                wrong = Some((row, shown(value)));
            }
        })?;
        let Some((row, value)) = wrong else {
            return Ok(());
        };
        let input = &rows.context.inputs[rows.open.store(rows.piece).input];
        let row = rows.in_file().start + row as u64;
        Err(Error::from(DataError::NotATime { value })
            .at(Place::path(&input.path).row(row).column(&self.name))
            .hint("times of text are like 2024-01-31 or 2024-01-31T08:30:00, without an offset"))
    }

    /// Finds where sides of given sizes end.
    pub(super) fn settle(
        &mut self,
        context: Context<'_>,
        narrow: &Narrow,
        table: &Table,
    ) -> Result<()> {
        let Some([test, val]) = self.sizes else {
            return Ok(());
        };
        let first = self.sweep(context, narrow, table, vec![Timeline::default()])?;
        let rows = first.first().map_or(0, Timeline::rows);
        let held_out = super::exact::held_out(test, val, rows)?;
        let mut ranks = vec![rows - held_out.both, rows - held_out.test];
        ranks.drain(..usize::from(!self.has_val));
        let after_all = (i128::MAX, u64::MAX);
        let mut cuts = vec![Some(after_all); ranks.len()];
        let mut lines: Vec<Timeline> = ranks.iter().flat_map(|_| first.clone()).collect();
        for _ in 0..SWEEPS_MAX {
            for ((rank, line), cut) in ranks.iter().zip(&mut lines).zip(&mut cuts) {
                // A side of no rows begins after all others.
                *cut = match (*rank < rows).then(|| line.find(*rank)) {
                    None => Some(after_all),
                    Some(Found::Key(key)) => Some(key),
                    Some(Found::Window(first, last)) => {
                        *line = Timeline::within(first, last);
                        None
                    }
                };
            }
            if let Some(cuts) = cuts.iter().copied().collect() {
                self.cuts = cuts;
                return Ok(());
            }
            lines = self.sweep(context, narrow, table, lines)?;
        }
        Err(UsageError::InvalidValue {
            flag: "--split-by",
            value: format!("time:{}", self.name),
            reason: format!("no end of the sides found in {SWEEPS_MAX} readings"),
        }
        .into())
    }

    /// One reading of all times, into each of `lines` that has seen nothing yet.
    fn sweep(
        &self,
        context: Context<'_>,
        narrow: &Narrow,
        table: &Table,
        mut lines: Vec<Timeline>,
    ) -> Result<Vec<Timeline>> {
        let fresh: Vec<usize> = (0..lines.len())
            .filter(|line| lines[*line].rows() == 0)
            .collect();
        let empty: Vec<Timeline> = fresh.iter().map(|line| lines[*line].clone()).collect();
        context.ordered(table.units.len()).run(
            |index| {
                let open = OpenUnit::new(table, &table.units[index], context.memory);
                self.sweep_unit(context, narrow, &open, empty.clone())
            },
            |_, partial| {
                for (line, partial) in fresh.iter().zip(&partial) {
                    lines[*line].merge(partial);
                }
                Ok(())
            },
        )?;
        Ok(lines)
    }

    fn sweep_unit(
        &self,
        context: Context<'_>,
        narrow: &Narrow,
        open: &OpenUnit<'_>,
        mut lines: Vec<Timeline>,
    ) -> Result<Vec<Timeline>> {
        let mut times = Times::new();
        let take = |rows: PieceRows<'_>, kept: &[u64]| {
            self.times(rows, &mut times)?;
            let key = self.keys[open.store(rows.piece).input];
            for (row, (in_file, time)) in rows.in_file().zip(&times).enumerate() {
                if let (Some(ticks), true) = (*time, is_kept(kept, row)) {
                    let hash = row_hash(self.seed, Domain::SPLIT, key, in_file);
                    let order = mix(hash ^ Domain::TIME.constant());
                    lines
                        .iter_mut()
                        .for_each(|line| line.push((ticks, hash), order));
                }
            }
            Ok(())
        };
        narrow.each_run(context, open, TIME_RUN_ROWS, take)?;
        lines.iter_mut().for_each(Timeline::tidy);
        Ok(lines)
    }
}

/// A value's place in time; a number counts in its own unit.
fn ticks(value: Value<'_>) -> Option<i128> {
    match value {
        Value::Integer(value) => Some(i128::from(value) * TICKS),
        Value::Unsigned(value) => Some(i128::from(value) * TICKS),
        Value::Float(value) => float_ticks(value),
        Value::Moment(moment) => Some(moment.total_nanos()),
        Value::Bytes(bytes) => {
            let moment: Moment = std::str::from_utf8(bytes).ok()?.parse().ok()?;
            Some(moment.total_nanos())
        }
        Value::Null | Value::Boolean(_) => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, which keeps the order"
)]
fn float_ticks(value: f64) -> Option<i128> {
    (!value.is_nan()).then(|| (value * 1e9).round() as i128)
}

fn shown(value: Value<'_>) -> String {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

fn number(text: &str) -> Option<i128> {
    match text.parse::<i64>() {
        Ok(whole) => Some(i128::from(whole) * TICKS),
        Err(_) => float_ticks(text.parse().ok()?),
    }
}

fn cutoff(text: &str, is_number: bool) -> Result<i128> {
    if is_number {
        return number(text).ok_or_else(|| {
            refused(
                "--cutoff",
                text,
                "the column holds numbers, so it is one too",
            )
        });
    }
    let moment = text.parse::<Moment>();
    let moment = moment.map_err(|error| refused("--cutoff", text, &error.to_string()))?;
    Ok(moment.total_nanos())
}

fn gap(text: &str, is_number: bool) -> Result<i128> {
    if is_number {
        let gap = number(text).filter(|gap| *gap >= 0);
        return gap.ok_or_else(|| {
            refused(
                "--gap",
                text,
                "the column holds numbers, so it is one too, not negative",
            )
        });
    }
    let gap: std::result::Result<Duration, _> = humantime::parse_duration(text);
    let gap = gap.map_err(|cause| {
        refused(
            "--gap",
            text,
            &format!("expected a length of time like 7days or 12h ({cause})"),
        )
    })?;
    Ok(i128::try_from(gap.as_nanos()).unwrap_or(i128::MAX))
}

fn refused(flag: &'static str, value: &str, reason: &str) -> Error {
    UsageError::InvalidValue {
        flag,
        value: value.to_owned(),
        reason: reason.to_owned(),
    }
    .into()
}
