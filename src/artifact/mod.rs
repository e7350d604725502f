//! Files with a format version: what a run leaves for the next one to read.
//!
//! Invariant: the same content gives the same bytes, and what is read is checked whole before any of
//! it is used. Limit: these types describe files; the domain's own types live in `kernel` and
//! `spec`.

mod scaler;

pub use scaler::{FittedColumn, ScalerFile, ScalerFileError};
