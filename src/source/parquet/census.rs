//! `Census`: what a footer lists, counted before anything of it is decoded, so that what it takes in
//! memory is known.
//!
//! ```text
//! FileMetaData   2: schema      [SchemaElement   5: num_children]
//!                4: row_groups  [RowGroup        1: columns [ColumnChunk]]
//! ```
//!
//! Invariant: nothing is allocated but a word for each level of the schema; a list cannot claim more
//! entries than it has.

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::header::{Cursor, INTEGER, LIST, STRUCT, Unread};

/// Groups in groups of a schema; decoders go through them by recursion.
const DEPTH_MAX: usize = 100;
/// What a schema element becomes: a type, a column with its path, and the strings of both.
const ELEMENT_BYTES: u64 = 700;

/// What a footer lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// Columns and groups of columns in the schema.
    pub elements: u64,
    /// Row groups.
    pub groups: u64,
    /// Column chunks of all of them.
    pub chunks: u64,
}

impl Census {
    /// Counts what the footer in `bytes` lists.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Unread> {
        let mut cursor = Cursor { bytes, at: 0 };
        let mut census = Self::default();
        let mut id = 0;
        while let Some((field, of)) = cursor.field(id)? {
            id = field;
            match (field, of) {
                (2, LIST) => census.elements += schema(&mut cursor)?,
                (4, LIST) => {
                    let groups = structs(&mut cursor)?;
                    for _ in 0..groups {
                        census.chunks += chunks(&mut cursor)?;
                    }
                    census.groups += groups;
                }
                _ => cursor.pass(of, 0)?,
            }
        }
        Ok(census)
    }

    /// What a footer of `length` bytes takes once it is decoded, statistics left out: its structures,
    /// and at most once again the strings in it.
    pub(super) fn memory_bytes(&self, length: u64) -> u64 {
        let chunks = self.chunks * size_of::<ColumnChunkMetaData>() as u64;
        let groups = self.groups * size_of::<RowGroupMetaData>() as u64;
        chunks + groups + self.elements * ELEMENT_BYTES + length
    }
}

/// Begins a list of structures; returns how many there are.
fn structs(cursor: &mut Cursor<'_>) -> Result<u64, Unread> {
    match cursor.list()? {
        (STRUCT, length) => Ok(length),
        _ => Err(Unread::Damaged),
    }
}

/// Passes the schema, a tree written root first; returns how many elements it has.
fn schema(cursor: &mut Cursor<'_>) -> Result<u64, Unread> {
    let elements = structs(cursor)?;
    // Of each group that is open, how many children are still to come.
    let mut open: Vec<u64> = Vec::new();
    for _ in 0..elements {
        if let Some(left) = open.last_mut() {
            *left = left.checked_sub(1).ok_or(Unread::Damaged)?;
        }
        let (mut id, mut children) = (0, 0);
        while let Some((field, of)) = cursor.field(id)? {
            id = field;
            match (field, of) {
                (5, INTEGER) => children = cursor.integer()?,
                _ => cursor.pass(of, 0)?,
            }
        }
        match u64::try_from(children) {
            Ok(children) if children <= elements => open.push(children),
            _ => return Err(Unread::Damaged),
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.len() > DEPTH_MAX {
            return Err(Unread::Damaged);
        }
    }
    Ok(elements)
}

/// Passes a row group; returns how many column chunks it has.
fn chunks(cursor: &mut Cursor<'_>) -> Result<u64, Unread> {
    let (mut id, mut chunks) = (0, 0);
    while let Some((field, of)) = cursor.field(id)? {
        id = field;
        match (field, of) {
            (1, LIST) => {
                let here = structs(cursor)?;
                for _ in 0..here {
                    cursor.pass(STRUCT, 0)?;
                }
                chunks += here;
            }
            _ => cursor.pass(of, 0)?,
        }
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests;
