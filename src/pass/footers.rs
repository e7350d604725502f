//! Units that were written already, by whatever proves their shards.

use super::write::{WriteJob, WritePartial, shard_path};
use crate::engine::guarded;
use crate::error::Result;
use crate::source::parquet::ParquetFile;

/// The result of a unit that is written already, called `name`.
///
/// # Errors
/// When it isn't there whole, and must be.
pub(super) fn already_written(job: &WriteJob<'_>, name: &str) -> Result<Option<WritePartial>> {
    let found: Option<WritePartial> = job.partials.already(name)?;
    match found {
        // Its shards weren't read.
        Some(partial) if job.partials.trusts_sizes() && !has_footers(job, &partial) => {
            Err(job.partials.damaged(name))
        }
        found => Ok(found),
    }
}

/// Whether each shard of a unit ends in a footer of as many rows as were written.
fn has_footers(job: &WriteJob<'_>, partial: &WritePartial) -> bool {
    let mut sides = job.written.iter().enumerate();
    sides.all(|(place, side)| {
        partial.shard(*side).is_none_or(|shard| {
            let path = shard_path(job, place, partial.unit);
            let file = guarded(|| ParquetFile::open(&path, job.context.memory));
            let rows = file.map(|file| file.metadata().file_metadata().num_rows());
            rows.is_ok_and(|rows| u64::try_from(rows) == Ok(shard.rows))
        })
    })
}
