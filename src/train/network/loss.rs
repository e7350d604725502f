//! Losses: their value and their gradient by the outputs, in one go.

use candle_core::{Device, Result, Tensor};

use super::narrow;

/// What the outputs of a batch should be.
#[derive(Debug, Clone, Copy)]
pub(in crate::train) enum Targets<'a> {
    /// One number a row; mean squared error.
    Numbers(&'a [f32]),
    /// One class a row; mean cross-entropy of the outputs' softmax.
    Classes(&'a [u32]),
}

/// The loss of a batch.
pub(in crate::train) struct Loss {
    /// Its sum over the rows, in float64.
    pub(in crate::train) sum: f64,
    /// The gradient of its *mean* by the outputs.
    pub(in crate::train) by_outputs: Vec<f32>,
}

impl Loss {
    /// Of outputs in row-major order, one row for each target.
    pub(in crate::train) fn of(outputs: &[f32], targets: Targets<'_>) -> Self {
        match targets {
            Targets::Numbers(targets) => squared(outputs, targets),
            Targets::Classes(classes) => cross_entropy(outputs, classes),
        }
    }

    /// The gradient as a tensor, rows x outputs.
    pub(in crate::train) fn gradient(self, rows: usize) -> Result<Tensor> {
        let columns = self.by_outputs.len() / rows.max(1);
        Tensor::from_vec(self.by_outputs, (rows, columns), &Device::Cpu)
    }
}

fn squared(outputs: &[f32], targets: &[f32]) -> Loss {
    let mut sum = 0.0;
    let per_row = 2.0 / targets.len() as f64;
    let pairs = outputs.iter().zip(targets);
    let by_outputs = pairs
        .map(|(output, target)| {
            let error = f64::from(*output) - f64::from(*target);
            sum += error * error;
            narrow(error * per_row)
        })
        .collect();
    Loss { sum, by_outputs }
}

fn cross_entropy(outputs: &[f32], classes: &[u32]) -> Loss {
    let width = outputs.len() / classes.len().max(1);
    let mut sum = 0.0;
    let mut by_outputs = Vec::with_capacity(outputs.len());
    let per_row = 1.0 / classes.len() as f64;
    for (row, class) in outputs.chunks_exact(width.max(1)).zip(classes) {
        // Against the largest output, so that no exponential overflows; NaN gets into the total.
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let shifted = |output: &f32| f64::from(*output) - f64::from(largest);
        let total: f64 = row.iter().map(|output| shifted(output).exp()).sum();
        for (index, output) in (0..).zip(row) {
            let share = shifted(output).exp() / total;
            let wanted = if index == *class { 1.0 } else { 0.0 };
            by_outputs.push(narrow((share - wanted) * per_row));
            if index == *class {
                sum += total.ln() - shifted(output);
            }
        }
    }
    Loss { sum, by_outputs }
}
