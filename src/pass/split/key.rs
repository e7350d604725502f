//! Modes `group` and `content`: a hash of key columns, or of all columns, decides.
//!
//! Stateless like mode `row`: rows of one key have one hash, wherever they are. Limit: a million hashes
//! are held at a time.

use std::sync::{Mutex, PoisonError};

use super::Context;
use super::leaf::PieceRows;
use crate::error::{Error, Result, UsageError};
use crate::kernel::{Cuts, Domain, KeyHash, Sides, Value};
use crate::schema::{Meaning, Schema, describe};
use crate::source::table::{OpenUnit, Piece};

/// Rows hashed at a time.
pub(super) const HASH_RUN_ROWS: usize = 1 << 20;

/// Bytes that a worker's hashes take.
pub(super) const HASH_RUN_BYTES: u64 = HASH_RUN_ROWS as u64 * 8;

/// The sides that the hash of a key gives.
#[derive(Debug)]
pub(super) struct ByKey {
    pub(super) columns: KeyColumns,
    start: u64,
    cuts: Cuts,
    /// Buffers of hashes that no worker uses: fresh memory would be zeroed first.
    idle: Mutex<Vec<Vec<u64>>>,
}

/// What a key is made of: indices in the table, in the order that they are hashed in.
#[derive(Debug)]
pub(super) enum KeyColumns {
    /// Named columns, of one value a row.
    Group(Vec<usize>),
    /// All columns of the files, by name, so that their order in a file doesn't matter.
    Content(Vec<usize>),
}

impl KeyColumns {
    /// The columns with these names.
    ///
    /// # Errors
    /// [`UsageError::NotAKey`] if one doesn't hold one value a row.
    pub(super) fn group(schema: &Schema, names: &[String]) -> Result<Self> {
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            // That it is there was seen to with the roles.
            let Some(index) = schema.position(name) else {
                continue;
            };
            let root = &schema.columns[index].root;
            if Meaning::of(root) == Meaning::Nested {
                let (column, found) = (name.clone(), describe(root));
                return Err(Error::from(UsageError::NotAKey { column, found })
                    .hint("name columns of one value a row"));
            }
            columns.push(index);
        }
        Ok(Self::Group(columns))
    }

    /// All columns but those of folders: a row is the same wherever it is.
    pub(super) fn content(schema: &Schema) -> Self {
        let columns = 0..schema.columns.len();
        let mut columns: Vec<usize> = columns.filter(|index| schema.is_stored(*index)).collect();
        columns.sort_by_key(|index| schema.columns[*index].name.as_bytes());
        Self::Content(columns)
    }
}

impl ByKey {
    /// The split by these columns.
    pub(super) fn new(columns: KeyColumns, seed: u64, cuts: Cuts, has_folds: bool) -> Self {
        let domain = match (&columns, has_folds) {
            (KeyColumns::Group(_), false) => Domain::GROUP,
            (KeyColumns::Group(_), true) => Domain::FOLD_GROUP,
            (KeyColumns::Content(_), false) => Domain::CONTENT,
            (KeyColumns::Content(_), true) => Domain::FOLD_CONTENT,
        };
        let start = KeyHash::new(seed, domain).finish();
        Self {
            columns,
            start,
            cuts,
            idle: Mutex::default(),
        }
    }

    /// Appends the sides of a piece; returns a bit for each row, set where a value of its group key is
    /// missing.
    pub(super) fn assign(
        &self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        piece: &Piece,
        sides: &mut Sides,
    ) -> Result<Vec<u64>> {
        let mut nulls = vec![0; piece.rows.div_ceil(64)];
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let before = idle().pop();
        let mut hashes = before.unwrap_or_default();
        for rows in PieceRows::runs(context, open, piece, HASH_RUN_ROWS) {
            self.hash(rows, &mut hashes, &mut nulls[rows.first / 64..])?;
            self.cuts.assign(&hashes, sides);
        }
        idle().push(hashes);
        Ok(nulls)
    }

    /// Replaces `hashes` by those of some rows, and sets a bit in `nulls` where a value is missing.
    pub(super) fn hash(
        &self,
        rows: PieceRows<'_>,
        hashes: &mut Vec<u64>,
        nulls: &mut [u64],
    ) -> Result<()> {
        hashes.clear();
        hashes.resize(rows.rows, self.start);
        match &self.columns {
            KeyColumns::Group(columns) => columns.iter().try_for_each(|column| {
                rows.each(*column, |row, value| {
                    let hash = &mut hashes[row];
                    *hash = KeyHash::resume(*hash).value(value).finish();
                    if value == Value::Null {
                        nulls[row / 64] |= 1 << (row % 64);
                    }
                })
            }),
            KeyColumns::Content(columns) => columns.iter().try_for_each(|column| {
                let layout = &rows.open.store(rows.piece).layout;
                (0..layout.columns[*column].leaves).try_for_each(|leaf| {
                    rows.each_slot(*column, leaf, |row, slot, value| {
                        let hash = KeyHash::resume(hashes[row]);
                        let hash = match slot {
                            Some(slot) => hash.slot(slot.repetition, slot.definition),
                            None => hash,
                        };
                        hashes[row] = hash.value(value).finish();
                    })
                })
            }),
        }
    }
}
