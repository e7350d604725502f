//! Activations and their slopes. NaN stays NaN.

use crate::spec::Activation;

/// The slope below 0 of the leaky one, PyTorch's default.
const LEAK: f32 = 0.01;
/// sqrt(2 / pi) and the cubic's factor, of GELU's tanh form.
const GELU_ROOT: f32 = 0.797_884_6;
const GELU_CUBIC: f32 = 0.044_715;

/// Whether the slope can be told from the output alone.
pub(super) fn slope_follows_from_output(activation: Activation) -> bool {
    activation != Activation::Gelu
}

/// max(x, 0), but NaN for NaN, where `f32::max` gives 0.
#[inline(always)]
pub(super) fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline(always)]
pub(super) fn leaky_relu(x: f32) -> f32 {
    if x < 0.0 { LEAK * x } else { x }
}

pub(super) fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + gelu_tanh(x))
}

fn gelu_tanh(x: f32) -> f32 {
    (GELU_ROOT * (x + GELU_CUBIC * x * x * x)).tanh()
}

/// The slope of [`relu`] from its output: 0 at 0, as Keras and PyTorch have it.
#[inline(always)]
pub(super) fn relu_slope(output: f32) -> f32 {
    if output == 0.0 { 0.0 } else { 1.0 }
}

#[inline(always)]
pub(super) fn leaky_relu_slope(output: f32) -> f32 {
    if output < 0.0 { LEAK } else { 1.0 }
}

#[inline(always)]
pub(super) fn tanh_slope(output: f32) -> f32 {
    1.0 - output * output
}

/// The slope of [`gelu`] from its input.
pub(super) fn gelu_slope(x: f32) -> f32 {
    let tanh = gelu_tanh(x);
    let inner = GELU_ROOT * (1.0 + 3.0 * GELU_CUBIC * x * x);
    0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner
}
