//! Errors of training: labels that can't be predicted, and failures of the network (exit code 3).

/// What keeps a network from being trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// No column is a feature.
    #[error("no column of the output is a feature")]
    NoFeatures,
    /// The label is missing in every train row.
    #[error("no train row has a value in column \"{column}\"")]
    NoLabels {
        /// The label.
        column: String,
    },
    /// All train labels are the same.
    #[error("column \"{column}\" has one class on train, expected at least 2")]
    OneClass {
        /// The label.
        column: String,
    },
    /// `--task binary` for more classes.
    #[error("column \"{column}\" has {classes} classes on train, --task binary takes 2")]
    NotBinary {
        /// The label.
        column: String,
        /// How many there are.
        classes: usize,
    },
    /// More classes than are trained on.
    #[error("column \"{column}\" has more than {classes_max} classes on train")]
    TooManyClasses {
        /// The label.
        column: String,
        /// How many are possible.
        classes_max: usize,
    },
    /// `--task regression` for text.
    #[error("column \"{column}\" is text, --task regression takes numbers")]
    TextRegression {
        /// The label.
        column: String,
    },
    /// A column of an output cannot be a label.
    #[error("column \"{column}\" cannot be a label: it is {found}")]
    NotALabel {
        /// Its name.
        column: String,
        /// What it is, with its article.
        found: &'static str,
    },
    /// A shard lacks a feature, or has it in another form.
    #[error("no column of numbers \"{column}\", which the scaler has")]
    NotAFeature {
        /// Its name.
        column: String,
    },
    /// A tensor operation failed.
    #[error("cannot train the network: {source}")]
    Network {
        /// Why not.
        source: candle_core::Error,
    },
}
