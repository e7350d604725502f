//! The loops over one column's fields in one block, one loop for each type.

use pulp::Arch;

use super::block::ColumnFields;
use super::column::TextValues;
use super::number::{NullTokens, Reading};

/// Why a loop over fields stopped.
pub(crate) enum Stop {
    /// All fields are stored.
    Done,
    /// This row's field is a float.
    Float(usize),
    /// This row's field is an integer.
    Integer(usize),
    /// This row's field is neither a number nor missing.
    Text(usize),
}

/// Keeps the validity of a column in step with its rows; nothing is stored before the first
/// missing value.
pub(crate) struct Missing<'a> {
    pub(crate) validity: &'a mut Option<Vec<bool>>,
    pub(crate) start: usize,
}

impl Missing<'_> {
    #[inline(always)]
    fn value(&mut self) {
        if let Some(validity) = self.validity {
            validity.push(true);
        }
    }

    #[cold]
    fn missing(&mut self, row: usize) {
        let rows = self.start + row;
        self.validity
            .get_or_insert_with(|| vec![true; rows])
            .push(false);
    }
}

pub(crate) fn fill_null(
    blank: &mut bool,
    fields: ColumnFields<'_>,
    nulls: &NullTokens,
    _missing: Missing<'_>,
    reading: Reading,
) -> Stop {
    for (row, (_, raw)) in fields.enumerate() {
        if nulls.contains(raw) {
            *blank &= raw.is_empty();
        } else if reading.integer(raw).is_some() {
            return Stop::Integer(row);
        } else if reading.float(raw).is_some() {
            return Stop::Float(row);
        } else {
            return Stop::Text(row);
        }
    }
    Stop::Done
}

pub(crate) fn fill_integers(
    values: &mut Vec<i64>,
    fields: ColumnFields<'_>,
    nulls: &NullTokens,
    mut missing: Missing<'_>,
    reading: Reading,
) -> Stop {
    for (row, (_, raw)) in fields.enumerate() {
        match reading.integer(raw) {
            Some(value) if !(nulls.any_numeric() && nulls.contains(raw)) => {
                values.push(value);
                missing.value();
            }
            _ if nulls.contains(raw) => missing.missing(row),
            _ if reading.float(raw).is_some() => return Stop::Float(row),
            _ => return Stop::Text(row),
        }
    }
    Stop::Done
}

pub(crate) fn fill_floats(
    values: &mut Vec<f64>,
    fields: ColumnFields<'_>,
    nulls: &NullTokens,
    missing: Missing<'_>,
    reading: Reading,
) -> Stop {
    // Shifts and products of plain decimals take fewer instructions where the processor has newer ones.
    Arch::new().dispatch(
        #[inline(always)]
        || fill_floats_with(values, fields, nulls, missing, reading),
    )
}

#[inline(always)]
fn fill_floats_with(
    values: &mut Vec<f64>,
    fields: ColumnFields<'_>,
    nulls: &NullTokens,
    mut missing: Missing<'_>,
    reading: Reading,
) -> Stop {
    let text = fields.text();
    for (row, (field, raw)) in fields.enumerate() {
        // A plain decimal says all there is to its number, so both readings take it.
        let number = field.plain_decimal(text);
        match number.or_else(|| reading.float(raw)) {
            Some(value) if !((value.is_nan() || nulls.any_numeric()) && nulls.contains(raw)) => {
                values.push(value);
                missing.value();
            }
            _ if nulls.contains(raw) => missing.missing(row),
            _ => return Stop::Text(row),
        }
    }
    Stop::Done
}

pub(crate) fn fill_text(values: &mut TextValues, fields: ColumnFields<'_>, quote: u8) -> Stop {
    for (field, raw) in fields {
        if field.is_escaped() {
            values.push_escaped(raw, quote);
        } else {
            values.push(raw);
        }
    }
    Stop::Done
}
