//! `Tally`: predictions on test against the truth, in the label's own unit.

use super::data::Labels;
use super::network::{Loss, Targets};
use crate::artifact::Figure;
use crate::artifact::validation::{HiddenLayer, Outcome, Score};
use crate::spec::Task;

/// What has been predicted so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: u64,
    loss: f64,
    right: u64,
    squared_error: f64,
}

impl Tally {
    /// Adds outputs; `unit` is the mean and scale of a regression's label.
    pub(super) fn add(&mut self, outputs: &[f32], targets: Targets<'_>, unit: (f64, f64)) {
        self.loss += Loss::of(outputs, targets).sum;
        match targets {
            Targets::Numbers(numbers) => {
                self.rows += numbers.len() as u64;
                for (output, number) in outputs.iter().zip(numbers) {
                    let error = (f64::from(*output) - f64::from(*number)) * unit.1;
                    self.squared_error += error * error;
                }
            }
            Targets::Classes(classes) => {
                self.rows += classes.len() as u64;
                let width = outputs.len() / classes.len().max(1);
                for (row, class) in outputs.chunks_exact(width.max(1)).zip(classes) {
                    self.right += u64::from(largest(row) == Some(*class as usize));
                }
            }
        }
    }

    /// Mean loss.
    pub(super) fn loss(&self) -> f64 {
        self.loss / self.rows as f64
    }

    /// How good the predictions are; NaN for a network that exploded.
    pub(super) fn score(&self, labels: &Labels, exploded: bool) -> Score {
        let rows = self.rows as f64;
        let (metric, rmse) = match labels.task {
            _ if exploded => (f64::NAN, f64::NAN),
            Task::Regression => (
                1.0 - self.squared_error / labels.test_spread,
                (self.squared_error / rows).sqrt(),
            ),
            Task::Binary | Task::Multiclass => (self.right as f64 / rows, f64::NAN),
        };
        Score {
            metric: Figure(metric),
            rmse: Figure(rmse),
        }
    }
}

/// The index of the largest output, the first of several; none if one is NaN.
fn largest(row: &[f32]) -> Option<usize> {
    if row.iter().any(|output| output.is_nan()) {
        return None;
    }
    let mut best = 0;
    for (index, output) in row.iter().enumerate() {
        if *output > row[best] {
            best = index;
        }
    }
    Some(best)
}

/// What became of an arm. One whose every unit of some hidden layer is dead gives the same output
/// for all rows.
pub(super) fn outcome(
    exploded: bool,
    test: Score,
    baseline: Score,
    hidden: &[HiddenLayer],
) -> Outcome {
    let died = hidden.iter().any(|layer| layer.dead == layer.units);
    match () {
        () if exploded => Outcome::Exploded,
        () if test.metric.0 > baseline.metric.0 => Outcome::Learned,
        () if died => Outcome::Died,
        () => Outcome::LearnedNothing,
    }
}
