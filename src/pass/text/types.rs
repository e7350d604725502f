//! The types of text columns: what each file of the cache found, settled over all of them.
//!
//! Invariant: what is settled follows from what was found alone, whatever the order of the parts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::source::text::{ColumnRequest, ColumnType};

/// What was found in a column.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) of: ColumnType,
    /// It passes through and holds integers that float64 would round.
    pub(super) wide: bool,
}

impl Found {
    const NOTHING: Self = Self {
        of: ColumnType::Null,
        wide: false,
    };

    fn merge(self, other: Self) -> Self {
        Self {
            of: self.of.merge(other.of),
            wide: self.wide || other.wide,
        }
    }

    /// The type for all of it: what passes through is never rounded.
    fn settled(self) -> ColumnType {
        match self.of {
            ColumnType::Float64 if self.wide => ColumnType::Text,
            of => of,
        }
    }
}

/// The type of each column over everything that was found, in the order of each file's own header.
/// `found` is a header and what its columns hold, once for every file of the cache; `known` are types
/// that rows before these have.
pub(super) fn settle_types<'a>(
    headers: &'a [Vec<String>],
    known: &'a [(String, ColumnType)],
    found: impl Iterator<Item = (&'a [String], &'a Vec<Found>)>,
) -> Vec<Vec<ColumnType>> {
    let known = known.iter().map(|(name, of)| {
        let (of, wide) = (*of, false);
        (name.as_str(), Found { of, wide })
    });
    let mut by_name: BTreeMap<&str, Found> = known.collect();
    for (names, columns) in found {
        for (name, own) in names.iter().zip(columns) {
            let merged = by_name.entry(name).or_insert(Found::NOTHING);
            *merged = merged.merge(*own);
        }
    }
    let settled = |name: &String| {
        let found = by_name.get(name.as_str()).copied();
        found.unwrap_or(Found::NOTHING).settled()
    };
    headers
        .iter()
        .map(|names| names.iter().map(settled).collect())
        .collect()
}

/// The columns of a part, by what its files hold, that have to be read again, each as the type it settled to.
pub(super) fn rereading(found: &[&Vec<Found>], settled: &[ColumnType]) -> Vec<ColumnRequest> {
    let request = |(column, all): (usize, &ColumnType)| {
        let mut own = found.iter().filter_map(|columns| columns.get(column));
        match own.any(|own| must_reread(own.of, *all)) {
            true => ColumnRequest::As(*all),
            false => ColumnRequest::Skip,
        }
    };
    settled.iter().enumerate().map(request).collect()
}

/// The types that are settled before anything is read.
pub(super) fn settled_types(requests: &[ColumnRequest]) -> Vec<ColumnType> {
    let settled = |request: &ColumnRequest| match request {
        ColumnRequest::As(settled) => *settled,
        _ => ColumnType::Null,
    };
    requests.iter().map(settled).collect()
}

/// Whether a part that read a column as `own` must read it again now that it is `all`: as text, fields
/// stay what they were; and integers stay integers where another part had nothing but missing values.
fn must_reread(own: ColumnType, all: ColumnType) -> bool {
    match (own, all) {
        (own, ColumnType::Text) => own != ColumnType::Text,
        (ColumnType::Null, all) => all == ColumnType::Int64,
        _ => false,
    }
}
