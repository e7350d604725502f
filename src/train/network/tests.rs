//! The network against candle's own autograd, losses and optimizers; and NaN, which must show.

use candle_core::{Device, Result, Tensor, Var};
use candle_nn::optim::{AdamW, Optimizer as _, ParamsAdamW, SGD};

use super::{Forward, Layer, Loss, Network, OptimizerState, Targets};
use crate::kernel::Domain;
use crate::spec::{Activation, Optimizer};
use crate::train::random::Random;

const ROWS: usize = 37;
const INPUTS: usize = 5;
const HIDDEN: [usize; 2] = [16, 9];

fn features(rows: usize) -> Tensor {
    let mut random = Random::new(3, Domain::TRAINER_ORDER, 0);
    let values: Vec<f32> = (0..rows * INPUTS)
        .map(|_| super::narrow(random.symmetric() * 3.0))
        .collect();
    Tensor::from_vec(values, (rows, INPUTS), &Device::Cpu).unwrap()
}

fn numbers() -> Vec<f32> {
    (0..37_u8).map(|row| (f32::from(row) / 7.0).sin()).collect()
}

fn classes() -> Vec<u32> {
    (0..37).map(|row| row * 5 % 3).collect()
}

fn loss_and_gradient(network: &Network, targets: Targets<'_>) -> (f64, Vec<Layer>) {
    let forward: Forward = network.forward(features(ROWS)).unwrap();
    let outputs = forward
        .outputs
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    let loss = Loss::of(&outputs, targets);
    let mean = loss.sum / ROWS as f64;
    let by_outputs = loss.gradient(ROWS).unwrap();
    (mean, network.backward(&forward, by_outputs).unwrap())
}

/// The same network as candle's graph.
fn graph(layers: &[[Var; 2]], activation: Activation) -> Result<Tensor> {
    let mut hidden = features(ROWS);
    for (index, [weights, bias]) in layers.iter().enumerate() {
        hidden = hidden.matmul(weights)?.broadcast_add(bias)?;
        if index + 1 < layers.len() {
            hidden = match activation {
                Activation::Relu => hidden.relu()?,
                Activation::LeakyRelu => candle_nn::ops::leaky_relu(&hidden, 0.01)?,
                Activation::Gelu => hidden.gelu()?,
                Activation::Tanh => hidden.tanh()?,
            };
        }
    }
    Ok(hidden)
}

fn graph_loss(layers: &[[Var; 2]], activation: Activation, targets: Targets<'_>) -> Result<Tensor> {
    let outputs = graph(layers, activation)?;
    match targets {
        Targets::Numbers(numbers) => {
            let targets = Tensor::from_slice(numbers, (ROWS, 1), &Device::Cpu)?;
            candle_nn::loss::mse(&outputs, &targets)
        }
        Targets::Classes(classes) => {
            let targets = Tensor::from_slice(classes, ROWS, &Device::Cpu)?;
            candle_nn::loss::cross_entropy(&outputs, &targets)
        }
    }
}

fn variables(network: &Network) -> Vec<[Var; 2]> {
    let copy = |tensor: &Tensor| Var::from_tensor(&tensor.copy().unwrap()).unwrap();
    let layers = network.layers().iter();
    layers
        .map(|layer| [copy(&layer.weights), copy(&layer.bias)])
        .collect()
}

fn assert_close(ours: &Tensor, theirs: &Tensor, what: &str) {
    let list = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (ours, theirs) = (list(ours), list(theirs));
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs
        .iter()
        .fold(0_f32, |largest, value| largest.max(value.abs()));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let off = (ours - theirs).abs();
        assert!(
            off <= 2e-5 * largest.max(1e-3),
            "{what}: {ours} instead of {theirs}"
        );
    }
}

#[test]
fn losses_and_gradients_are_those_of_candles_autograd() {
    let (numbers, classes) = (numbers(), classes());
    let cases = [
        (Targets::Numbers(&numbers), 1),
        (Targets::Classes(&classes), 3),
    ];
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Tanh,
    ] {
        for (targets, outputs) in cases {
            let what = format!("{activation}, {outputs} outputs");
            let network = Network::new(INPUTS, &HIDDEN, outputs, activation, 42).unwrap();
            let (loss, gradients) = loss_and_gradient(&network, targets);
            let variables = variables(&network);
            let theirs = graph_loss(&variables, activation, targets).unwrap();
            let expected = f64::from(theirs.to_scalar::<f32>().unwrap());
            assert!(
                (loss - expected).abs() < 1e-5 * expected,
                "{what}: {loss} instead of {expected}"
            );
            let store = theirs.backward().unwrap();
            for (ours, [weights, bias]) in gradients.iter().zip(&variables) {
                assert_close(&ours.weights, store.get(weights).unwrap(), &what);
                assert_close(&ours.bias, store.get(bias).unwrap(), &what);
            }
        }
    }
}

