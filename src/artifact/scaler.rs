//! `scaler.json`: how the feature columns were fitted, in scikit-learn's names, with the exact sums.
//!
//! Invariant: every number in the file follows from its exact sums; a reader recomputes them all and
//! refuses a file that disagrees in one bit. Floats are written at their shortest decimal and read
//! back as the same bits; a variance that overflowed is the string `"inf"`. Keys are in a fixed
//! order and each column is on a line of its own. Limit: format version 1 only.

mod document;
mod lines;
mod merge;
#[cfg(test)]
mod tests;

use crate::kernel::{Fold, Scaler, Welford};
use crate::spec::{FitSpec, SplitSpec};

use document::Document;
pub use merge::MergeError;

/// What a fit found in one feature column.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedColumn {
    /// The column's name.
    pub name: String,
    /// Its moments over the train rows.
    pub moments: Welford,
}

/// The content of `scaler.json`; either fitted or read and checked.
///
/// ```
/// use prep_stream::artifact::{FittedColumn, ScalerFile};
/// use prep_stream::kernel::{NumericRows, Side, Sides, Welford};
/// use prep_stream::spec::{FitSpec, OnInf, SplitSpec};
///
/// let split = SplitSpec::default();
/// let fit = FitSpec { ddof: 0, on_inf: OnInf::Error };
/// let mut sides = Sides::default();
/// [Side::Train; 2].into_iter().for_each(|side| sides.push(side));
/// let mut moments = Welford::default();
/// moments.extend(sides.train(0, NumericRows { values: &[1.0, 2.0], valid: None }));
/// let columns = vec![FittedColumn { name: "price".to_owned(), moments }];
/// let file = ScalerFile::new(split, fit, columns);
/// let bytes = file.to_json()?;
/// assert_eq!(ScalerFile::from_json(&bytes)?, file);
/// assert_eq!(file.scaler().columns()[0].mean(), 1.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ScalerFile {
    prep_version: String,
    split: SplitSpec,
    /// Whose rows were not fitted on, if there are folds.
    fold: Option<Fold>,
    fit: FitSpec,
    columns: Vec<FittedColumn>,
    scaler: Scaler,
}

/// Why a file is no scaler file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScalerFileError {
    /// Not JSON, a field is missing, unknown or of the wrong type, or a column's sums are impossible.
    #[error("not a scaler file: {source}")]
    Json {
        /// What the parser says, with line and column.
        source: serde_json::Error,
    },
    /// The file can't be put into JSON.
    #[error("cannot put the scaler into JSON: {source}")]
    Write {
        /// What the writer says.
        source: serde_json::Error,
    },
    /// Written by another version.
    #[error("scaler file of format version {found}, this version reads {supported}")]
    FormatVersion {
        /// The version in the file.
        found: u32,
        /// The version that is read.
        supported: u32,
    },
    /// The split is of another version.
    #[error("split version \"{found}\", this version knows \"{supported}\"")]
    SplitVersion {
        /// The version in the file.
        found: String,
        /// The version that is known.
        supported: &'static str,
    },
    /// A list does not have one entry for each column.
    #[error("{field} has {found} entries, \"columns\" has {expected}")]
    Length {
        /// The list's key.
        field: &'static str,
        /// How many entries it has.
        found: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// The fold that was not fitted on is none of the split's, or isn't named although it has folds.
    #[error("\"fold\" is {found}, the split has {folds} folds")]
    Fold {
        /// The number in the file.
        found: String,
        /// How many folds the split has.
        folds: u64,
    },
    /// Two columns have one name.
    #[error("column \"{column}\" is there twice")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// A recorded value doesn't follow from the exact sums.
    #[error("{field} of column \"{column}\" is {recorded}, its exact sums give {computed}")]
    Inconsistent {
        /// The value's key.
        field: &'static str,
        /// The column's name.
        column: String,
        /// The value in the file.
        recorded: String,
        /// The value that the sums give.
        computed: String,
    },
}

impl ScalerFile {
    /// What a fit leaves: the columns in the order of the features.
    pub fn new(split: SplitSpec, fit: FitSpec, columns: Vec<FittedColumn>) -> Self {
        Self::with_version(env!("CARGO_PKG_VERSION").to_owned(), split, fit, columns)
    }

    fn with_version(
        prep_version: String,
        split: SplitSpec,
        fit: FitSpec,
        columns: Vec<FittedColumn>,
    ) -> Self {
        let moments = columns
            .iter()
            .map(|column| column.moments.finish(fit.ddof))
            .collect();
        Self {
            prep_version,
            split,
            fold: None,
            fit,
            columns,
            scaler: Scaler::new(moments),
        }
    }

    /// The same as what a fit leaves that saw no row of this fold.
    #[must_use]
    pub fn held_out(mut self, fold: Option<Fold>) -> Self {
        self.fold = fold;
        self
    }

    /// Whose rows were not fitted on, if there are folds.
    pub fn fold(&self) -> Option<Fold> {
        self.fold
    }

    /// The scaler: the same bits whether fitted or read.
    pub fn scaler(&self) -> &Scaler {
        &self.scaler
    }

    /// The feature columns with their mergeable states.
    pub fn columns(&self) -> &[FittedColumn] {
        &self.columns
    }

    /// The split whose train rows were fitted.
    pub fn split(&self) -> &SplitSpec {
        &self.split
    }

    /// How the moments became a scaler.
    pub fn fit(&self) -> FitSpec {
        self.fit
    }

    /// The version of `prep` that fitted.
    pub fn prep_version(&self) -> &str {
        &self.prep_version
    }

    /// The file's bytes; the same for the same content.
    ///
    /// # Errors
    /// [`ScalerFileError::Write`], which no content is known to cause.
    pub fn to_json(&self) -> Result<Vec<u8>, ScalerFileError> {
        Document::of(self)
            .to_json()
            .map_err(|source| ScalerFileError::Write { source })
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// Anything but a scaler file of this format whose every number follows from its exact sums.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ScalerFileError> {
        let document = Document::from_json(bytes)?;
        let fit = document.fit();
        let split = document.split()?;
        let fold = document.fold(&split)?;
        let file = Self::with_version(
            document.prep_version.clone(),
            split,
            fit,
            document.fitted_columns(),
        )
        .held_out(fold);
        document.check(&Document::of(&file))?;
        Ok(file)
    }
}
