//! Where the rows of a side lie: its shards, one after the other.

use std::sync::Arc;

use super::Context;
use super::columns::Opened;
use super::findings::damage;
use super::records::Records;
use super::shards::path_of;
use super::slots::Piece;
use crate::artifact::manifest::ManifestShard;
use crate::error::Result;

/// Where the next row of a side is.
pub(super) struct SideCursor<'a> {
    shards: Vec<&'a ManifestShard>,
    shard: usize,
    row: usize,
    opened: Option<Arc<Opened>>,
}

impl<'a> SideCursor<'a> {
    /// Before the first row of the side.
    pub(super) fn new(records: &'a Records, side: &str) -> Self {
        let shards = records.manifest.shards.iter();
        Self {
            shards: shards.filter(|shard| shard.side == side).collect(),
            shard: 0,
            row: 0,
            opened: None,
        }
    }

    /// The next `rows` rows of the side, or what is wrong with it.
    pub(super) fn take(
        &mut self,
        mut rows: usize,
        context: Context<'_>,
    ) -> Result<std::result::Result<Vec<Piece>, String>> {
        let mut pieces = Vec::new();
        while rows > 0 {
            let Some(shard) = self.shards.get(self.shard) else {
                let what = format!("{rows} rows fewer than the inputs give this side");
                return Ok(Err(what));
            };
            let opened = match &self.opened {
                Some(opened) => Arc::clone(opened),
                None => {
                    let path = path_of(&context.spec.output, shard);
                    match Opened::open(shard.path.clone(), &path, context.memory) {
                        Ok(opened) => Arc::new(opened),
                        Err(error) => return damage(error).map(Err),
                    }
                }
            };
            let mut before = 0;
            for (group, group_rows) in opened.group_rows().enumerate() {
                let skip = self.row.saturating_sub(before).min(group_rows);
                let taken = rows.min(group_rows - skip);
                if taken > 0 {
                    pieces.push(Piece {
                        opened: Arc::clone(&opened),
                        group,
                        skip,
                        rows: taken,
                        first_row: (before + skip) as u64,
                        input: 0,
                    });
                }
                (self.row, rows) = (self.row + taken, rows - taken);
                before += group_rows;
            }
            let is_read = self.row >= before;
            self.opened = (!is_read).then_some(opened);
            if is_read {
                (self.shard, self.row) = (self.shard + 1, 0);
            }
        }
        Ok(Ok(pieces))
    }

    /// Rows that were not taken.
    pub(super) fn rows_left(&self) -> u64 {
        let rest = self.shards.iter().skip(self.shard);
        rest.map(|shard| shard.rows).sum::<u64>() - self.row as u64
    }
}
