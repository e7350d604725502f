//! The JSON of `scaler.json`: its fields, its lines and what a reader checks.
//!
//! Invariant: [`Document::of`] is the only source of numbers; a document that was read must equal the
//! one made again from its own sums.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::lines::Lines;
use super::{FittedColumn, ScalerFile, ScalerFileError};
use crate::kernel::{ColumnScaler, Fold, Moments, Welford};
use crate::spec::{FitSpec, OnInf, SplitSpec};

/// The format this version writes and reads.
const FORMAT_VERSION: u32 = 1;

/// The split that this version knows.
const SPLIT_VERSION: &str = "v1";

/// The whole file; the lists have one entry for each column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    format_version: u32,
    pub(super) prep_version: String,
    split: Split,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fold: Option<usize>,
    ddof: u32,
    on_inf: OnInf,
    n_features_in_: usize,
    feature_names_in_: Vec<String>,
    n_samples_seen_: Vec<u64>,
    mean_: Vec<f64>,
    var_: Vec<Variance>,
    scale_: Vec<f64>,
    columns: Vec<Column>,
}

/// The split as recorded.
#[derive(Serialize)]
struct Split {
    version: String,
    #[serde(flatten)]
    spec: SplitSpec,
}

/// A variance; JSON has no infinity.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Variance {
    Finite(f64),
    Overflowed(Overflowed),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Overflowed {
    #[serde(rename = "inf")]
    Infinite,
}

/// What scikit-learn has no name for, one line a column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    name: String,
    mean_lo: f64,
    constant: bool,
    near_constant: bool,
    moments: Welford,
}

/// Only the version, whatever else there is.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

impl Document {
    /// The document of a fit.
    pub(super) fn of(file: &ScalerFile) -> Self {
        let moments = file.scaler.moments();
        let names = || file.columns.iter().map(|column| column.name.clone());
        let columns = file
            .columns
            .iter()
            .zip(moments)
            .map(|(column, moments)| Column {
                name: column.name.clone(),
                mean_lo: moments.mean_lo(),
                constant: moments.is_constant(),
                near_constant: moments.is_near_constant(),
                moments: column.moments.clone(),
            });
        Self {
            format_version: FORMAT_VERSION,
            prep_version: file.prep_version.clone(),
            split: Split::of(&file.split),
            fold: file.fold.map(Fold::number),
            ddof: file.fit.ddof,
            on_inf: file.fit.on_inf,
            n_features_in_: file.columns.len(),
            feature_names_in_: names().collect(),
            n_samples_seen_: moments.iter().map(Moments::count).collect(),
            mean_: moments.iter().map(Moments::mean).collect(),
            var_: moments
                .iter()
                .map(|moments| Variance::of(moments.var()))
                .collect(),
            scale_: file
                .scaler
                .columns()
                .iter()
                .map(ColumnScaler::scale)
                .collect(),
            columns: columns.collect(),
        }
    }

    /// Its bytes, one key or column a line, with a final newline.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Lines::default());
        self.serialize(&mut serializer)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a document; its numbers are not checked yet.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, ScalerFileError> {
        let json = |source| ScalerFileError::Json { source };
        // The version first: a later format may have other fields.
        let Version {
            format_version: found,
        } = serde_json::from_slice(bytes).map_err(json)?;
        if found != FORMAT_VERSION {
            return Err(ScalerFileError::FormatVersion {
                found,
                supported: FORMAT_VERSION,
            });
        }
        let document: Self = serde_json::from_slice(bytes).map_err(json)?;
        document.check_shape()?;
        Ok(document)
    }

    /// The split, if this version knows it.
    pub(super) fn split(&self) -> Result<SplitSpec, ScalerFileError> {
        match self.split.version.as_str() {
            SPLIT_VERSION => Ok(self.split.spec.clone()),
            version => Err(ScalerFileError::SplitVersion {
                found: version.to_owned(),
                supported: SPLIT_VERSION,
            }),
        }
    }

