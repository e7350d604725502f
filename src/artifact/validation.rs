//! `validation.json`: how a network trained on the raw and on the standardized features, and why.
//!
//! Invariant: its bytes follow from the data set and the settings; no time or machine is in it, apart
//! from what float32 matrix products differ by between processors. Floats that are no number stand as
//! the strings `"NaN"`, `"inf"` and `"-inf"`, since JSON has none ([`Figure`]).

mod figure;

use serde::{Deserialize, Serialize};

use super::encode_error;
use crate::error::Result;
use crate::spec::{Activation, Optimizer, Task};

pub use figure::Figure;

/// The first field's value; what has it is ours.
const FORMAT: &str = "prep validation";
/// Raised when a reader of the old format would misread the new one.
pub const FORMAT_VERSION: u32 = 1;
/// The file's name, in the output beside `manifest.json`, which does not list it.
pub const FILE_NAME: &str = "validation.json";

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Always `prep validation`.
    pub format: String,
    /// Always [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of `prep` that trained.
    pub prep_version: String,
    /// The id of the job whose output it trained on, 64 hex digits.
    pub job: String,
    /// Whether the standardized arm stayed finite and beats the constant baseline on test.
    pub passed: bool,
    /// Why it didn't pass: one lowercase sentence without a period.
    pub reason: Option<String>,
    /// What was predicted.
    pub label: Label,
    /// How it was trained.
    pub training: Training,
    /// Which rows took part.
    pub rows: Rows,
    /// Feature values that were missing and became the train mean.
    pub missing: Missing,
    /// Predicting the same for every row, the best that there is for test: its mean, or its largest
    /// class. No network that learned nothing beats it by luck.
    pub baseline: Score,
    /// `raw, full`, `raw, part` and `standardized, full`, in this order.
    pub arms: Vec<Arm>,
    /// What the features are like.
    pub why: Why,
    /// With `--diagnose`: the raw arm again, with what might help.
    pub diagnosis: Vec<Arm>,
    /// What follows from the measurements: lowercase sentences without a period.
    pub advice: Vec<String>,
}

/// What was predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// The column.
    pub column: String,
    /// What kind of prediction.
    pub task: Task,
    /// The classes in the order of the outputs; empty for a regression.
    pub classes: Vec<String>,
    /// Mean over train of a regression's label.
    pub mean: Figure,
    /// Standard deviation over train of a regression's label.
    pub scale: Figure,
    /// Whether the network was trained on (label - mean) / scale.
    pub scaled: bool,
}

/// How every arm was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Features.
    pub inputs: usize,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Outputs: 1 for a regression, else one for each class.
    pub outputs: usize,
    /// What follows a hidden layer.
    pub activation: Activation,
    /// How weights were moved.
    pub optimizer: Optimizer,
    /// The learning rate.
    pub learning_rate: f64,
    /// Rows of a minibatch.
    pub batch_size: usize,
    /// How often every row was seen.
    pub epochs: usize,
    /// Seed of weights, order and part.
    pub seed: u64,
    /// The share of train rows that `raw, part` saw.
    pub part: f64,
}

/// Which rows took part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Train rows with a label.
    pub train: u64,
    /// Test rows with a label.
    pub test: u64,
    /// Train rows left out for want of a label.
    pub train_unlabelled: u64,
    /// Test rows left out for want of a label.
    pub test_unlabelled: u64,
    /// Test rows left out since no train row has their class.
    pub test_unknown_class: u64,
}

/// Feature values that were missing among the rows that took part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// On train.
    pub train: u64,
    /// On test.
    pub test: u64,
}

/// How good predictions are on test, in the label's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// R2 for a regression, accuracy for classes.
    pub metric: Figure,
    /// Root mean squared error of a regression; `"NaN"` for classes.
    pub rmse: Figure,
}

/// One network and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// `raw, full` and so on.
    pub name: String,
    /// `raw` or `standardized`.
    pub features: Features,
    /// What follows a hidden layer.
    pub activation: Activation,
    /// The learning rate.
    pub learning_rate: f64,
    /// What became of it.
    pub outcome: Outcome,
    /// Train rows that it saw in one epoch.
    pub rows: u64,
    /// Updates of its weights.
    pub steps: u64,
    /// Where loss, gradients or weights first were NaN or infinite.
    pub first_non_finite: Option<NonFinite>,
    /// Euclidean norm of the whole first gradient.
    pub first_gradient_norm: Figure,
    /// How good it is at the end.
    pub test: Score,
    /// Losses of each epoch; those of an arm that exploded end with the epoch it did in.
    pub epochs: Vec<EpochLoss>,
    /// Train loss over windows of steps, 200 points or so, up to the explosion.
    pub curve: Vec<CurvePoint>,
    /// Units of each hidden layer, and how many of them are 0 for every row of the sample.
    pub hidden: Vec<HiddenLayer>,
}

