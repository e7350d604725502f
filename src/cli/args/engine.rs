//! Who does the units of a job; never changes the result.

use clap::ValueEnum;
use prep_stream::error::{Result, UsageError};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Engine")]
pub(super) struct EngineArgs {
    /// Who does the units of stream: this process, or a cluster whose machines share --in and --out;
    /// --threads [default: 1] and --memory are then those of each unit's process
    #[arg(long, value_name = "ENGINE", default_value = "local")]
    engine: EngineArg,

    /// The cluster, as ray.init or Spark's master takes it [default: that of RAY_ADDRESS or of this
    /// machine]
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineArg {
    Local,
    Ray,
    Spark,
}

/// A cluster that does the units.
#[derive(Debug)]
pub(in crate::cli) struct Cluster {
    /// Its name, and that of the driver in the Python package.
    pub(in crate::cli) engine: &'static str,
    /// The Python module that reaches it.
    pub(in crate::cli) module: &'static str,
    pub(in crate::cli) address: Option<String>,
}

impl EngineArgs {
    /// The cluster that is wanted, if any is.
    ///
    /// # Errors
    /// [`UsageError::Conflict`] for an address of none.
    pub(super) fn cluster(&self) -> Result<Option<Cluster>> {
        let (engine, module) = match (self.engine, &self.address) {
            (EngineArg::Ray, _) => ("ray", "ray"),
            (EngineArg::Spark, _) => ("spark", "pyspark"),
            (EngineArg::Local, None) => return Ok(None),
            (EngineArg::Local, Some(_)) => {
                return Err(UsageError::Conflict {
                    first: "--address",
                    second: "--engine local",
                    reason: "this process has no address: say --engine ray or spark".to_owned(),
                }
                .into());
            }
        };
        Ok(Some(Cluster {
            engine,
            module,
            address: self.address.clone(),
        }))
    }
}
