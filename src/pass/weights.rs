//! The weights of rows, read in step with a feature.

use super::Context;
use crate::error::{DataError, Error, Place, Result};
use crate::schema::NumericKind;
use crate::source::parquet::{LeafRun, NumberReader};
use crate::source::table::{OpenUnit, Piece};

/// The weights of the rows of one run after the other.
#[derive(Debug)]
pub(super) struct Weights {
    /// Index of the column in the table.
    column: usize,
    reader: Option<NumberReader>,
    run: LeafRun<f64>,
    /// One a row, NaN where there is none.
    of_rows: Vec<f64>,
}

impl Weights {
    /// Those that a column holds.
    pub(super) fn new(column: usize) -> Self {
        Self {
            column,
            reader: None,
            run: LeafRun::default(),
            of_rows: Vec::new(),
        }
    }

    /// Goes to the first row of a piece.
    pub(super) fn open(&mut self, open: &OpenUnit<'_>, piece: &Piece) -> Result<()> {
        let stored = open.store(piece).layout.columns[self.column];
        let kind = stored.kind.unwrap_or(NumericKind::Float64);
        let file = open.file(piece)?;
        let reader = NumberReader::open(file, piece.row_group, stored.first_leaf, kind)?;
        self.reader = Some(reader);
        Ok(())
    }

    /// Goes on to the next `rows` rows.
    pub(super) fn read(&mut self, rows: usize) -> Result<()> {
        self.of_rows.clear();
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        reader.read(rows, &mut self.run)?;
        let mut values = self.run.values.iter().copied();
        if self.run.definition.is_empty() {
            self.of_rows.extend(values);
            return Ok(());
        }
        let levels = self.run.definition.iter();
        self.of_rows.extend(levels.map(|level| match level {
            1 => values.next().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }));
        Ok(())
    }

    /// One a row, of the rows that were read last.
    pub(super) fn of_rows(&self) -> &[f64] {
        &self.of_rows
    }

    /// Refuses a train row whose weight is none; `start` is the first row in the piece.
    pub(super) fn check(
        &self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        piece: &Piece,
        start: usize,
        is_train: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let is_weight = |weight: &f64| *weight >= 0.0 && weight.is_finite();
        let wrong = self.of_rows.iter().enumerate();
        let mut wrong = wrong.filter(|(row, weight)| !is_weight(weight) && is_train(*row));
        let Some((row, weight)) = wrong.next() else {
            return Ok(());
        };
        let input = &context.inputs[open.store(piece).input];
        let value = match weight.is_nan() {
            true => "a missing value".to_owned(),
            false => weight.to_string(),
        };
        let place = Place::path(&input.path).row(piece.first_row + (start + row) as u64);
        let name = &open.table.schema.columns[self.column].name;
        Err(Error::from(DataError::Weight { value })
            .at(place.column(name))
            .hint("give it a weight, 0 if it shall not count, or leave the row out with --where"))
    }
}
