//! Optimizers: one loop over each tensor, which also sees whether anything stopped being finite.
//!
//! ```text
//! sgd    w -= lr g
//! adam   m += (1 - b1) (g - m);  v += (1 - b2) (g^2 - v);
//!        w -= lr sqrt(1 - b2^t) / (1 - b1^t)  m / (sqrt(v) + eps)          as in Keras
//! ```

use std::cell::Cell;

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor};

use super::loops::{values, values_mut};
use super::{Layer, Network, narrow};
use crate::spec::Optimizer;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f32 = 1e-7;
/// All bits but the sign; as an integer at least [`INFINITE`] for infinities and NaN.
const MAGNITUDE: u32 = 0x7fff_ffff;
const INFINITE: u32 = 0x7f80_0000;

/// Whether all gradients, and all weights after the update, were finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::train) struct Finite {
    pub(in crate::train) gradients: bool,
    pub(in crate::train) weights: bool,
}

/// What an optimizer remembers.
#[derive(Debug)]
pub(in crate::train) struct OptimizerState {
    optimizer: Optimizer,
    learning_rate: f64,
    steps: i32,
    /// For Adam, first and second moments of each layer's weights and bias.
    moments: Vec<[Layer; 2]>,
}

/// One update of one tensor.
#[derive(Debug)]
pub(in crate::train) struct Step {
    rate: f32,
    largest_gradient: Cell<u32>,
    largest_weight: Cell<u32>,
}

impl OptimizerState {
    pub(in crate::train) fn new(
        optimizer: Optimizer,
        learning_rate: f64,
        network: &Network,
    ) -> Result<Self> {
        let zeros = |layer: &Layer| -> Result<Layer> {
            Ok(Layer {
                weights: layer.weights.zeros_like()?,
                bias: layer.bias.zeros_like()?,
            })
        };
        let moments = match optimizer {
            Optimizer::Sgd => Vec::new(),
            Optimizer::Adam => (network.layers().iter())
                .map(|layer| Ok([zeros(layer)?, zeros(layer)?]))
                .collect::<Result<_>>()?,
        };
        Ok(Self {
            optimizer,
            learning_rate,
            steps: 0,
            moments,
        })
    }

    /// Moves every weight.
    pub(in crate::train) fn update(
        &mut self,
        network: &Network,
        gradients: &[Layer],
    ) -> Result<Finite> {
        self.steps = self.steps.saturating_add(1);
        let step = Step::new(self.rate());
        for (index, (layer, gradient)) in network.layers().iter().zip(gradients).enumerate() {
            let moments = self.moments.get(index);
            let [weights, bias] = [
                moments.map(|[m, v]| [&m.weights, &v.weights]),
                moments.map(|[m, v]| [&m.bias, &v.bias]),
            ];
            step.apply(&layer.weights, &gradient.weights, weights)?;
            step.apply(&layer.bias, &gradient.bias, bias)?;
        }
        Ok(step.finite())
    }

    fn rate(&self) -> f64 {
        match self.optimizer {
            Optimizer::Sgd => self.learning_rate,
            Optimizer::Adam => {
                let unbias =
                    (1.0 - BETA_2.powi(self.steps)).sqrt() / (1.0 - BETA_1.powi(self.steps));
                self.learning_rate * unbias
            }
        }
    }
}

impl Step {
    fn new(rate: f64) -> Self {
        Self {
            rate: narrow(rate),
            largest_gradient: Cell::new(0),
            largest_weight: Cell::new(0),
        }
    }

    fn apply(
        &self,
        weights: &Tensor,
        gradient: &Tensor,
        moments: Option<[&Tensor; 2]>,
    ) -> Result<()> {
        let Some([first, second]) = moments else {
            return weights.inplace_op2(gradient, &Descend(self));
        };
        first.inplace_op2(gradient, &Follow(self))?;
        second.inplace_op2(gradient, &FollowSquares)?;
        weights.inplace_op3(first, second, &Adapt(self))
    }

    fn finite(&self) -> Finite {
        Finite {
            gradients: self.largest_gradient.get() < INFINITE,
            weights: self.largest_weight.get() < INFINITE,
        }
    }
}

/// Keeps the largest magnitude, infinities and NaN above all numbers.
fn keep_largest(cell: &Cell<u32>, values: &[f32]) {
    let largest = values.iter().map(|value| value.to_bits() & MAGNITUDE);
    cell.set(largest.fold(cell.get(), u32::max));
}

struct Descend<'a>(&'a Step);

impl InplaceOp2 for Descend<'_> {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn cpu_fwd(&self, w: &mut CpuStorage, l1: &Layout, g: &CpuStorage, l2: &Layout) -> Result<()> {
        let (weights, gradient) = (values_mut(w, l1)?, values(g, l2)?);
        keep_largest(&self.0.largest_gradient, gradient);
        for (weight, gradient) in weights.iter_mut().zip(gradient) {
            *weight -= self.0.rate * gradient;
        }
        keep_largest(&self.0.largest_weight, weights);
        Ok(())
    }
}

struct Follow<'a>(&'a Step);

impl InplaceOp2 for Follow<'_> {
    fn name(&self) -> &'static str {
        "adam-first-moment"
    }

    fn cpu_fwd(&self, m: &mut CpuStorage, l1: &Layout, g: &CpuStorage, l2: &Layout) -> Result<()> {
        let (moments, gradient) = (values_mut(m, l1)?, values(g, l2)?);
        keep_largest(&self.0.largest_gradient, gradient);
        let weight = narrow(1.0 - BETA_1);
        for (moment, gradient) in moments.iter_mut().zip(gradient) {
            *moment += weight * (gradient - *moment);
        }
        Ok(())
    }
}

struct FollowSquares;

impl InplaceOp2 for FollowSquares {
    fn name(&self) -> &'static str {
        "adam-second-moment"
    }

    fn cpu_fwd(&self, v: &mut CpuStorage, l1: &Layout, g: &CpuStorage, l2: &Layout) -> Result<()> {
        let (moments, gradient) = (values_mut(v, l1)?, values(g, l2)?);
        let weight = narrow(1.0 - BETA_2);
        for (moment, gradient) in moments.iter_mut().zip(gradient) {
            *moment += weight * (gradient * gradient - *moment);
        }
        Ok(())
    }
}

struct Adapt<'a>(&'a Step);

impl InplaceOp3 for Adapt<'_> {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn cpu_fwd(
        &self,
        w: &mut CpuStorage,
        l1: &Layout,
        m: &CpuStorage,
        l2: &Layout,
        v: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let weights = values_mut(w, l1)?;
        let moments = values(m, l2)?.iter().zip(values(v, l3)?);
        for (weight, (first, second)) in weights.iter_mut().zip(moments) {
            *weight -= self.0.rate * first / (second.sqrt() + EPSILON);
        }
        keep_largest(&self.0.largest_weight, weights);
        Ok(())
    }
}
