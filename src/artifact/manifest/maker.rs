//! Which command made an output: only some have train and test sides.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Manifest;
use crate::error::{Error, Result, UsageError};

/// The command that made an output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maker {
    /// `prep stream`: standardized shards of every side, and what they were standardized by.
    #[default]
    Stream,
    /// `prep fit`: a scaler and no shards.
    Fit,
    /// `prep transform`: shards of one kind of rows, by a scaler that was fitted before.
    Transform,
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream => "prep stream",
            Self::Fit => "prep fit",
            Self::Transform => "prep transform",
        })
    }
}

impl Manifest {
    /// Refuses an output of another command than `prep stream`.
    ///
    /// # Errors
    /// [`UsageError::NoSides`].
    pub fn check_streamed(&self, command: &'static str) -> Result<()> {
        if self.made_by == Maker::Stream {
            return Ok(());
        }
        let made_with = self.made_by.to_string();
        Err(Error::from(UsageError::NoSides { command, made_with })
            .hint("give it an output of prep stream; prep verify takes any"))
    }
}