    /// The fold that was not fitted on: one of those that the split has, if it has any.
    pub(super) fn fold(&self, split: &SplitSpec) -> Result<Option<Fold>, ScalerFileError> {
        let count = split.folds.map(|folds| folds.count);
        let mut folds = count.into_iter().flat_map(|count| count.folds());
        let fold = self.fold.and_then(|number| folds.nth(number));
        if fold.is_some() == count.is_some() && fold.is_some() == self.fold.is_some() {
            return Ok(fold);
        }
        let found = self
            .fold
            .map_or("missing".to_owned(), |fold| fold.to_string());
        let folds = count.map_or(0, |count| count.get());
        Err(ScalerFileError::Fold { found, folds })
    }

    /// How the moments became a scaler.
    pub(super) fn fit(&self) -> FitSpec {
        FitSpec {
            ddof: self.ddof,
            on_inf: self.on_inf,
        }
    }

    /// The mergeable states.
    pub(super) fn fitted_columns(&self) -> Vec<FittedColumn> {
        let fitted = |column: &Column| FittedColumn {
            name: column.name.clone(),
            moments: column.moments.clone(),
        };
        self.columns.iter().map(fitted).collect()
    }

    /// One entry for each column in each list, and no name twice.
    fn check_shape(&self) -> Result<(), ScalerFileError> {
        let expected = self.columns.len();
        let lengths = [
            ("n_features_in_", self.n_features_in_),
            ("feature_names_in_", self.feature_names_in_.len()),
            ("n_samples_seen_", self.n_samples_seen_.len()),
            ("mean_", self.mean_.len()),
            ("var_", self.var_.len()),
            ("scale_", self.scale_.len()),
        ];
        for (field, found) in lengths {
            if found != expected {
                return Err(ScalerFileError::Length {
                    field,
                    found,
                    expected,
                });
            }
        }
        let mut names = BTreeSet::new();
        match self
            .columns
            .iter()
            .find(|column| !names.insert(&column.name))
        {
            Some(column) => Err(ScalerFileError::DuplicateColumn {
                column: column.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Every recorded value against the one computed again from the sums, bit for bit.
    pub(super) fn check(&self, computed: &Self) -> Result<(), ScalerFileError> {
        for (index, column) in self.columns.iter().enumerate() {
            for ((field, recorded), (_, computed)) in
                self.values(index).into_iter().zip(computed.values(index))
            {
                if recorded != computed {
                    let column = column.name.clone();
                    return Err(ScalerFileError::Inconsistent {
                        field,
                        column,
                        recorded,
                        computed,
                    });
                }
            }
        }
        Ok(())
    }

    /// What is recorded about one column; the shortest decimals tell all floats apart.
    fn values(&self, index: usize) -> [(&'static str, String); 8] {
        let column = &self.columns[index];
        [
            ("feature_names_in_", self.feature_names_in_[index].clone()),
            ("n_samples_seen_", self.n_samples_seen_[index].to_string()),
            ("mean_", format!("{:?}", self.mean_[index])),
            ("var_", format!("{:?}", self.var_[index].value())),
            ("scale_", format!("{:?}", self.scale_[index])),
            ("mean_lo", format!("{:?}", column.mean_lo)),
            ("constant", column.constant.to_string()),
            ("near_constant", column.near_constant.to_string()),
        ]
    }
}

impl Split {
    fn of(split: &SplitSpec) -> Self {
        Self {
            version: SPLIT_VERSION.to_owned(),
            spec: split.clone(),
        }
    }
}

impl<'de> Deserialize<'de> for Split {
    /// Of a version that isn't known, only the version.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = serde_json::Map::deserialize(deserializer)?;
        let version = match fields.remove("version") {
            Some(serde_json::Value::String(version)) => version,
            _ => return Err(de::Error::missing_field("version")),
        };
        let spec = match version.as_str() {
            SPLIT_VERSION => SplitSpec::deserialize(serde_json::Value::Object(fields)),
            _ => Ok(SplitSpec::default()),
        };
        let spec = spec.map_err(de::Error::custom)?;
        Ok(Self { version, spec })
    }
}

impl Variance {
    fn of(value: f64) -> Self {
        if value.is_finite() {
            Self::Finite(value)
        } else {
            Self::Overflowed(Overflowed::Infinite)
        }
    }

    fn value(self) -> f64 {
        match self {
            Self::Finite(value) => value,
            Self::Overflowed(Overflowed::Infinite) => f64::INFINITY,
        }
    }
}
