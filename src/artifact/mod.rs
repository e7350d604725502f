//! Everything with a format version that is read again: its fields, and bytes that follow from them.
//!
//! Renders to bytes and parses from bytes; opens no files. None of these types is used as a domain
//! type elsewhere.

mod escape;
pub mod histograms;
pub mod job_id;
pub mod ledger;
pub mod manifest;
pub mod partial;
mod plan;
pub mod planned;
pub mod run;
mod scaler;
mod seal;
pub mod validation;

pub use escape::{escape_name, unescape_name};
pub use histograms::{HistogramColumn, HistogramsFile};
pub use job_id::JobId;
pub use manifest::Manifest;
pub(crate) use manifest::hex128;
pub use plan::PlanFile;
pub use run::RunRecord;
pub use scaler::{FittedColumn, MergeError, ScalerFile, ScalerFileError};
pub use seal::{is_sealed, is_sealed_page, seal, seal_page};
pub use validation::{Figure, Validation};

use crate::error::{Error, OutputError, Result};

/// Serializes one value as a line of JSON.
fn encode<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|source| encode_error(what, source))
}

fn encode_error(what: &'static str, source: serde_json::Error) -> Error {
    Error::from(OutputError::Encode { what, source })
}