/// Which form of the features a network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Features {
    /// z x scale + mean, rounded to float32.
    Raw,
    /// As they stand in the shards.
    Standardized,
}

/// What became of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Finite, and better than the baseline by more than two standard errors.
    Learned,
    /// Finite, and no better than the baseline, or by no more than chance.
    LearnedNothing,
    /// Finite only since all units of a hidden layer died: the same output for every row.
    Died,
    /// NaN or infinite.
    Exploded,
}

/// Where an arm first was NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonFinite {
    /// Number of the update, from 1.
    pub step: u64,
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Number of the batch in its epoch, from 1.
    pub batch: u64,
    /// What was.
    pub what: Quantity,
}

/// What can be NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// The loss of a batch.
    Loss,
    /// A gradient.
    Gradient,
    /// A weight after its update.
    Weight,
}

/// Losses of one epoch, in the units that were trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochLoss {
    /// From 1.
    pub epoch: usize,
    /// Updates until its end.
    pub steps: u64,
    /// Mean over its rows, each taken before the update that its batch led to.
    pub train: Figure,
    /// Mean over the test rows at its end.
    pub test: Figure,
}

/// One point of the curve of train loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The window's last update.
    pub step: u64,
    /// Mean loss of its batches.
    pub loss: Figure,
}

/// One hidden layer at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenLayer {
    /// Units.
    pub units: usize,
    /// Units that are 0 for every row of the sample.
    pub dead: usize,
}

/// What the features are like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Train rows of the sample.
    pub sample_rows: usize,
    /// Of the raw features.
    pub raw: Stability,
    /// Of the standardized features.
    pub standardized: Stability,
    /// The columns with the largest mean squares, three at most.
    pub harmful: Vec<HarmfulColumn>,
    /// The train value that is farthest from its column's mean, if any is off it.
    pub farthest: Option<FarthestValue>,
}

/// How large steps a linear model on these features bears.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// Largest eigenvalue of the second-moment matrix of the features, by power iteration.
    pub largest_eigenvalue: Figure,
    /// The largest learning rate at which gradient descent on a *linear* model is stable.
    pub stable_learning_rate: Figure,
}

/// One column that makes the raw features hard to train on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HarmfulColumn {
    /// Its name.
    pub column: String,
    /// Its mean square's share of those of all features, from the fitted moments.
    pub share: Figure,
    /// Its mean over train.
    pub mean: Figure,
    /// Its standard deviation over train.
    pub scale: Figure,
    /// Orders of magnitude between its smallest and largest values other than 0, in the sample.
    pub orders_of_magnitude: Figure,
}

/// A value that standardizing leaves large.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FarthestValue {
    /// Its column.
    pub column: String,
    /// The value.
    pub value: Figure,
    /// How many standard deviations it is from the mean.
    pub deviations: Figure,
    /// The largest learning rate at which a linear model is stable on a batch that holds it.
    pub stable_learning_rate: Figure,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Gradient => "gradient",
            Self::Weight => "weights",
        })
    }
}

impl Validation {
    /// What every file of this format begins with.
    pub fn format() -> (String, u32) {
        (FORMAT.to_owned(), FORMAT_VERSION)
    }

    /// The bytes of `validation.json`.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if a field has no JSON form.
    pub fn render(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| encode_error("the validation", source))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads what [`Self::render`] wrote.
    ///
    /// # Errors
    /// A message if the bytes aren't JSON of a format that this version reads.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, serde_json::Error> {
        let read: Self = serde_json::from_slice(bytes)?;
        if (read.format.as_str(), read.format_version) != (FORMAT, FORMAT_VERSION) {
            return Err(serde::de::Error::custom(format!(
                "it is \"{}\" version {}, expected \"{FORMAT}\" version {FORMAT_VERSION}",
                read.format, read.format_version
            )));
        }
        Ok(read)
    }
}
