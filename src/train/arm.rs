//! `ArmRun`: one network, fed slab by slab; it notes where it stops being finite.
//!
//! Invariant: what it does follows from the rows and their order, so arms may run on any thread. Once
//! its loss is NaN it takes no further rows: nothing comes back from NaN.

use candle_core::{Device, Result, Tensor};

use super::curve::Curve;
use super::data::{Labels, Slab, Target};
use super::limits::TEST_BATCH_ROWS;
use super::network::{Loss, Network, OptimizerState, Targets, narrow, norm};
use super::score::{Tally, outcome};
use crate::artifact::Figure;
use crate::artifact::validation::{Arm, EpochLoss, Features, HiddenLayer, NonFinite, Quantity};
use crate::spec::{Activation, TrainingSpec};

/// What tells one arm from another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArmPlan {
    pub(super) name: String,
    pub(super) features: Features,
    /// Whether it sees the part only.
    pub(super) only_part: bool,
    pub(super) activation: Activation,
    pub(super) learning_rate: f64,
}

/// One network under way.
#[derive(Debug)]
pub(super) struct ArmRun<'a> {
    plan: ArmPlan,
    labels: &'a Labels,
    batch_size: usize,
    network: Network,
    optimizer: OptimizerState,
    batch: Batch,
    epoch: EpochSums,
    steps: u64,
    is_over: bool,
    first_non_finite: Option<NonFinite>,
    first_gradient_norm: f64,
    epochs: Vec<EpochLoss>,
    curve: Curve,
}

/// Rows on their way into the network.
#[derive(Debug)]
struct Batch {
    inputs: usize,
    features: Vec<f32>,
    numbers: Vec<f32>,
    classes: Vec<u32>,
    rows: usize,
}

/// What has happened in the epoch so far.
#[derive(Debug, Default)]
struct EpochSums {
    rows: u64,
    batches: u64,
    loss: f64,
}

impl<'a> ArmRun<'a> {
    pub(super) fn new(
        plan: ArmPlan,
        inputs: usize,
        labels: &'a Labels,
        training: &TrainingSpec,
    ) -> Result<Self> {
        let network = Network::new(
            inputs,
            &training.hidden,
            labels.outputs(),
            plan.activation,
            training.seed,
        )?;
        let optimizer = OptimizerState::new(training.optimizer, plan.learning_rate, &network)?;
        let share = if plan.only_part {
            training.part.to_f64()
        } else {
            1.0
        };
        let steps = labels.rows.train as f64 * share / training.batch_size as f64;
        Ok(Self {
            curve: Curve::new(steps * training.epochs as f64),
            batch: Batch::new(inputs),
            batch_size: training.batch_size,
            plan,
            labels,
            network,
            optimizer,
            epoch: EpochSums::default(),
            steps: 0,
            is_over: false,
            first_non_finite: None,
            first_gradient_norm: f64::NAN,
            epochs: Vec::new(),
        })
    }

    /// Trains on the rows of a slab, in its order.
    pub(super) fn feed(&mut self, slab: &Slab) -> Result<()> {
        for row in &slab.order {
            if self.is_over {
                return Ok(());
            }
            if self.plan.only_part && !slab.block.in_part[*row] {
                continue;
            }
            self.batch.push(slab, *row, self.plan.features, self.labels);
            if self.batch.rows == self.batch_size {
                self.step()?;
            }
        }
        Ok(())
    }

    /// Trains on the rows that are left over, and closes the epoch but for its test loss.
    pub(super) fn end_epoch(&mut self, epoch: usize) -> Result<()> {
        if self.epochs.len() + 1 != epoch {
            return Ok(());
        }
        if !self.is_over && self.batch.rows > 0 {
            self.step()?;
        }
        let sums = std::mem::take(&mut self.epoch);
        self.epochs.push(EpochLoss {
            epoch,
            steps: self.steps,
            train: Figure(sums.loss / sums.rows as f64),
            test: Figure(f64::NAN),
        });
        self.is_over |= self.first_non_finite.is_some();
        Ok(())
    }

    /// Whether it still takes part.
    pub(super) fn is_alive(&self) -> bool {
        !self.is_over
    }

    /// Predicts the rows of a slab.
    pub(super) fn evaluate(&self, slab: &Slab, tally: &mut Tally) -> Result<()> {
        let mut batch = Batch::new(self.batch.inputs);
        for rows in slab.order.chunks(TEST_BATCH_ROWS) {
            for row in rows {
                batch.push(slab, *row, self.plan.features, self.labels);
            }
            let forward = self.network.forward(batch.features()?)?;
            let outputs = forward.outputs.flatten_all()?.to_vec1::<f32>()?;
            tally.add(&outputs, batch.targets(), self.labels);
            batch.clear();
        }
        Ok(())
    }

