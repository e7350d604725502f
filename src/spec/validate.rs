//! `ValidateSpec`: how the network of `prep validate` is trained. Plain data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Resources;
use crate::kernel::Fraction;

/// What `prep validate` does: which output, which label, which network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidateSpec {
    /// The output of `prep stream`.
    pub data: PathBuf,
    /// The column that the network predicts.
    pub label: String,
    /// The task, if it isn't to be recognised from the label.
    pub task: Option<Task>,
    /// How it is trained.
    pub training: TrainingSpec,
    /// Whether the raw arm is run again with what might help.
    pub diagnose: bool,
    /// Threads and memory; never changes the result.
    pub resources: Resources,
}

/// The network and how it is trained; the same for every arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSpec {
    /// Units of each hidden layer; empty for a linear model.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// How weights are moved.
    pub optimizer: Optimizer,
    /// The learning rate as an exact decimal; `None`: the optimizer's default.
    pub learning_rate: Option<LearningRate>,
    /// Rows of a minibatch.
    pub batch_size: usize,
    /// How often every train row is seen.
    pub epochs: usize,
    /// Seed of the initial weights, the order of rows and the part.
    pub seed: u64,
    /// The share of train rows that `raw, part` sees.
    pub part: Fraction,
    /// Whether a regression's label is standardized with train statistics.
    pub scale_label: bool,
}

/// A positive, finite learning rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate(f64);

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// A number, with squared loss.
    Regression,
    /// One of two classes, with cross-entropy.
    Binary,
    /// One of several classes, with cross-entropy.
    Multiclass,
}

/// What follows a hidden layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x, below 0 a hundredth of it.
    LeakyRelu,
    /// The Gaussian error linear unit in its tanh form.
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
}

/// How weights are moved along the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Plain stochastic gradient descent.
    Sgd,
    /// Adam with Keras' defaults: 0.9, 0.999, 1e-7.
    Adam,
}

impl TrainingSpec {
    /// The learning rate that is used.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
            .map_or(self.optimizer.default_learning_rate(), LearningRate::get)
    }
}

impl Default for TrainingSpec {
    /// Two hidden ReLU layers of 64, Keras' SGD and batch size.
    fn default() -> Self {
        Self {
            hidden: vec![64, 64],
            activation: Activation::Relu,
            optimizer: Optimizer::Sgd,
            learning_rate: None,
            batch_size: 32,
            epochs: 10,
            seed: 42,
            part: Fraction::TENTH,
            scale_label: true,
        }
    }
}

impl Optimizer {
    /// Keras' default learning rate.
    pub fn default_learning_rate(self) -> f64 {
        match self {
            Self::Sgd => 0.01,
            Self::Adam => 0.001,
        }
    }
}

impl LearningRate {
    /// `None` unless it is positive and finite.
    pub fn new(value: f64) -> Option<Self> {
        (value > 0.0 && value.is_finite()).then_some(Self(value))
    }

    /// Its value.
    pub fn get(self) -> f64 {
        self.0
    }
}

// Never NaN, so equality is total.
impl Eq for LearningRate {}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Regression => "regression",
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
        })
    }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky-relu",
            Self::Gelu => "gelu",
            Self::Tanh => "tanh",
        })
    }
}
