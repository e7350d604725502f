//! The proof: a small network trained on the raw and on the standardized features of an output.
//!
//! Three arms with the same initial weights, learning rate and rows, so that only the features differ:
//! `raw, full` (z x scale + mean), `raw, part` (a share of the rows, so fewer updates) and
//! `standardized, full`. They run side by side over one stream of slabs. An arm that explodes is a
//! result. Invariants: memory is that of a slab, a few pieces and the networks, whatever the data;
//! the result follows from data and settings, not from threads (each arm's arithmetic is one thread's,
//! in one order). Limit: between processors with other vector units float32 products differ in their
//! last bits.

mod advice;
mod arm;
mod curve;
mod data;
mod limits;
mod network;
mod random;
mod score;
mod stage;
mod why;

use crate::artifact::Validation;
use crate::artifact::validation::{Arm, Features, Outcome, Training};
use crate::engine::{Cancel, Observer};
use crate::error::{Result, TrainError};
use crate::spec::{Activation, ValidateSpec};

use arm::ArmPlan;
use data::{DataSet, Labels, Pieces};
use limits::Shape;
pub use limits::memory_floor;
use stage::{Played, Stage};
use why::why;

/// Trains the arms on a published output and says what came of it.
///
/// Memory: at most 64 MiB of rows for the shuffle buffer, 16 MiB for each piece that is read ahead
/// (three a reader, four readers at most), and the networks.
///
/// # Errors
/// When `spec.data` is no output, its label can't be predicted, a shard can't be read, or the budget
/// is below what it takes. Networks that explode, or learn nothing, are a result.
pub fn validate(
    spec: &ValidateSpec,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Validation> {
    let data = DataSet::open(&spec.data, spec.resources)?;
    let scale_label = spec.training.scale_label;
    let labels = Labels::scan(&data, &spec.label, spec.task, scale_label, cancel)?;
    if data.features() == 0 {
        return Err(TrainError::NoFeatures.into());
    }
    let shape = Shape {
        features: data.features(),
        outputs: labels.outputs(),
        rows: labels.rows.train,
        training: &spec.training,
    };
    let readers = limits::readers(shape, spec.resources)?;
    let stage = Stage {
        pieces: Pieces {
            data: &data,
            labels: &labels,
            seed: spec.training.seed,
            part: spec.training.part,
            readers,
            cancel,
        },
        threads: spec.resources.threads,
        training: &spec.training,
        observer,
    };
    let played = stage.play(arms(spec))?;
    let why = why(&data, &played.sample, labels.task, &spec.training);
    let diagnosis = if spec.diagnose {
        stage
            .play(remedies(spec, why.raw.stable_learning_rate.0))?
            .arms
    } else {
        Vec::new()
    };
    Ok(conclude(spec, &data, &labels, played, why, diagnosis))
}

fn arms(spec: &ValidateSpec) -> Vec<ArmPlan> {
    let arm = |name: &str, features, only_part| ArmPlan {
        name: name.to_owned(),
        features,
        only_part,
        activation: spec.training.activation,
        learning_rate: spec.training.learning_rate(),
    };
    vec![
        arm("raw, full", Features::Raw, false),
        arm("raw, part", Features::Raw, true),
        arm("standardized, full", Features::Standardized, false),
    ]
}

/// The raw arm at the stable rate, and with the other activations.
fn remedies(spec: &ValidateSpec, stable: f64) -> Vec<ArmPlan> {
    let used = spec.training.activation;
    let raw = |name: String, activation, learning_rate| ArmPlan {
        name,
        features: Features::Raw,
        only_part: false,
        activation,
        learning_rate,
    };
    let mut plans = Vec::new();
    if stable > 0.0 && stable.is_finite() {
        plans.push(raw("raw, stable rate".to_owned(), used, stable));
    }
    let others = [
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Tanh,
    ];
    for other in others.into_iter().filter(|other| *other != used) {
        let rate = spec.training.learning_rate();
        plans.push(raw(format!("raw, {other}"), other, rate));
    }
    plans
}

fn conclude(
    spec: &ValidateSpec,
    data: &DataSet,
    labels: &Labels,
    played: Played,
    why: crate::artifact::validation::Why,
    diagnosis: Vec<Arm>,
) -> Validation {
    let (format, format_version) = Validation::format();
    let training = &spec.training;
    let mut validation = Validation {
        format,
        format_version,
        prep_version: crate::VERSION.to_owned(),
        job: data.manifest.job.clone(),
        passed: false,
        reason: None,
        label: labels.record(),
        training: Training {
            inputs: data.features(),
            hidden: training.hidden.clone(),
            outputs: labels.outputs(),
            activation: training.activation,
            optimizer: training.optimizer,
            learning_rate: training.learning_rate(),
            batch_size: training.batch_size,
            epochs: training.epochs,
            seed: training.seed,
            part: training.part.to_f64(),
        },
        rows: labels.rows,
        missing: played.missing,
        baseline: labels.baseline,
        arms: played.arms,
        why,
        diagnosis,
        advice: Vec::new(),
    };
    validation.reason = reason(&validation);
    validation.passed = validation.reason.is_none();
    validation.advice = advice::advice(&validation);
    validation
}

/// Why the standardized arm doesn't pass.
fn reason(validation: &Validation) -> Option<String> {
    let arm = validation.arms.last()?;
    let figures = format!(
        "{} {} against {} of the best constant",
        advice::metric_name(validation.label.task),
        advice::three_digits(arm.test.metric.0),
        advice::three_digits(validation.baseline.metric.0),
    );
    match arm.outcome {
        _ if validation.rows.test == 0 => Some("no test row has a label to measure by".to_owned()),
        Outcome::Learned => None,
        Outcome::Exploded => {
            let step = arm.first_non_finite.map_or(0, |place| place.step);
            Some(format!(
                "\"{}\" is no longer finite at step {step}",
                arm.name
            ))
        }
        Outcome::Died => Some(format!(
            "every unit of a layer of \"{}\" died: {figures}",
            arm.name
        )),
        Outcome::LearnedNothing => Some(format!(
            "\"{}\" has learned nothing beyond chance: {figures}",
            arm.name
        )),
    }
}
