//! What is known of the ranks of hashes, class by class: of a unit, or of all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::classes::ClassId;
use crate::error::{Error, Result, UsageError};
use crate::kernel::Ranks;

/// The most classes: each has its own ranks.
const CLASSES_MAX: usize = 1 << 12;

/// What one unit, or all, say of the ranks of hashes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::pass) struct Ranked {
    pub(super) classes: BTreeMap<ClassId, RankedClass>,
    pub(super) null_keys: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RankedClass {
    pub(super) name: String,
    pub(super) ranks: Ranks,
}

impl Ranked {
    /// Rows of all classes.
    pub(super) fn rows(&self) -> u64 {
        self.classes.values().map(|class| class.ranks.rows()).sum()
    }

    /// Adds what is said of other rows.
    pub(in crate::pass) fn merge(&mut self, other: Self) {
        self.null_keys += other.null_keys;
        for (id, class) in other.classes {
            match self.classes.get_mut(&id) {
                Some(known) => known.ranks.merge(&class.ranks),
                None => drop(self.classes.insert(id, class)),
            }
        }
    }

    /// Refuses more classes than are kept apart.
    pub(super) fn check(&self, column: &str) -> Result<()> {
        check_classes(self.classes.len(), column)
    }
}

/// Refuses more classes than are kept apart.
pub(super) fn check_classes(classes: usize, column: &str) -> Result<()> {
    if classes <= CLASSES_MAX {
        return Ok(());
    }
    let error = UsageError::TooManyClasses {
        column: column.to_owned(),
        limit: CLASSES_MAX,
    };
    Err(Error::from(error).hint("name a column of fewer values, or give numbers --stratify-bins"))
}