#[test]
fn steps_are_those_of_candles_optimizers() {
    let classes = classes();
    let targets = Targets::Classes(&classes);
    for optimizer in [Optimizer::Sgd, Optimizer::Adam] {
        let network = Network::new(INPUTS, &HIDDEN, 3, Activation::Tanh, 7).unwrap();
        let variables = variables(&network);
        let list = variables.iter().flatten().cloned().collect();
        let mut state = OptimizerState::new(optimizer, 0.05, &network).unwrap();
        let mut theirs: Box<dyn FnMut(&Tensor)> = match optimizer {
            Optimizer::Sgd => {
                let mut sgd = SGD::new(list, 0.05).unwrap();
                Box::new(move |loss| sgd.backward_step(loss).unwrap())
            }
            Optimizer::Adam => {
                let params = ParamsAdamW {
                    lr: 0.05,
                    beta1: 0.9,
                    beta2: 0.999,
                    eps: 1e-7,
                    weight_decay: 0.0,
                };
                let mut adam = AdamW::new(list, params).unwrap();
                Box::new(move |loss| adam.backward_step(loss).unwrap())
            }
        };
        for _ in 0..5 {
            let (_, gradients) = loss_and_gradient(&network, targets);
            let finite = state.update(&network, &gradients).unwrap();
            assert!(finite.gradients && finite.weights);
            theirs(&graph_loss(&variables, Activation::Tanh, targets).unwrap());
        }
        for (ours, [weights, bias]) in network.layers().iter().zip(&variables) {
            let what = format!("{optimizer:?}");
            let close = |ours: &Tensor, theirs: &Tensor| {
                let off = (ours - theirs)
                    .unwrap()
                    .abs()
                    .unwrap()
                    .flatten_all()
                    .unwrap();
                let off = off.max(0).unwrap().to_scalar::<f32>().unwrap();
                assert!(off < 2e-3, "{what}: off by {off}");
            };
            close(&ours.weights, weights);
            close(&ours.bias, bias);
        }
    }
}

#[test]
fn a_nan_in_any_weight_is_a_nan_in_the_loss_whatever_the_activation() {
    let numbers = numbers();
    for activation in [
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Tanh,
    ] {
        for broken in 0..=HIDDEN.len() {
            let network = Network::new(INPUTS, &HIDDEN, 1, activation, 42).unwrap();
            let weights = &network.layers()[broken].weights;
            let mut values = weights.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            values[1] = f32::NAN;
            let poisoned = Tensor::from_vec(values, weights.dims(), &Device::Cpu).unwrap();
            let zero = weights.zeros_like().unwrap();
            weights.inplace_op2(&zero, &Replace(poisoned)).unwrap();
            let (loss, gradients) = loss_and_gradient(&network, Targets::Numbers(&numbers));
            assert!(loss.is_nan(), "{activation}, layer {broken}: {loss}");
            let mut state = OptimizerState::new(Optimizer::Sgd, 0.1, &network).unwrap();
            let finite = state.update(&network, &gradients).unwrap();
            assert!(!finite.gradients && !finite.weights);
        }
    }
}

/// Puts other values into a tensor.
struct Replace(Tensor);

impl candle_core::InplaceOp2 for Replace {
    fn name(&self) -> &'static str {
        "replace"
    }

    fn cpu_fwd(
        &self,
        to: &mut candle_core::CpuStorage,
        layout: &candle_core::Layout,
        _: &candle_core::CpuStorage,
        _: &candle_core::Layout,
    ) -> Result<()> {
        let values = self.0.flatten_all()?.to_vec1::<f32>()?;
        super::loops::values_mut(to, layout)?.copy_from_slice(&values);
        Ok(())
    }
}

#[test]
fn initial_weights_follow_from_the_seed_and_are_he_uniform() {
    let weights = |seed| {
        let network = Network::new(64, &[64], 1, Activation::Relu, seed).unwrap();
        let layers = network.layers();
        assert_eq!(
            layers[0]
                .bias
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap(),
            [0.0; 64]
        );
        layers[0]
            .weights
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
    };
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
    let reach = (6.0_f32 / 64.0).sqrt();
    let drawn = weights(42);
    assert!(drawn.iter().all(|weight| weight.abs() <= reach));
    let variance = drawn.iter().map(|weight| weight * weight).sum::<f32>() / 4096.0;
    assert!((variance / (2.0 / 64.0) - 1.0).abs() < 0.1, "{variance}");
}

#[test]
fn dead_units_are_those_that_no_row_wakes() {
    let network = Network::new(INPUTS, &[3], 1, Activation::Relu, 42).unwrap();
    let layer = &network.layers()[0];
    let bias = Tensor::from_vec(vec![-1e6_f32, 1e6, 0.0], (1, 3), &Device::Cpu).unwrap();
    layer
        .bias
        .inplace_op2(&layer.bias.zeros_like().unwrap(), &Replace(bias))
        .unwrap();
    assert_eq!(network.dead(features(50)).unwrap(), [[true, false, false]]);
}
