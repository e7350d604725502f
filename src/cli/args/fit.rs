//! How moments become a scaler.

use clap::ValueEnum;
use prep_stream::spec::{FitSpec, OnInf};

use crate::cli::values;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Fit")]
pub(super) struct FitArgs {
    /// Delta degrees of freedom: the variance divides by n - DDOF
    #[arg(long, value_name = "DDOF", default_value_t = 0, value_parser = values::ddof, allow_negative_numbers = true)]
    ddof: u32,

    /// What infinities in features are: an error at the end of the pass, or nulls
    #[arg(long, value_name = "WHAT", default_value = "error")]
    on_inf: OnInfArg,
}

/// What infinities in features are.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum OnInfArg {
    Error,
    Null,
}

impl FitArgs {
    pub(super) fn into_spec(self) -> FitSpec {
        FitSpec {
            ddof: self.ddof,
            on_inf: self.on_inf.into(),
        }
    }
}

impl From<OnInfArg> for OnInf {
    fn from(typed: OnInfArg) -> Self {
        match typed {
            OnInfArg::Error => Self::Error,
            OnInfArg::Null => Self::Null,
        }
    }
}
