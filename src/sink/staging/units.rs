//! The list of units in the staging directory: what each is read from, so that a process that does some of
//! them opens no other files.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::ledger::{Ledger, LedgerWriter};
use super::{Staging, UNITS};
use crate::artifact::JobId;
use crate::artifact::planned::{PlannedTable, PlannedUnit};
use crate::error::{Error, OutputError, Place, Result};

/// What its lines are.
const KIND: &str = "unit";

/// A list that was found.
#[derive(Debug)]
pub struct UnitList {
    path: PathBuf,
    ledger: Ledger,
    table: PlannedTable,
}

impl UnitList {
    /// Opens the list at `path`.
    ///
    /// # Errors
    /// [`OutputError::WorkMissing`] if it isn't there, or isn't that of this job.
    pub(super) fn open(path: &Path, job: &JobId) -> Result<Self> {
        let ledger = Ledger::open(path, job, KIND, 0);
        let ledger = ledger.ok_or_else(|| damaged(path))?;
        Ok(Self {
            table: ledger.summary().ok_or_else(|| damaged(path))?,
            path: path.to_path_buf(),
            ledger,
        })
    }

    /// What holds for all units.
    pub fn table(&self) -> &PlannedTable {
        &self.table
    }

    /// Some of the units.
    ///
    /// # Errors
    /// [`OutputError::WorkMissing`] if one isn't there whole.
    pub fn units(&self, units: Range<u64>) -> Result<Vec<PlannedUnit>> {
        let lines = units.map(|unit| self.ledger.line(unit).ok_or_else(|| self.damaged()));
        lines.collect()
    }

    /// The error of a list that doesn't say what it should.
    pub fn damaged(&self) -> Error {
        damaged(&self.path)
    }
}

impl Staging {
    /// Where the plan is that processes of this run follow.
    pub fn plan_file(&self) -> PathBuf {
        self.destination.staging.join("plan.json")
    }

    /// Leaves the list of units to the processes that do them: `list` hands over each, in order.
    ///
    /// # Errors
    /// [`OutputError::Io`] if it can't be written.
    pub fn list_units(
        &self,
        list: impl FnOnce(&mut dyn FnMut(PlannedUnit) -> Result<()>) -> Result<PlannedTable>,
    ) -> Result<()> {
        let place = self.destination.staging.join(UNITS);
        let beside = place.with_extension("unfinished");
        let mut writer = LedgerWriter::create(beside, self.partials.job(), KIND, 0)?;
        let table = list(&mut |unit| writer.push(&unit))?;
        writer.finish(&table, &place)
    }
}

fn damaged(path: &Path) -> Error {
    let what = "list of units".to_owned();
    Error::from(OutputError::WorkMissing { what })
        .at(Place::path(path))
        .hint("it was removed or damaged: make the plan again")
}
