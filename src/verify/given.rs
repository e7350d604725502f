//! The sides of a span's rows as a column of the data says them.

use super::rows::Span;
use super::sides::{LEFT_OUT, TEST, TRAIN, VAL};
use super::values::{Held, each};
use crate::error::{DataError, Error, Place, Result};
use crate::source::discover::InputFile;

/// The side of every row of a span, in order; any for rows that aren't used.
///
/// # Errors
/// When the column can't be read, or says nothing for a row that is used.
pub(super) fn given(
    span: &Span<'_>,
    name: &str,
    inputs: &[InputFile],
    used: &[bool],
) -> Result<Vec<u8>> {
    let mut sides = Vec::with_capacity(span.rows());
    each(span, name, inputs, &mut |_, _, held| {
        sides.push(side(&held))
    })?;
    let sides = sides.into_iter().zip(used).enumerate();
    let known = sides.map(|(row, (side, used))| match (side, used) {
        (Some(side), _) => Ok(side),
        (None, false) => Ok(LEFT_OUT),
        (None, true) => Err(unknown(span, row, name, inputs)),
    });
    known.collect()
}

/// The side that a value names.
fn side(held: &Held) -> Option<u8> {
    match held {
        Held::Whole(0) | Held::Boolean(false) => Some(TRAIN),
        Held::Whole(1) | Held::Boolean(true) => Some(TEST),
        Held::Bytes(text) => named(text.data()),
        _ => None,
    }
}

/// The side that a text names.
fn named(text: &[u8]) -> Option<u8> {
    match text {
        b"train" | b"false" | b"False" | b"FALSE" | b"0" => Some(TRAIN),
        b"val" | b"validation" => Some(VAL),
        b"test" | b"true" | b"True" | b"TRUE" | b"1" => Some(TEST),
        _ => None,
    }
}

fn unknown(span: &Span<'_>, row: usize, column: &str, inputs: &[InputFile]) -> Error {
    let (input, row) = span.locate(row);
    let value = "the value".to_owned();
    let place = Place::path(&inputs[input].path).row(row).column(column);
    Error::from(DataError::UnknownSide { value }).at(place)
}
