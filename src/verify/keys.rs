//! Keys hashed again, from the table of words in `docs/split.md`.

use super::rows::Span;
use super::sides::mix;
use super::values::{Held, each};
use crate::error::Result;
use crate::source::discover::InputFile;

#[cfg(test)]
mod tests;

/// What keys are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyColumns {
    /// These, in order.
    Group(Vec<String>),
    /// All of the files, by name.
    Content,
}

/// The hash of the key of every row of a span.
///
/// # Errors
/// When a key column can't be read.
pub(super) fn hashes(
    span: &Span<'_>,
    columns: &KeyColumns,
    (seed, has_folds): (u64, bool),
    inputs: &[InputFile],
) -> Result<Vec<u64>> {
    let constant = match (columns, has_folds) {
        (KeyColumns::Group(_), false) => 0xc4c5_3b65_954b_9562,
        (KeyColumns::Content, false) => 0x8a94_05ce_cb80_10c8,
        (KeyColumns::Group(_), true) => 0x333f_42e4_2f3f_b7ef,
        (KeyColumns::Content, true) => 0x59dc_4252_1a37_53d8,
    };
    let mut hashes = vec![mix(seed ^ constant); span.rows()];
    for name in names(span, columns) {
        each(span, &name, inputs, &mut |row, levels, held| {
            let Some(hash) = hashes.get_mut(row) else {
                return;
            };
            if let Some([repetition, definition]) = levels {
                take_in(hash, &[7, repetition * 65_536 + definition]);
            }
            take_in(hash, &words(&held));
        })?;
    }
    Ok(hashes)
}

/// The hash of the key of one value, for the use with this constant.
pub(super) fn hash_of(seed: u64, constant: u64, held: &Held) -> u64 {
    let mut hash = mix(seed ^ constant);
    take_in(&mut hash, &words(held));
    hash
}

fn names(span: &Span<'_>, columns: &KeyColumns) -> Vec<String> {
    let mut names = match (columns, span) {
        (KeyColumns::Group(names), _) => return names.clone(),
        (KeyColumns::Content, Span::Text { names, .. }) => names.to_vec(),
        (KeyColumns::Content, Span::Files(pieces)) => {
            let columns = pieces.first().map(|piece| piece.opened.columns.keys());
            columns.into_iter().flatten().cloned().collect()
        }
    };
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    names
}

fn take_in(hash: &mut u64, words: &[u64]) {
    *hash = words.iter().fold(*hash, |hash, word| mix(hash ^ word));
}

/// The words of one value.
fn words(held: &Held) -> Vec<u64> {
    match held {
        Held::Null => vec![0],
        Held::Whole(value) => match (i64::try_from(*value), u64::try_from(*value)) {
            (Ok(value), _) => vec![1, value.cast_unsigned()],
            (_, value) => vec![2, value.unwrap_or(0)],
        },
        Held::Number(value) if value.is_nan() => vec![3, 0x7ff8 << 48],
        Held::Number(value) => vec![3, value.to_bits()],
        Held::Boolean(value) => vec![4, u64::from(*value)],
        Held::Nanos(nanos) => {
            let part = |part: i128| i64::try_from(part).map_or(0, i64::cast_unsigned);
            let second = 1_000_000_000;
            let (seconds, rest) = (nanos.div_euclid(second), nanos.rem_euclid(second));
            vec![5, part(seconds), part(rest)]
        }
        Held::Bytes(bytes) => {
            let eight = |chunk: &[u8]| {
                let highest_first = chunk.iter().rev();
                highest_first.fold(0, |word, byte| word << 8 | u64::from(*byte))
            };
            let words = bytes.data().chunks(8).map(eight);
            [6, bytes.len() as u64].into_iter().chain(words).collect()
        }
    }
}
