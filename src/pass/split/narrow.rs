//! Which rows are used at all: `--sample` and `--where`. The others are on no side.

use super::leaf::PieceRows;
use super::{Context, file_keys};
use crate::engine::guarded;
use crate::error::{Error, Place, Result, UsageError};
use crate::kernel::{Constant, Moment, Operator, RowSample};
use crate::schema::{Column, Meaning, Schema};
use crate::source::table::{OpenUnit, Piece};
use crate::spec::{Comparison, Literal, SplitSpec};

/// Whether the row with this index is one of those that have a bit.
pub(super) fn is_kept(kept: &[u64], row: usize) -> bool {
    kept[row / 64] >> (row % 64) & 1 == 1
}

/// What keeps rows out.
#[derive(Debug)]
pub(super) struct Narrow {
    sample: Option<RowSample>,
    keys: Vec<u64>,
    tests: Vec<Test>,
}

/// One comparison that must hold.
#[derive(Debug)]
struct Test {
    /// Index of the column in the table.
    column: usize,
    operator: Operator,
    constant: Constant,
}

impl Narrow {
    /// Resolves what keeps rows out.
    ///
    /// # Errors
    /// [`UsageError::NotComparable`] if a column's type and its value don't go together.
    pub(super) fn new(context: Context<'_>, schema: &Schema, spec: &SplitSpec) -> Result<Self> {
        let sample = spec.sample.map(|share| RowSample::new(spec.seed, share));
        Ok(Self {
            keys: sample.map_or_else(Vec::new, |_| file_keys(context)),
            sample,
            tests: tests(schema, spec)?,
        })
    }

    /// Whether no row is kept out.
    pub(super) fn is_nothing(&self) -> bool {
        self.sample.is_none() && self.tests.is_empty()
    }

    /// Whether columns have a say.
    pub(super) fn reads_columns(&self) -> bool {
        !self.tests.is_empty()
    }

    /// Calls `take` with at most `rows_max` rows of a unit at a time, a multiple of 64, and with a bit
    /// for each of them that is used.
    pub(super) fn each_run(
        &self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        rows_max: usize,
        mut take: impl FnMut(PieceRows<'_>, &[u64]) -> Result<()>,
    ) -> Result<()> {
        for piece in &open.unit.pieces {
            let input = &context.inputs[open.store(piece).input];
            guarded(|| {
                let kept = self.kept(context, open, piece)?;
                PieceRows::runs(context, open, piece, rows_max)
                    .try_for_each(|rows| take(rows, &kept[rows.first / 64..]))
            })
            .map_err(|error| error.at(Place::path(&input.path)))?;
        }
        Ok(())
    }

    /// A bit for each row of a piece, set where it is used.
    pub(super) fn kept(
        &self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        piece: &Piece,
    ) -> Result<Vec<u64>> {
        let mut kept = vec![u64::MAX; piece.rows.div_ceil(64)];
        if let Some(sample) = &self.sample {
            let key = self.keys[open.store(piece).input];
            let rows = piece.first_row..piece.first_row + piece.rows as u64;
            sample.keep(key, rows, &mut kept);
        }
        let rows = PieceRows {
            context,
            open,
            piece,
            first: 0,
            rows: piece.rows,
        };
        for test in &self.tests {
            rows.each(test.column, |row, value| {
                let fails = !test.operator.holds(value, &test.constant);
                kept[row / 64] &= !(u64::from(fails) << (row % 64));
            })?;
        }
        Ok(kept)
    }
}

/// Resolves the comparisons.
fn tests(schema: &Schema, spec: &SplitSpec) -> Result<Vec<Test>> {
    let comparisons = spec.filter.iter().flat_map(|filter| &filter.comparisons);
    let mut tests = Vec::new();
    for comparison in comparisons {
        // That it is there was seen to with the roles.
        let Some(column) = schema.position(&comparison.column) else {
            continue;
        };
        tests.push(Test {
            column,
            operator: comparison.operator,
            constant: constant(&schema.columns[column], comparison)?,
        });
    }
    Ok(tests)
}

/// The value that a column is compared with.
fn constant(column: &Column, comparison: &Comparison) -> Result<Constant> {
    let refused = |needs: &'static str| {
        Error::from(UsageError::NotComparable {
            comparison: comparison.to_string(),
            column: column.name.clone(),
            needs,
        })
    };
    match (Meaning::of(&column.root), &comparison.literal) {
        (Meaning::Number(_), Literal::Number(digits)) => {
            number(digits).ok_or_else(|| refused("a number"))
        }
        (Meaning::Boolean, Literal::Boolean(value)) => Ok(Constant::Boolean(*value)),
        (Meaning::Bytes, Literal::Text(text)) => Ok(Constant::Bytes(text.as_bytes().to_vec())),
        (Meaning::Moment(_), Literal::Text(text)) => {
            let moment = text.parse::<Moment>();
            let moment = moment.map_err(|error| refused(DATE).hint(error.to_string()))?;
            Ok(Constant::Moment(moment))
        }
        (Meaning::Number(_), _) => Err(refused("a number")
            .hint("compare it with a number, or read a text file's column as text with --text")),
        (Meaning::Boolean, _) => Err(refused("true or false")),
        (Meaning::Moment(_), _) => Err(refused(DATE)),
        (Meaning::Bytes, _) => Err(refused("text in single quotes")),
        (Meaning::Nested, _) => Err(refused("nothing: it doesn't hold one value a row")),
    }
}

const DATE: &str = "a date or time in single quotes";

/// A typed number; a decimal column is compared by the nearest float64 of both.
fn number(digits: &str) -> Option<Constant> {
    if let Ok(whole) = digits.parse() {
        return Some(Constant::Integer(whole));
    }
    digits.parse().ok().map(Constant::Float)
}
