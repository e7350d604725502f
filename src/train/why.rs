//! The why: how large steps the features allow, and which of them are to blame.
//!
//! ```text
//! w <- X^T (X v) / n,  v <- w / |w|,  lambda = |w|        power iteration; no p x p matrix
//! ```
//!
//! Gradient descent on a *linear* model is stable up to 2 / (largest eigenvalue of the loss's second
//! derivative). That is 2 E[x x^T] for the mean squared error, at most E[x x^T] / 2 for the
//! cross-entropy of a softmax: rates of 1 / lambda and 4 / lambda. A network has other curvature; it
//! is the right order of magnitude and no more. Limits: a sample of [`SAMPLE_ROWS_MAX`] rows or
//! 16 MiB; 300 rounds, which the gap between the first two eigenvalues can make too few, so the
//! eigenvalue is a lower bound.

use super::data::{DataSet, Slab};
use super::random::Random;
use crate::artifact::Figure;
use crate::artifact::validation::{FarthestValue, Features, HarmfulColumn, Stability, Why};
use crate::kernel::{Domain, Moments};
use crate::spec::{Task, TrainingSpec};

const SAMPLE_ROWS_MAX: usize = 4_096;
const SAMPLE_BYTES_MAX: usize = 16 << 20;
const ROUNDS_MAX: usize = 300;
/// The eigenvalue has settled when a round changes it by less than this share.
const SETTLED: f64 = 1e-9;
const HARMFUL_MAX: usize = 3;

/// Some train rows in both forms, row after row.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) raw: Vec<f32>,
    pub(super) standardized: Vec<f32>,
}

impl Sample {
    /// The first rows of a shuffled slab.
    pub(super) fn of(slab: &Slab) -> Self {
        let features = slab.block.features;
        let fitting = SAMPLE_BYTES_MAX / (4 * features.max(1));
        let rows = slab.order.iter().take(fitting.clamp(1, SAMPLE_ROWS_MAX));
        let mut sample = Self::default();
        for row in rows {
            let cells = row * features..(row + 1) * features;
            sample.raw.extend_from_slice(&slab.block.raw[cells.clone()]);
            let standardized = &slab.block.standardized[cells];
            sample.standardized.extend_from_slice(standardized);
        }
        sample
    }

    /// Its rows in one of both forms.
    pub(super) fn of_form(&self, form: Features) -> &[f32] {
        match form {
            Features::Raw => &self.raw,
            Features::Standardized => &self.standardized,
        }
    }
}

/// What is found out about the features of a sample.
pub(super) fn why(data: &DataSet, sample: &Sample, task: Task, training: &TrainingSpec) -> Why {
    let features = data.features();
    let numerator = if task == Task::Regression { 1.0 } else { 4.0 };
    let stability = |values: &[f32]| {
        let eigenvalue = largest_eigenvalue(values, features, training.seed);
        Stability {
            largest_eigenvalue: Figure(eigenvalue),
            stable_learning_rate: Figure(numerator / eigenvalue),
        }
    };
    Why {
        sample_rows: sample.raw.len() / features.max(1),
        raw: stability(&sample.raw),
        standardized: stability(&sample.standardized),
        harmful: harmful(data, &sample.raw),
        farthest: farthest(data, numerator * training.batch_size as f64),
    }
}

/// The largest eigenvalue of X^T X / n for the rows of X.
fn largest_eigenvalue(values: &[f32], features: usize, seed: u64) -> f64 {
    let rows = values.len() / features.max(1);
    let mut random = Random::new(seed, Domain::TRAINER_WEIGHTS, u64::MAX);
    let mut direction: Vec<f64> = (0..features).map(|_| random.symmetric()).collect();
    let mut eigenvalue = 0.0;
    for _ in 0..ROUNDS_MAX {
        let length = dot(&direction, &direction).sqrt();
        direction.iter_mut().for_each(|cell| *cell /= length);
        let mut next = vec![0.0; features];
        for row in values.chunks_exact(features.max(1)) {
            let along: f64 = row
                .iter()
                .zip(&direction)
                .map(|(x, v)| f64::from(*x) * v)
                .sum();
            let along = along / rows as f64;
            next.iter_mut()
                .zip(row)
                .for_each(|(cell, x)| *cell += along * f64::from(*x));
        }
        let before = std::mem::replace(&mut eigenvalue, dot(&next, &next).sqrt());
        direction = next;
        let change = (eigenvalue - before).abs();
        if change.is_nan() || change <= SETTLED * eigenvalue {
            break;
        }
    }
    eigenvalue
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The columns with the largest mean squares.
fn harmful(data: &DataSet, raw: &[f32]) -> Vec<HarmfulColumn> {
    let columns = data.scaler.columns();
    let moments = data.scaler.scaler().moments();
    // In units of the largest, so that no square overflows.
    let magnitudes = moments
        .iter()
        .map(|moments| moments.mean().abs().max(moments.sd()));
    let unit = magnitudes.fold(f64::MIN_POSITIVE, f64::max);
    let mean_square =
        |moments: &Moments| (moments.mean() / unit).powi(2) + (moments.sd() / unit).powi(2);
    let total: f64 = moments.iter().map(mean_square).sum();
    let mut ranked: Vec<usize> = (0..columns.len()).collect();
    ranked.sort_by(|a, b| mean_square(&moments[*b]).total_cmp(&mean_square(&moments[*a])));
    ranked.truncate(HARMFUL_MAX);
    ranked
        .into_iter()
        .map(|index| HarmfulColumn {
            column: columns[index].name.clone(),
            share: Figure(mean_square(&moments[index]) / total),
            mean: Figure(moments[index].mean()),
            scale: Figure(moments[index].sd()),
            orders_of_magnitude: Figure(orders(raw, index, columns.len())),
        })
        .collect()
}

/// The value that standardizing leaves largest. Alone in a batch of n rows, z gives an eigenvalue of
/// z^2 / n at least: a rate of `numerator` / z^2.
fn farthest(data: &DataSet, numerator: f64) -> Option<FarthestValue> {
    let columns = data.scaler.columns().iter();
    let moments = data.scaler.scaler().moments();
    let ends = columns.zip(moments).flat_map(|(column, moments)| {
        let ends = [moments.min(), moments.max()].into_iter().flatten();
        let deviations = |value: f64| (value - moments.mean()).abs() / moments.scale();
        ends.map(move |value| (column, value, deviations(value)))
    });
    let (column, value, deviations) = ends.max_by(|a, b| a.2.total_cmp(&b.2))?;
    (deviations > 0.0).then(|| FarthestValue {
        column: column.name.clone(),
        value: Figure(value),
        deviations: Figure(deviations),
        stable_learning_rate: Figure(numerator / deviations.powi(2)),
    })
}

/// Decimal orders between the smallest and largest magnitude other than 0.
fn orders(raw: &[f32], column: usize, features: usize) -> f64 {
    let values = raw.iter().skip(column).step_by(features.max(1));
    let magnitudes = values.map(|x| f64::from(x.abs())).filter(|x| *x > 0.0);
    let (low, high) = magnitudes.fold((f64::INFINITY, 0.0_f64), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    if high > 0.0 {
        (high / low).log10()
    } else {
        0.0
    }
}
