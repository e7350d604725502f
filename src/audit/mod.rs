//! Looks for leaks in an output that was made: in its shards and records alone.
//!
//! ```text
//! records -> one sweep over all shards -> fingerprints by partitions -> candidates -> their rows
//!                     |                                                                   |
//!                     +- a state for each feature and side -------> checks <--------------+
//! ```
//!
//! Invariant: nothing here uses the arithmetic of the fit or knows how the sides were made: the output
//! is judged by what is in it, and the report follows from that alone, whatever the threads and the
//! memory. A duplicate is only reported after its rows were compared. Memory: see `limits.rs`.

mod buffers;
mod canonical;
mod checks;
mod columns;
mod confirm;
mod evidence;
mod feature;
mod leaf;
mod limits;
mod measure;
mod origin;
mod overlap;
mod prints;
mod published;
mod rank;
mod scan;
mod spill;
mod timeline;

use std::path::Path;

use crate::engine::{Cancel, Memory, Observer};
use crate::error::Result;
use crate::report::AuditReport;
use crate::spec::{AuditSpec, Resources};

use buffers::Buffers;
use columns::Watched;
use evidence::{Evidence, Shared};
use limits::Limits;
use prints::Prints;
use published::Published;
use scan::{Scan, SideState};

/// What an audit needs to know of the run around it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Threads and memory.
    pub resources: Resources,
    /// Asked between pieces of work.
    pub cancel: &'a Cancel,
    /// Told about progress.
    pub observer: &'a dyn Observer,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

/// Audits the output at `dir`, writing nothing but nameless temporary files in it.
///
/// # Errors
/// [`crate::error::PublishedError`] if it is no whole output of `prep`; usage errors for columns that
/// it doesn't have; those of reading, and of temporary files.
pub fn audit(context: &Context<'_>, dir: &Path, spec: &AuditSpec) -> Result<AuditReport> {
    let memory = Memory::new(
        context.resources.memory_bytes_max,
        context.resources.threads,
    );
    let published = Published::open(dir, &memory)?;
    let watched = Watched::new(&published, spec)?;
    let origin = origin::origin(&published, dir, spec)?;
    let limits = Limits::new(&published, &watched, context.resources)?;
    let (threads, cancel) = (limits.threads, context.cancel);
    memory.assign(threads, limits.pages_bytes);

    let rows = published.rows();
    let store = || Prints::new(dir, rows, limits.prints_bytes, threads);
    let has_sides = published.sides.len() > 1;
    let row_prints = has_sides.then(store);
    let key_prints = (has_sides && !watched.group.is_empty())
        .then(|| store().without(watched.null_key(&published)));
    let buffers = Buffers::default();
    let scan = Scan {
        published: &published,
        watched: &watched,
        rows: row_prints.as_ref(),
        keys: key_prints.as_ref(),
        time: timeline::time_kind(&published, &watched)?,
        sample_below: limits.sample_below,
        value_capacity: limits.value_capacity,
        buffers: &buffers,
        cancel,
        observer: context.observer,
    };
    let sides = sweep(&scan, threads)?;
    buffers.clear();

    let shared = |prints: Option<&Prints>, columns: &[usize]| {
        prints
            .map(|prints| Shared::find(&scan, prints, columns, threads))
            .transpose()
    };
    let times = timeline::timeline(&scan, &sides, threads)?;
    Ok(checks::report(&Evidence {
        published: &published,
        watched: &watched,
        sides: &sides,
        duplicates: shared(row_prints.as_ref(), &watched.row())?,
        groups: shared(key_prints.as_ref(), &watched.group)?,
        times,
        origin,
    }))
}

/// All shards, merged by side in their order.
fn sweep(scan: &Scan<'_>, threads: usize) -> Result<Vec<SideState>> {
    let shards = scan.published.shards();
    let sides = 0..scan.published.sides.len();
    let mut states: Vec<SideState> = sides.map(|side| SideState::new(scan, side)).collect();
    scan.ordered(threads, shards.len()).run(
        |index| {
            let (side, shard) = shards[index];
            scan.shard(side, shard)
        },
        |index, state| {
            states[shards[index].0].merge(state);
            Ok(())
        },
    )?;
    Ok(states)
}
