//! Which rows are used at all: `--sample` and `--where`, again.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::rows::Span;
use super::sides::row_hashes;
use super::sums::integer;
use super::times::nanos_of;
use super::values::{Held, each};
use crate::error::Result;
use crate::source::discover::InputFile;
use crate::spec::{Comparison, Filter, Literal};

/// What keeps rows out.
#[derive(Debug)]
pub(super) struct Narrow {
    pub(super) seed: u64,
    /// Rows are used whose own hash is below it; at most 2^64.
    pub(super) sample: Option<u128>,
    pub(super) filter: Option<Filter>,
}

impl Narrow {
    /// Whether each row of a span is used.
    ///
    /// # Errors
    /// When a column that is compared can't be read.
    pub(super) fn used(&self, span: &Span<'_>, inputs: &[InputFile]) -> Result<Vec<bool>> {
        let mut used = vec![true; span.rows()];
        if let Some(threshold) = self.sample {
            let hashes = row_hashes(self.seed, 0x66e0_cd4b_1ee1_f5e9, span, inputs);
            let of_rows = used.iter_mut().zip(hashes);
            of_rows.for_each(|(used, hash)| *used = u128::from(hash) < threshold);
        }
        let comparisons = self.filter.iter().flat_map(|filter| &filter.comparisons);
        for comparison in comparisons {
            each(span, &comparison.column, inputs, &mut |row, _, held| {
                if !holds(&held, comparison) {
                    used[row] = false;
                }
            })?;
        }
        Ok(used)
    }
}

/// Whether a comparison holds for what a row holds; none does for a null or NaN.
fn holds(held: &Held, comparison: &Comparison) -> bool {
    let Some(order) = order(held, &comparison.literal) else {
        return false;
    };
    match comparison.operator_text() {
        "=" => order.is_eq(),
        "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// Where a value stands to a literal; `None` if they can't be compared.
fn order(held: &Held, literal: &Literal) -> Option<Ordering> {
    match (held, literal) {
        (Held::Whole(_) | Held::Number(_), Literal::Number(digits)) => {
            number_order(held, &number(digits)?)
        }
        (Held::Boolean(value), Literal::Boolean(other)) => Some(value.cmp(other)),
        (Held::Bytes(bytes), Literal::Text(text)) => Some(bytes.data().cmp(text.as_bytes())),
        (Held::Nanos(nanos), Literal::Text(text)) => Some(nanos.cmp(&nanos_of(text)?)),
        _ => None,
    }
}

fn number(digits: &str) -> Option<Held> {
    match digits.parse::<i128>() {
        Ok(whole) => Some(Held::Whole(whole)),
        Err(_) => digits.parse().ok().map(Held::Number),
    }
}

/// Exactly, whatever the sizes: as whole numbers of 2^-1074.
fn number_order(held: &Held, other: &Held) -> Option<Ordering> {
    match (held, other) {
        (Held::Whole(a), Held::Whole(b)) => Some(a.cmp(b)),
        (Held::Number(a), Held::Number(b)) => a.partial_cmp(b),
        (Held::Number(a), Held::Whole(_)) if !a.is_finite() => a.partial_cmp(&0.0),
        _ => Some(exact(held)?.cmp(&exact(other)?)),
    }
}

fn exact(number: &Held) -> Option<BigInt> {
    match number {
        Held::Whole(value) => Some(BigInt::from(*value) << 1074),
        Held::Number(value) => Some(integer(*value)),
        _ => None,
    }
}
