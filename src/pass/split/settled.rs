//! What a unit's rows were settled to, their sides or folds, kept for the passes that follow where finding
//! it again would mean to read columns.
//!
//! Invariant: it is a cache, and never the definition: what isn't there, isn't whole or is another job's is
//! found again, and is the same; but where a process has found it for others that can't, since it takes all
//! rows ([`SplitPlan::take_kept`]), there it must be. With it goes what was read for it, so that pass 3 still finds out whether
//! it writes the keys that pass 1 went by. Disk: one or two bits a row, a byte with folds.

use serde::{Deserialize, Serialize};

use super::{By, SplitPlan, SplitTotal};
use crate::engine::Pass;
use crate::error::Result;
use crate::kernel::{FoldCount, Folds, Sides};
use crate::pass::total_name;
use crate::sink::Partials;
use crate::source::parquet::PagesRead;
use crate::source::table::{OpenUnit, Table, Unit};
use crate::spec::{SplitBy, SplitSpec};

/// What is said of a unit's words.
#[derive(Debug, Serialize, Deserialize)]
struct SettledPartial {
    /// What was read of each store of the unit to find them.
    pages: Vec<PagesRead>,
}

/// What a unit's rows are settled to.
pub(super) trait Settled: Sized {
    /// All of it.
    fn to_words(&self) -> Vec<u64>;
    /// The most words of `rows` rows.
    fn words_max(rows: usize) -> usize;
    /// The inverse of the first; `None` for other words.
    fn of_words(rows: usize, words: Vec<u64>) -> Option<Self>;
}

impl Settled for Sides {
    fn to_words(&self) -> Vec<u64> {
        self.to_words()
    }

    fn words_max(rows: usize) -> usize {
        Self::words_max(rows)
    }

    fn of_words(rows: usize, words: Vec<u64>) -> Option<Self> {
        Self::of_words(rows, words)
    }
}

impl Settled for Folds {
    fn to_words(&self) -> Vec<u64> {
        self.to_words()
    }

    fn words_max(rows: usize) -> usize {
        Self::words_max(rows)
    }

    fn of_words(rows: usize, words: Vec<u64>) -> Option<Self> {
        Self::of_words(rows, &words)
    }
}

impl SplitPlan<'_> {
    /// Whether finding sides takes more than the place of a row.
    pub(super) fn reads_columns(&self) -> bool {
        let has_classes = self
            .exact
            .as_ref()
            .is_some_and(|exact| exact.classes.is_some());
        !matches!(self.by, By::Row(_)) || has_classes || self.narrow.reads_columns()
    }

    /// A unit whose columns pass 1 reads: what it reads of them is kept if sides are.
    pub(super) fn open<'t>(&'t self, table: &'t Table, unit: &'t Unit) -> OpenUnit<'t> {
        let open = OpenUnit::new(table, unit, self.context.memory);
        match self.reads_columns() {
            true => open.recording(),
            false => open,
        }
    }

    /// The sides of a unit's rows, as they were kept or found again.
    pub(super) fn sides(&self, partials: &Partials, open: &OpenUnit<'_>) -> Result<Sides> {
        self.kept_or(partials, open, || Ok(self.assigned(open)?.sides))
    }

    /// The folds of a unit's rows, likewise.
    pub(super) fn folds(
        &self,
        partials: &Partials,
        open: &OpenUnit<'_>,
        count: FoldCount,
    ) -> Result<Folds> {
        self.kept_or(partials, open, || Ok(self.folds_of(open, count)?.0))
    }

    /// Keeps what all units are settled to, and `total` as what pass 1 has found, for processes that
    /// [`SplitPlan::take_kept`].
    ///
    /// # Errors
    /// When a column that has a say can't be read, or the disk is full.
    pub fn keep_all(&self, partials: &Partials, table: &Table, total: &SplitTotal) -> Result<()> {
        self.each_kept(partials, table)?;
        partials.keep(&total_name(Pass::Split), total, Vec::new())
    }

    /// Takes what another process has kept: this one finds no side by itself from now on.
    ///
    /// # Errors
    /// [`crate::error::OutputError::WorkMissing`] if it isn't there whole.
    pub fn take_kept(&mut self, partials: &Partials) -> Result<SplitTotal> {
        self.is_kept = true;
        let name = total_name(Pass::Split);
        let total = partials.read_without_files(&name);
        total.ok_or_else(|| partials.lost(&name))
    }

    /// Makes sure that what the units of a table are settled to is kept.
    ///
    /// # Errors
    /// [`crate::error::OutputError::WorkMissing`] naming the first unit's that isn't there whole, and has to
    /// be; when a column that has a say can't be read, where it hasn't.
    pub fn each_kept(&self, partials: &Partials, table: &Table) -> Result<()> {
        self.context.ordered(table.units.len()).run(
            |index| {
                let open = self.open(table, &table.units[index]);
                match self.folds {
                    Some(count) => self.folds(partials, &open, count).map(drop),
                    None => self.sides(partials, &open).map(drop),
                }
            },
            |_, ()| Ok(()),
        )
    }

    /// What was kept, or what `find` says: that is kept now, if a later pass is to find it.
    fn kept_or<S: Settled>(
        &self,
        partials: &Partials,
        open: &OpenUnit<'_>,
        find: impl FnOnce() -> Result<S>,
    ) -> Result<S> {
        if let Some(kept) = self.kept(partials, open) {
            return Ok(kept);
        }
        if self.is_kept {
            return Err(partials.lost(&name(open.unit.index)));
        }
        let found = find()?;
        if !open.is_comparing() {
            self.keep(partials, open, &found)?;
        }
        Ok(found)
    }

    /// Keeps what the rows of a unit were settled to, and which pages that was read from.
    pub(super) fn keep<S: Settled>(
        &self,
        partials: &Partials,
        open: &OpenUnit<'_>,
        settled: &S,
    ) -> Result<()> {
        if !self.reads_columns() {
            return Ok(());
        }
        let pages = open.pages_read();
        let name = name(open.unit.index);
        partials.keep_words(&name, &SettledPartial { pages }, &settled.to_words())
    }

    /// What was kept, if it is there whole.
    fn kept<S: Settled>(&self, partials: &Partials, open: &OpenUnit<'_>) -> Option<S> {
        if !self.reads_columns() {
            return None;
        }
        let rows = open.unit.rows;
        let found = partials.words(&name(open.unit.index), S::words_max(rows));
        let (SettledPartial { pages }, words) = found?;
        let settled = S::of_words(rows, words)?;
        open.add_pages_read(&pages);
        Some(settled)
    }
}

/// What the partial of a unit is called: `sides-0000012`.
fn name(unit: usize) -> String {
    format!("sides-{unit:07}")
}

/// Bytes that are kept of `rows` rows, at most.
pub(in crate::pass) fn settled_bytes(spec: &SplitSpec, rows: u64) -> u64 {
    let is_by_place = matches!(spec.by, SplitBy::Row) && spec.stratify.is_none();
    if is_by_place && spec.filter.is_none() {
        return 0;
    }
    match spec.folds {
        Some(_) => rows,
        None => rows / 4,
    }
}
