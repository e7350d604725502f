//! Which network is trained on an output, and how.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use prep_stream::kernel::Fraction;
use prep_stream::spec::{Activation, LearningRate, Optimizer, Task, TrainingSpec, ValidateSpec};

use super::{LogFormat, ResourceArgs, Watch};
use crate::cli::values::{self, network};

/// The flags of `validate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TrainArgs {
    /// An output of prep stream
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data: PathBuf,

    /// The column to predict
    #[arg(long, value_name = "COLUMN")]
    label: String,

    /// What to predict [default: classes if the label is text, boolean, or has at most 20 values, all
    /// whole; else a number]
    #[arg(long, value_name = "TASK")]
    task: Option<TaskArg>,

    /// Run the raw arm again at the computed stable learning rate, and with the other activations
    #[arg(long)]
    diagnose: bool,

    #[command(flatten)]
    resources: ResourceArgs,

    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,

    /// Progress, errors and result as text or as one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,

    // Last: what comes after it would stand under its heading.
    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
struct NetworkArgs {
    /// Units of each hidden layer, separated by commas
    #[arg(long, value_name = "UNITS", default_value = "64,64", value_parser = network::hidden)]
    hidden: network::Hidden,

    /// What follows each hidden layer
    #[arg(long, value_name = "NAME", default_value = "relu")]
    activation: ActivationArg,

    /// How weights are moved
    #[arg(long, value_name = "NAME", default_value = "sgd")]
    optimizer: OptimizerArg,

    /// Learning rate [default: 0.01 for sgd, 0.001 for adam]
    #[arg(long, value_name = "RATE", value_parser = network::learning_rate, allow_negative_numbers = true)]
    lr: Option<LearningRate>,

    /// Rows of a minibatch
    #[arg(long, value_name = "ROWS", default_value_t = 32, value_parser = network::at_least_one, allow_negative_numbers = true)]
    batch_size: usize,

    /// How often every row is seen
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = network::at_least_one, allow_negative_numbers = true)]
    epochs: usize,

    /// Seed of the initial weights, the order of rows and the part
    #[arg(long, value_name = "N", default_value_t = 42, value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,

    /// Share of train rows that the arm "raw, part" sees
    #[arg(
        long,
        value_name = "FRACTION",
        default_value = "0.1",
        allow_negative_numbers = true
    )]
    part: Fraction,

    /// Train on a number as it is, not standardized with train statistics
    #[arg(long)]
    no_scale_label: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TaskArg {
    Regression,
    Binary,
    Multiclass,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ActivationArg {
    Relu,
    LeakyRelu,
    Gelu,
    Tanh,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OptimizerArg {
    Sgd,
    Adam,
}

impl TrainArgs {
    pub(in crate::cli) fn watch(&self) -> Watch {
        Watch {
            is_quiet: self.quiet,
            log_format: self.log_format,
        }
    }

    pub(in crate::cli) fn into_spec(self) -> ValidateSpec {
        ValidateSpec {
            data: self.data,
            label: self.label,
            task: self.task.map(|task| match task {
                TaskArg::Regression => Task::Regression,
                TaskArg::Binary => Task::Binary,
                TaskArg::Multiclass => Task::Multiclass,
            }),
            training: self.network.into_spec(),
            diagnose: self.diagnose,
            resources: self.resources.resources(),
        }
    }
}

impl NetworkArgs {
    fn into_spec(self) -> TrainingSpec {
        TrainingSpec {
            hidden: self.hidden.0,
            activation: match self.activation {
                ActivationArg::Relu => Activation::Relu,
                ActivationArg::LeakyRelu => Activation::LeakyRelu,
                ActivationArg::Gelu => Activation::Gelu,
                ActivationArg::Tanh => Activation::Tanh,
            },
            optimizer: match self.optimizer {
                OptimizerArg::Sgd => Optimizer::Sgd,
                OptimizerArg::Adam => Optimizer::Adam,
            },
            learning_rate: self.lr,
            batch_size: self.batch_size,
            epochs: self.epochs,
            seed: self.seed,
            part: self.part,
            scale_label: !self.no_scale_label,
        }
    }
}
