//! What follows from the measurements, and nothing else.

use crate::artifact::Validation;
use crate::artifact::validation::{Arm, Features, Outcome};
use crate::spec::Task;

/// Fewer orders of magnitude are nothing to speak of.
const ORDERS_MIN: f64 = 6.0;

/// Sentences in the order of their weight.
pub(super) fn advice(validation: &Validation) -> Vec<String> {
    let mut advice = Vec::new();
    let [raw, standardized] = [validation.arms.first(), validation.arms.last()];
    if let (Some(raw), Some(standardized)) = (raw, standardized)
        && standardized.outcome == Outcome::Learned
        && raw.outcome != Outcome::Learned
    {
        let became = became(raw, validation.label.task);
        let score = score(standardized, validation.label.task);
        advice.push(format!(
            "standardize: raw features {became}, standardized ones reach {score}"
        ));
    }
    let rate = validation.training.learning_rate;
    for (features, stability) in [
        ("raw", validation.why.raw),
        ("standardized", validation.why.standardized),
    ] {
        let stable = stability.stable_learning_rate.0;
        if rate > stable {
            advice.push(format!(
                "the learning rate {rate} is {} times the largest stable one of a linear model on the {features} features, {stable:.1e}",
                times(rate / stable)
            ));
        }
    }
    if let Some(far) = &validation.why.farthest
        && rate > far.stable_learning_rate.0
    {
        advice.push(format!(
            "column {:?} has the value {}, {:.0} standard deviations from its mean: a linear model is stable on a standardized batch that holds it up to a learning rate of {:.1e}",
            far.column, far.value.0, far.deviations.0, far.stable_learning_rate.0
        ));
    }
    for column in &validation.why.harmful {
        let orders = column.orders_of_magnitude.0;
        if orders >= ORDERS_MIN {
            advice.push(format!(
                "column {:?} spans {orders:.0} orders of magnitude",
                column.column
            ));
        }
    }
    advice.extend(
        validation
            .diagnosis
            .iter()
            .map(|arm| remedy(arm, validation.label.task)),
    );
    advice
}

/// What the raw arm does with a remedy.
fn remedy(arm: &Arm, task: Task) -> String {
    let form = match arm.features {
        Features::Raw => "raw",
        Features::Standardized => "standardized",
    };
    let (activation, rate) = (arm.activation, arm.learning_rate);
    format!(
        "with {activation} at learning rate {rate:.1e}, {form} features {}",
        became(arm, task)
    )
}

/// What became of an arm, as the end of a sentence.
pub(super) fn became(arm: &Arm, task: Task) -> String {
    match (arm.outcome, arm.first_non_finite) {
        (Outcome::Learned, _) => format!("reach {}", score(arm, task)),
        (Outcome::LearnedNothing, _) => format!("teach nothing ({})", score(arm, task)),
        (Outcome::Died, _) => "kill every unit of a layer".to_owned(),
        (Outcome::Exploded, Some(place)) => format!("end in NaN at step {}", place.step),
        (Outcome::Exploded, None) => "end in NaN".to_owned(),
    }
}

fn score(arm: &Arm, task: Task) -> String {
    format!("{} {}", metric_name(task), three_digits(arm.test.metric.0))
}

/// What the metric is called.
pub(super) fn metric_name(task: Task) -> &'static str {
    match task {
        Task::Regression => "R2",
        Task::Binary | Task::Multiclass => "accuracy",
    }
}

/// A metric with three decimals, or what it is instead of a number.
pub(super) fn three_digits(value: f64) -> String {
    if value.abs() < 1e6 {
        format!("{value:.3}")
    } else {
        format!("{value:.1e}")
    }
}

fn times(factor: f64) -> String {
    if factor < 1e4 {
        format!("{factor:.1}")
    } else {
        format!("{factor:.1e}")
    }
}
