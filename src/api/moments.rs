//! `Moments`: what was fitted, from which scalers of disjoint data become one.

use std::path::Path;

use super::Scaler;
use crate::artifact::{MergeError, ScalerFile};
use crate::error::{OutputError, Result};
use crate::job::read_scaler;
use crate::kernel;
use crate::sink::write_atomically;

/// Exact moments of the feature columns over train rows.
///
/// Those of disjoint rows merge into those of all of them, to the bit, in any order.
///
/// ```
/// use prep_stream::{Job, Moments};
///
/// # let folder = tempfile::tempdir()?;
/// let fitted = |airport: &str| -> prep_stream::error::Result<Moments> {
///     let file = format!("fixtures/weather/{airport}.parquet");
///     let mut job = Job::new([file], folder.path().join(airport)).exclude(["year"]);
///     // Sides follow from the path below the root: as in a job over all files.
///     job.spec_mut().input.root = Some("fixtures/weather".into());
///     Ok(job.run()?.scaler()?.moments())
/// };
/// let mut all = fitted("EWR")?;
/// all.merge(&fitted("JFK")?)?;
/// let temp = all.of("temp").expect("a feature");
/// assert_eq!((temp.count(), temp.nulls()), (13_899, 1));
/// assert_eq!(temp.mean().round(), 55.0, "in degrees Fahrenheit, as the column is");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```text
/// source     scaler.json of prep stream, fit or merge: its exact sums, which every other number follows from
/// units      those of each column; variances in their squares; counts in rows
/// errors     MergeError: other columns or settings, or splits whose sides depend on all rows
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    file: ScalerFile,
}

impl Moments {
    /// The moments that a scaler was made of.
    pub(super) fn new(file: ScalerFile) -> Self {
        Self { file }
    }

    /// Reads those of a `scaler.json`.
    ///
    /// # Errors
    /// When it can't be read, or a number in it doesn't follow from its exact sums.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let (file, _) = read_scaler(path.as_ref())?;
        Ok(Self { file })
    }

    /// Adds those of other rows, which must have been fitted in the same way; columns are matched by name.
    ///
    /// # Errors
    /// [`MergeError`]; then these are as they were.
    pub fn merge(&mut self, other: &Self) -> std::result::Result<(), MergeError> {
        self.file.merge(&other.file)
    }

    /// The columns' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.file
            .columns()
            .iter()
            .map(|column| column.name.as_str())
    }

    /// Count, mean, variance, extremes and missing rows of a column; `None` if it is no feature.
    pub fn of(&self, column: &str) -> Option<&kernel::Moments> {
        let place = self.names().position(|name| name == column)?;
        self.file.scaler().moments().get(place)
    }

    /// What standardizes by these moments.
    pub fn scaler(&self) -> Scaler {
        Scaler::new(self.file.clone())
    }

    /// Writes them as a `scaler.json`, whole or not at all, in place of a file that is there.
    ///
    /// # Errors
    /// [`OutputError::Io`] if it can't be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let bytes = self.file.to_json().map_err(|source| {
            let source = source.into();
            OutputError::Scaler { source }
        })?;
        write_atomically(path.as_ref(), &bytes)
    }
}
