//! `Network`: fully connected layers on candle's matrix products, in float32.
//!
//! ```text
//! input (n x p) -> [matmul, + bias, activation] per hidden layer -> matmul, + bias -> outputs (n x k)
//! ```
//!
//! Forward and backward are written out: what lies between two matrix products is one loop over a
//! buffer that is there already (`loops.rs`), where candle's graph makes a dozen tensors. A test holds
//! the gradients to those of candle's autograd. Invariant: NaN and infinity pass through every step
//! (candle's own `relu` turns NaN into 0), and initial weights follow from the seed alone. Limit:
//! the last bits of a product follow from the processor's vector width, never from threads.

mod activation;
mod loops;
mod loss;
mod optimizer;
#[cfg(test)]
mod tests;

use candle_core::{Device, Result, Tensor};

use self::loops::{AddBias, Apply, ColumnSums, Slope};
use super::random::Random;
use crate::kernel::Domain;
use crate::spec::Activation;

pub(super) use loss::{Loss, Targets};
pub(super) use optimizer::OptimizerState;

/// The layers of one network.
#[derive(Debug)]
pub(super) struct Network {
    activation: Activation,
    layers: Vec<Layer>,
}

/// Weights (inputs x outputs) and bias (1 x outputs) of one layer, or their gradients.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) weights: Tensor,
    pub(super) bias: Tensor,
}

/// What a forward pass keeps for the way back.
pub(super) struct Forward {
    /// The input of each layer, the first one's included.
    inputs: Vec<Tensor>,
    /// For each hidden layer what its activation's slope follows from.
    slopes: Vec<Tensor>,
    /// The outputs, n x k.
    pub(super) outputs: Tensor,
}

/// Keeps every matrix product on the thread that asks for it, in the whole process. candle would ask
/// for as many threads as there are cores, whatever `--threads` says; arms run side by side instead.
pub(super) fn keep_to_one_thread() {
    gemm::set_threading_threshold(usize::MAX);
}

impl Network {
    /// A network with He-uniform weights, U(-sqrt(6 / inputs), sqrt(6 / inputs)), and biases of 0.
    pub(super) fn new(
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        seed: u64,
    ) -> Result<Self> {
        let mut layers = Vec::with_capacity(hidden.len() + 1);
        let mut width = inputs;
        for (index, units) in (0..).zip(hidden.iter().copied().chain([outputs])) {
            let mut random = Random::new(seed, Domain::TRAINER_WEIGHTS, index);
            let reach = (6.0 / width.max(1) as f64).sqrt();
            let weights = (0..width * units).map(|_| narrow(random.symmetric() * reach));
            layers.push(Layer {
                weights: Tensor::from_vec(weights.collect(), (width, units), &Device::Cpu)?,
                bias: Tensor::from_vec(vec![0_f32; units], (1, units), &Device::Cpu)?,
            });
            width = units;
        }
        Ok(Self { activation, layers })
    }

    /// The layers, in order.
    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Outputs for rows of features, with what the way back needs.
    pub(super) fn forward(&self, features: Tensor) -> Result<Forward> {
        let mut inputs = vec![features];
        let mut slopes = Vec::new();
        let last = self.layers.len() - 1;
        for (index, layer) in self.layers.iter().enumerate() {
            let product = inputs[index].matmul(&layer.weights)?;
            if index == last {
                product.inplace_op2(&layer.bias, &AddBias(None))?;
                return Ok(Forward {
                    inputs,
                    slopes,
                    outputs: product,
                });
            }
            let hidden = self.activate(product, layer, &mut slopes)?;
            inputs.push(hidden);
        }
        Err(candle_core::Error::Msg("a network has no layer".to_owned()))
    }

    fn activate(&self, product: Tensor, layer: &Layer, slopes: &mut Vec<Tensor>) -> Result<Tensor> {
        if activation::slope_follows_from_output(self.activation) {
            product.inplace_op2(&layer.bias, &AddBias(Some(self.activation)))?;
            slopes.push(product.clone());
            return Ok(product);
        }
        product.inplace_op2(&layer.bias, &AddBias(None))?;
        let hidden = product.copy()?;
        hidden.inplace_op1(&Apply(self.activation))?;
        slopes.push(product);
        Ok(hidden)
    }

    /// The gradient of every layer, from the loss's gradient by the outputs.
    pub(super) fn backward(&self, forward: &Forward, by_outputs: Tensor) -> Result<Vec<Layer>> {
        let mut gradients = Vec::with_capacity(self.layers.len());
        let mut delta = by_outputs;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            gradients.push(Layer {
                weights: forward.inputs[index].t()?.matmul(&delta)?,
                bias: delta.apply_op1_no_bwd(&ColumnSums)?,
            });
            if let Some(before) = index.checked_sub(1) {
                delta = delta.matmul(&layer.weights.t()?)?;
                delta.inplace_op2(&forward.slopes[before], &Slope(self.activation))?;
            }
        }
        gradients.reverse();
        Ok(gradients)
    }

    /// For each hidden layer, which units are 0 for every row of `features`.
    pub(super) fn dead(&self, features: Tensor) -> Result<Vec<Vec<bool>>> {
        let forward = self.forward(features)?;
        forward.inputs[1..]
            .iter()
            .map(|hidden| {
                let rows = hidden.to_vec2::<f32>()?;
                let units = rows.first().map_or(0, Vec::len);
                let is_dead = |unit: usize| rows.iter().all(|row| row[unit] == 0.0);
                Ok((0..units).map(is_dead).collect())
            })
            .collect()
    }
}

/// Euclidean norm of a whole gradient, in float64.
pub(super) fn norm(gradients: &[Layer]) -> Result<f64> {
    let mut squares = 0.0;
    for tensor in gradients
        .iter()
        .flat_map(|layer| [&layer.weights, &layer.bias])
    {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        squares += values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    }
    Ok(squares.sqrt())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the one rounding to float32"
)]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}
