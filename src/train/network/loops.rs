//! The loops between two matrix products, as candle's custom operations on contiguous float32.
//!
//! Each is a plain loop over rows, for auto-vectorization; sums run down the rows in order, so they
//! are the same bits however wide the vectors are.

use candle_core::{CpuStorage, CustomOp1, Error, InplaceOp1, InplaceOp2, Layout, Result, Shape};

use super::activation::{
    gelu, gelu_slope, leaky_relu, leaky_relu_slope, relu, relu_slope, tanh_slope,
};
use crate::spec::Activation;

/// Adds a bias to every row, then applies an activation.
pub(super) struct AddBias(pub(super) Option<Activation>);

/// Applies an activation.
pub(super) struct Apply(pub(super) Activation);

/// Multiplies by an activation's slope, told from its output (GELU: its input).
pub(super) struct Slope(pub(super) Activation);

/// The sum of each column, 1 x columns.
pub(super) struct ColumnSums;

impl InplaceOp2 for AddBias {
    fn name(&self) -> &'static str {
        "add-bias"
    }

    fn cpu_fwd(
        &self,
        rows: &mut CpuStorage,
        l1: &Layout,
        bias: &CpuStorage,
        l2: &Layout,
    ) -> Result<()> {
        let (rows, bias) = (values_mut(rows, l1)?, values(bias, l2)?);
        match self.0 {
            None => add_bias(rows, bias, |x| x),
            Some(Activation::Relu) => add_bias(rows, bias, relu),
            Some(Activation::LeakyRelu) => add_bias(rows, bias, leaky_relu),
            Some(Activation::Gelu) => add_bias(rows, bias, gelu),
            Some(Activation::Tanh) => add_bias(rows, bias, f32::tanh),
        }
        Ok(())
    }
}

#[inline(always)]
fn add_bias(rows: &mut [f32], bias: &[f32], then: impl Fn(f32) -> f32) {
    for row in rows.chunks_exact_mut(bias.len().max(1)) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value = then(*value + bias);
        }
    }
}

impl InplaceOp1 for Apply {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let apply: fn(f32) -> f32 = match self.0 {
            Activation::Relu => relu,
            Activation::LeakyRelu => leaky_relu,
            Activation::Gelu => gelu,
            Activation::Tanh => f32::tanh,
        };
        values_mut(storage, layout)?
            .iter_mut()
            .for_each(|value| *value = apply(*value));
        Ok(())
    }
}

impl InplaceOp2 for Slope {
    fn name(&self) -> &'static str {
        "activation-slope"
    }

    fn cpu_fwd(
        &self,
        delta: &mut CpuStorage,
        l1: &Layout,
        from: &CpuStorage,
        l2: &Layout,
    ) -> Result<()> {
        let (delta, from) = (values_mut(delta, l1)?, values(from, l2)?);
        match self.0 {
            Activation::Relu => multiply(delta, from, relu_slope),
            Activation::LeakyRelu => multiply(delta, from, leaky_relu_slope),
            Activation::Gelu => multiply(delta, from, gelu_slope),
            Activation::Tanh => multiply(delta, from, tanh_slope),
        }
        Ok(())
    }
}

#[inline(always)]
fn multiply(delta: &mut [f32], from: &[f32], slope: impl Fn(f32) -> f32) {
    for (delta, from) in delta.iter_mut().zip(from) {
        *delta *= slope(*from);
    }
}

impl CustomOp1 for ColumnSums {
    fn name(&self) -> &'static str {
        "column-sums"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, columns) = layout.shape().dims2()?;
        let mut sums = vec![0_f32; columns];
        for row in values(storage, layout)?.chunks_exact(columns.max(1)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        Ok((CpuStorage::F32(sums), (1, columns).into()))
    }
}

/// The values of a contiguous tensor.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => Err(unexpected()),
    }
}

/// The same, to be changed.
pub(super) fn values_mut<'a>(
    storage: &'a mut CpuStorage,
    layout: &Layout,
) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Error {
    Error::Msg("expected contiguous float32".to_owned())
}
