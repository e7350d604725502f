//! `TransformSpec`: new data, and the scaler file that it is standardized by. Plain data, no I/O.

use std::path::PathBuf;

use super::{InputSpec, OnInf, OutputSpec, Resources};

/// New data, and the scaler file that it is standardized by.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformSpec {
    /// The scaler file, which `prep stream`, `fit` or `merge` has left.
    pub scaler: PathBuf,
    /// Turn standardized values into what they were.
    pub inverse: bool,
    /// Which files are read, and how.
    pub input: InputSpec,
    /// Columns of text files that are read as text whatever they look like.
    pub text: Vec<String>,
    /// What happens to infinities in features; `None`: what happened when the scaler was fitted.
    pub on_inf: Option<OnInf>,
    /// What is written, and where.
    pub output: OutputSpec,
    /// Threads and memory; never changes the result.
    pub resources: Resources,
}