    /// Takes note of the test loss of the epoch that has just ended.
    pub(super) fn set_test_loss(&mut self, loss: f64) {
        if let Some(epoch) = self.epochs.last_mut() {
            epoch.test = Figure(loss);
        }
    }

    fn step(&mut self) -> Result<()> {
        let rows = self.batch.rows;
        self.steps += 1;
        self.epoch.batches += 1;
        let forward = self.network.forward(self.batch.features()?)?;
        let outputs = forward.outputs.flatten_all()?.to_vec1::<f32>()?;
        let loss = Loss::of(&outputs, self.batch.targets());
        let sum = loss.sum;
        let gradients = self.network.backward(&forward, loss.gradient(rows)?)?;
        if self.steps == 1 {
            self.first_gradient_norm = norm(&gradients)?;
        }
        let finite = self.optimizer.update(&self.network, &gradients)?;
        self.batch.clear();
        self.epoch.loss += sum;
        self.epoch.rows += rows as u64;
        let what = match (sum.is_finite(), finite.gradients, finite.weights) {
            (false, _, _) => Some(Quantity::Loss),
            (_, false, _) => Some(Quantity::Gradient),
            (_, _, false) => Some(Quantity::Weight),
            _ => None,
        };
        if self.first_non_finite.is_none() {
            self.curve.push(self.steps, sum / rows as f64);
            self.first_non_finite = what.map(|what| NonFinite {
                step: self.steps,
                epoch: self.epochs.len() + 1,
                batch: self.epoch.batches,
                what,
            });
        }
        self.is_over = sum.is_nan();
        Ok(())
    }

    /// Which units of each hidden layer are 0 for every row of a sample.
    fn dead(&self, sample: &[f32]) -> Result<Vec<HiddenLayer>> {
        let rows = sample.len() / self.batch.inputs.max(1);
        let features = Tensor::from_slice(sample, (rows, self.batch.inputs), &Device::Cpu)?;
        let layers = self.network.dead(features)?;
        let count = |layer: Vec<bool>| HiddenLayer {
            units: layer.len(),
            dead: layer.iter().filter(|is_dead| **is_dead).count(),
        };
        Ok(layers.into_iter().map(count).collect())
    }

    /// What became of it; `tally` is that of its last test.
    pub(super) fn finish(self, sample: &[f32], rows: u64, tally: &Tally) -> Result<Arm> {
        let hidden = self.dead(sample)?;
        let exploded = self.first_non_finite.is_some();
        let test = tally.score(self.labels, exploded);
        let outcome = outcome(exploded, tally, &hidden);
        Ok(Arm {
            name: self.plan.name,
            features: self.plan.features,
            activation: self.plan.activation,
            learning_rate: self.plan.learning_rate,
            outcome,
            rows,
            steps: self.steps,
            first_non_finite: self.first_non_finite,
            first_gradient_norm: Figure(self.first_gradient_norm),
            test,
            epochs: self.epochs,
            curve: self.curve.finish(),
            hidden,
        })
    }

    /// What tells it from the others.
    pub(super) fn plan(&self) -> &ArmPlan {
        &self.plan
    }
}

impl Batch {
    fn new(inputs: usize) -> Self {
        Self {
            inputs,
            features: Vec::new(),
            numbers: Vec::new(),
            classes: Vec::new(),
            rows: 0,
        }
    }

    fn push(&mut self, slab: &Slab, row: usize, form: Features, labels: &Labels) {
        let cells = row * self.inputs..(row + 1) * self.inputs;
        let form = match form {
            Features::Raw => &slab.block.raw,
            Features::Standardized => &slab.block.standardized,
        };
        self.features.extend_from_slice(&form[cells]);
        match slab.block.targets[row] {
            Target::Number(value) => {
                let (mean, scale) = labels.unit();
                self.numbers.push(narrow((value - mean) / scale));
            }
            Target::Class(class) => self.classes.push(class),
            // Rows without a label never get into a block.
            Target::Absent => self.numbers.push(f32::NAN),
        }
        self.rows += 1;
    }

    fn features(&mut self) -> Result<Tensor> {
        let features = std::mem::take(&mut self.features);
        Tensor::from_vec(features, (self.rows, self.inputs), &Device::Cpu)
    }

    fn targets(&self) -> Targets<'_> {
        if self.classes.is_empty() {
            Targets::Numbers(&self.numbers)
        } else {
            Targets::Classes(&self.classes)
        }
    }

    fn clear(&mut self) {
        self.features.clear();
        self.numbers.clear();
        self.classes.clear();
        self.rows = 0;
    }
}
