//! `prep verify`: proves an output, with its own arithmetic.
//!
//! ```text
//! records -> files -> shards -> scaler -> train columns          from OUT alone; data/ of folds: the fit again
//!                                      -> every row              with --in: sides, values, fit again
//! ```
//!
//! Invariant: nothing here calls what made the output: not the split's hash, not the fit's sums, not
//! the scaler's formula; they are written again from their specifications, sums as integers. Shared
//! are the readers of files and the parsers of artifacts, whose own checks come on top. A step runs
//! only if those before it found nothing: what follows from damage is no finding of its own. Limit:
//! columns, and files below one directory, are held in memory by name; rows never are.

mod astray;
mod columns;
mod cursor;
mod files;
mod findings;
mod folds;
mod given;
mod group_folds;
mod groups;
mod keys;
mod leaves;
mod narrow;
mod pairs;
mod ranks;
mod records;
mod refit;
mod rows;
mod scaler;
mod shards;
mod shuffled;
mod sides;
mod slots;
mod source;
mod split;
mod standard;
mod sums;
mod tally;
mod times;
mod values;
mod views;

use std::path::PathBuf;

use crate::artifact::manifest::Maker;
use crate::engine::{Cancel, Memory, Ordered};
use crate::error::{Error, Result, UsageError};
use crate::report::VerifyReport;
use crate::spec::Resources;

use findings::Findings;

/// What to do about an output whose rows aren't compared with `--in`.
const WITHOUT_IN: &str =
    "leave out --in: files, checksums, schemas, row counts and the scaler are verified without it";

/// What to verify.
#[derive(Debug, Clone)]
pub struct VerifySpec {
    /// The output directory.
    pub output: PathBuf,
    /// What it was made from, as `--in` was given; empty: only the output is looked at.
    pub inputs: Vec<PathBuf>,
    /// As `--root` was given.
    pub root: Option<PathBuf>,
    /// As `--follow-symlinks` was given.
    pub follow_symlinks: bool,
    /// Threads and memory.
    pub resources: Resources,
}

/// What every step needs.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    spec: &'a VerifySpec,
    cancel: &'a Cancel,
    memory: &'a Memory,
}

impl<'a> Context<'a> {
    fn ordered(self, count: usize) -> Ordered<'a> {
        Ordered {
            threads: self.memory.workers(),
            count,
            cancel: self.cancel,
        }
    }
}

/// Verifies an output; what is wrong with it is in the report.
///
/// # Errors
/// When the directory can't be listed or an input can't be read; when it doesn't fit the memory; a
/// request to stop. Damage inside the output is a finding and no error.
pub fn verify(spec: &VerifySpec, cancel: &Cancel) -> Result<VerifyReport> {
    let resources = spec.resources;
    let memory = Memory::new(resources.memory_bytes_max, resources.threads);
    let context = Context {
        spec,
        cancel,
        memory: &memory,
    };
    let mut findings = Findings::default();
    let mut report = VerifyReport {
        output: spec.output.display().to_string(),
        ..VerifyReport::default()
    };
    let names = files::list(&spec.output)?;
    if let Some(records) = records::read(&spec.output, &mut findings) {
        let made_by = records.manifest.made_by;
        if made_by != Maker::Stream && !spec.inputs.is_empty() {
            let what = made_by.to_string();
            return Err(Error::from(UsageError::NotVerifiable { what }).hint(WITHOUT_IN));
        }
        let order = shuffled::order_bytes(&records, resources.memory_bytes_max);
        let keys = split::keys_bytes(&records, resources.memory_bytes_max);
        let sums = sums::BYTES * records.manifest.columns.len() as u64;
        memory.share_out_to_readers(sums.saturating_add(order).saturating_add(keys));
        files::check(&names, &records, &mut findings);
        shards::check(context, &records, &mut findings, &mut report)?;
        scaler::check(&records, &mut findings);
        if findings.is_empty() && made_by == Maker::Stream {
            standard::check(context, &records, &mut findings, &mut report)?;
        }
        if findings.is_empty() {
            folds::check(context, &records, &mut findings, &mut report)?;
        }
        if findings.is_empty() && !spec.inputs.is_empty() {
            source::check(context, &records, &mut findings, &mut report)?;
        }
    }
    findings.finish(&mut report);
    Ok(report)
}
