//! `FeatureState`: what is kept of one feature on one side.

use super::measure::{Bins, CoMoments, Majority, Sums, Trend, ValueSample};
use super::scan::LabelRun;

/// A feature's standardized values on one side.
#[derive(Debug)]
pub(super) struct FeatureState {
    pub sums: Sums,
    pub bins: Bins,
    /// Only on train.
    pub train: Option<TrainState>,
}

/// What is asked of train alone.
#[derive(Debug)]
pub(super) struct TrainState {
    pub majority: Majority,
    pub trend: Trend,
    /// With the words of each label; one without, if there is no label.
    pub values: Vec<ValueSample>,
    /// With the numbers of each label.
    pub lines: Vec<CoMoments>,
}

impl FeatureState {
    /// Nothing seen yet; on train with the number of labels.
    pub(super) fn new(value_capacity: usize, train_labels: Option<usize>) -> Self {
        let train = |labels: usize| TrainState {
            majority: Majority::default(),
            trend: Trend::default(),
            values: vec![ValueSample::new(value_capacity, labels > 0); labels.max(1)],
            lines: vec![CoMoments::default(); labels],
        };
        Self {
            sums: Sums::default(),
            bins: Bins::default(),
            train: train_labels.map(train),
        }
    }

    /// Takes in a run of rows, NaN where there is no value.
    pub(super) fn extend(&mut self, values: &[f64], nulls: u64, labels: &[LabelRun<'_>]) {
        self.sums.extend(values, nulls);
        self.bins.extend(values);
        let Some(train) = &mut self.train else {
            return;
        };
        train.majority.extend(values);
        train.trend.extend(values);
        for (index, sample) in train.values.iter_mut().enumerate() {
            sample.extend(values, labels.get(index).map_or(&[], |label| label.words));
        }
        for (line, label) in train.lines.iter_mut().zip(labels) {
            line.extend(values, label.numbers);
        }
    }

    /// Takes in the rows after these.
    pub(super) fn merge(&mut self, next: &Self) {
        self.sums.merge(&next.sums);
        self.bins.merge(&next.bins);
        let (Some(mine), Some(theirs)) = (&mut self.train, &next.train) else {
            return;
        };
        mine.majority.merge(&theirs.majority);
        mine.trend.merge(&theirs.trend);
        for (mine, theirs) in mine.values.iter_mut().zip(&theirs.values) {
            mine.merge(theirs);
        }
        for (mine, theirs) in mine.lines.iter_mut().zip(&theirs.lines) {
            mine.merge(theirs);
        }
    }
}
