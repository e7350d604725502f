//! The validation as a person reads it: the arms side by side, why, and what to do.

use super::layout::{Lines, counted, printable};
use super::{Paint, count};
use crate::artifact::validation::{Arm, Features, Outcome, Stability, Validation};
use crate::spec::Task;

/// What came of a validation, two dozen lines or so.
pub fn validation_text(validation: &Validation, paint: Paint) -> String {
    let mut lines = Lines::new(paint);
    lines.line("Label", &label(validation));
    lines.line("Network", &network(validation));
    lines.line("Rows", &rows(validation));
    lines.table("Arms", &arms(validation, &validation.arms));
    for arm in &validation.arms {
        let text = format!("{}: {}", arm.name, became(arm));
        let text = match arm.outcome {
            Outcome::Learned => text,
            _ => paint.warn(&text),
        };
        lines.line("", &text);
    }
    why(validation, &mut lines);
    if !validation.diagnosis.is_empty() {
        lines.table("Diagnose", &arms(validation, &validation.diagnosis));
    }
    for (index, advice) in validation.advice.iter().enumerate() {
        lines.line(if index == 0 { "Advice" } else { "" }, &printable(advice));
    }
    let verdict = match &validation.reason {
        None => "passed".to_owned(),
        Some(reason) => paint.alarm(&format!("failed: {}", printable(reason))),
    };
    lines.line("Verdict", &verdict);
    lines.finish()
}

fn label(validation: &Validation) -> String {
    let label = &validation.label;
    let kind = match label.task {
        Task::Regression if label.scaled => format!(
            "regression, standardized with mean {} and sd {} of train",
            figure(label.mean.0),
            figure(label.scale.0)
        ),
        Task::Regression => "regression, as it is".to_owned(),
        task => format!("{task}, {}", counted_classes(label.classes.len() as u64)),
    };
    format!("{}: {kind}", printable(&label.column))
}

fn counted_classes(classes: u64) -> String {
    format!("{} classes", count(classes))
}

fn network(validation: &Validation) -> String {
    let training = &validation.training;
    let layers: Vec<String> = [training.inputs]
        .iter()
        .chain(&training.hidden)
        .chain([&training.outputs])
        .map(ToString::to_string)
        .collect();
    let optimizer = match training.optimizer {
        crate::spec::Optimizer::Sgd => "sgd",
        crate::spec::Optimizer::Adam => "adam",
    };
    format!(
        "{} {}, {optimizer} at {}, batches of {}, {}, seed {}",
        layers.join("-"),
        training.activation,
        training.learning_rate,
        count(training.batch_size as u64),
        counted(training.epochs as u64, "epoch"),
        training.seed,
    )
}

fn rows(validation: &Validation) -> String {
    let rows = &validation.rows;
    let mut text = format!("{} train, {} test", count(rows.train), count(rows.test));
    let notes = [
        (
            rows.train_unlabelled + rows.test_unlabelled,
            "without a label left out",
        ),
        (
            rows.test_unknown_class,
            "of a class that train lacks left out",
        ),
        (
            validation.missing.train + validation.missing.test,
            "missing features became the train mean",
        ),
    ];
    for (number, note) in notes.iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!("; {} {note}", count(*number)));
    }
    text
}

fn arms(validation: &Validation, arms: &[Arm]) -> Vec<Vec<String>> {
    let metric = match validation.label.task {
        Task::Regression => "test R2",
        Task::Binary | Task::Multiclass => "test accuracy",
    };
    let heading = [
        "",
        "rate",
        "steps",
        "first gradient",
        "train loss",
        "test loss",
        metric,
    ];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    table.extend(arms.iter().map(arm_row));
    let mut row = vec![String::new(); heading.len()];
    "best constant".clone_into(&mut row[0]);
    row[heading.len() - 1] = metric_text(validation.baseline.metric.0);
    table.push(row);
    table
}

fn arm_row(arm: &Arm) -> Vec<String> {
    let losses = arm.epochs.last().map_or_else(
        || ["-"; 2].map(str::to_owned),
        |epoch| [epoch.train, epoch.test].map(|loss| figure(loss.0)),
    );
    let [train, test] = losses;
    vec![
        arm.name.clone(),
        figure(arm.learning_rate),
        count(arm.steps),
        figure(arm.first_gradient_norm.0),
        train,
        test,
        metric_text(arm.test.metric.0),
    ]
}

fn became(arm: &Arm) -> String {
    let dead: usize = arm.hidden.iter().map(|layer| layer.dead).sum();
    let units: usize = arm.hidden.iter().map(|layer| layer.units).sum();
    let dead = match dead {
        0 => String::new(),
        _ => format!(", {dead} of {units} hidden units dead"),
    };
    match (arm.outcome, arm.first_non_finite) {
        (Outcome::Exploded, Some(place)) => format!(
            "exploded at step {} (epoch {}, batch {}): {} NaN or infinite",
            count(place.step),
            place.epoch,
            count(place.batch),
            place.what,
        ),
        (Outcome::Exploded, None) => "exploded".to_owned(),
        (Outcome::Learned, _) => format!("learned{dead}"),
        (Outcome::LearnedNothing, _) => format!("finite, but learned nothing{dead}"),
        (Outcome::Died, _) => format!("finite, but learned nothing: its units died{dead}"),
    }
}

fn why(validation: &Validation, lines: &mut Lines) {
    let why = &validation.why;
    let stability = |features: Features, stability: Stability| {
        let features = match features {
            Features::Raw => "raw",
            Features::Standardized => "standardized",
        };
        format!(
            "{features}: largest eigenvalue {}; a linear model is stable up to a rate of {}",
            figure(stability.largest_eigenvalue.0),
            figure(stability.stable_learning_rate.0)
        )
    };
    lines.line("Why", &stability(Features::Raw, why.raw));
    lines.line("", &stability(Features::Standardized, why.standardized));
    let mut table = vec![
        ["", "share of squares", "mean", "sd"]
            .map(str::to_owned)
            .to_vec(),
    ];
    table.extend(why.harmful.iter().map(|column| {
        vec![
            printable(&column.column),
            super::percent(column.share.0),
            figure(column.mean.0),
            figure(column.scale.0),
        ]
    }));
    lines.table("", &table);
}

/// Four digits, or "NaN", or "inf".
fn figure(value: f64) -> String {
    let magnitude = value.abs();
    match () {
        () if !value.is_finite() => value.to_string(),
        () if magnitude >= 1e5 || (magnitude < 1e-3 && magnitude > 0.0) => format!("{value:.2e}"),
        () => {
            let text = format!("{value:.4}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

fn metric_text(value: f64) -> String {
    if value.abs() < 1e5 || value.is_nan() {
        format!("{value:.4}")
    } else {
        figure(value)
    }
}
