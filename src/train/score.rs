//! `Tally`: predictions on test against the truth, in the label's own unit, and against a constant.
//!
//! ```text
//! d = what the constant loses on a row - what the network loses on it       squared error, or 0 and 1
//! learned: sum d > 2 sqrt(sum d^2 - (sum d)^2 / n)
//! ```
//!
//! Invariant: the constant is the best that there is for test, and chance has to be beaten too, by two
//! standard errors; so a network that learned nothing isn't said to have learned for one row more.

use super::data::{Labels, Target};
use super::network::{Loss, Targets};
use crate::artifact::Figure;
use crate::artifact::validation::{HiddenLayer, Outcome, Score};
use crate::spec::Task;

/// How far the sum of differences must be from 0, in its standard errors.
const STANDARD_ERRORS: f64 = 2.0;

/// What has been predicted so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: u64,
    loss: f64,
    right: u64,
    squared_error: f64,
    gain: f64,
    gain_squares: f64,
}

impl Tally {
    /// Adds outputs for rows with these targets.
    pub(super) fn add(&mut self, outputs: &[f32], targets: Targets<'_>, labels: &Labels) {
        self.loss += Loss::of(outputs, targets).sum;
        match (targets, labels.constant) {
            (Targets::Numbers(numbers), Target::Number(constant)) => {
                let (mean, scale) = labels.unit();
                let constant = (constant - mean) / scale;
                for (output, number) in outputs.iter().zip(numbers) {
                    let squared = |given: f64| ((given - f64::from(*number)) * scale).powi(2);
                    let error = squared(f64::from(*output));
                    self.squared_error += error;
                    self.gained(squared(constant) - error);
                }
            }
            (Targets::Classes(classes), Target::Class(constant)) => {
                let width = outputs.len() / classes.len().max(1);
                for (row, class) in outputs.chunks_exact(width.max(1)).zip(classes) {
                    let right = u32::from(largest(row) == Some(*class as usize));
                    self.right += u64::from(right);
                    self.gained(f64::from(right) - f64::from(u32::from(*class == constant)));
                }
            }
            // The constant is of the targets' kind: one task made both.
            _ => {}
        }
    }

    /// One row, and how much better than the constant the network was on it.
    fn gained(&mut self, gain: f64) {
        self.rows += 1;
        self.gain += gain;
        self.gain_squares += gain * gain;
    }

    /// Mean loss.
    pub(super) fn loss(&self) -> f64 {
        self.loss / self.rows as f64
    }

    /// Whether the predictions are better than the constant, and not by chance.
    pub(super) fn beats_constant(&self) -> bool {
        let spread = self.gain_squares - self.gain * self.gain / self.rows as f64;
        self.gain > STANDARD_ERRORS * spread.max(0.0).sqrt()
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
/// for all rows, so it has learned nothing.
pub(super) fn outcome(exploded: bool, tally: &Tally, hidden: &[HiddenLayer]) -> Outcome {
    let died = hidden.iter().any(|layer| layer.dead == layer.units);
    match () {
        () if exploded => Outcome::Exploded,
        () if died => Outcome::Died,
        () if tally.beats_constant() => Outcome::Learned,
        () => Outcome::LearnedNothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_is_beaten_by_more_than_chance_or_not_at_all() {
        let tally = |better: u32, worse: u32, same: u32| {
            let mut tally = Tally::default();
            let parts = [(better, 1.0), (worse, -1.0), (same, 0.0)];
            for (rows, gain) in parts {
                (0..rows).for_each(|_| tally.gained(gain));
            }
            tally
        };
        let cases = [
            ((1, 0, 122), false),
            ((5, 0, 100), true),
            ((20, 19, 0), false),
            ((300, 200, 500), true),
            ((0, 10, 10), false),
            ((0, 0, 0), false),
        ];
        for ((better, worse, same), expected) in cases {
            let beaten = tally(better, worse, same).beats_constant();
            assert_eq!(
                beaten, expected,
                "{better} better, {worse} worse, {same} the same"
            );
        }
        let mut exploded = Tally::default();
        exploded.gained(f64::NAN);
        assert!(!exploded.beats_constant());
    }

    #[test]
    fn a_network_whose_layer_died_has_learned_nothing_whatever_its_score() {
        let mut lucky = Tally::default();
        (0..100).for_each(|_| lucky.gained(1.0));
        let layers = |dead: [usize; 2]| dead.map(|dead| HiddenLayer { units: 3, dead });
        assert_eq!(outcome(false, &lucky, &layers([2, 1])), Outcome::Learned);
        assert_eq!(outcome(false, &lucky, &layers([0, 3])), Outcome::Died);
        assert_eq!(outcome(true, &lucky, &layers([0, 3])), Outcome::Exploded);
        let none = Tally::default();
        assert_eq!(
            outcome(false, &none, &layers([0, 0])),
            Outcome::LearnedNothing
        );
    }

    #[test]
    fn the_first_of_the_largest_outputs_is_the_prediction_and_nan_predicts_nothing() {
        assert_eq!(largest(&[1.0, 3.0, 3.0]), Some(1));
        assert_eq!(largest(&[f32::NEG_INFINITY, -1.0]), Some(1));
        assert_eq!(largest(&[1.0, f32::NAN]), None);
    }
}
