//! Histograms of the standardized features, counted while they are routed to their sides.
//!
//! What is counted is what the shards hold: after infinities became nulls, and as float32 whatever the output
//! type. Sums of integers, so that neither units nor threads change them.

use num_traits::Float;
use serde::{Deserialize, Serialize};

use super::route::Router;
use crate::kernel::{BinCounts, Histogram, WRITTEN_SIDES};

/// The histograms of one feature, one a side, by [`crate::kernel::Side::index`].
pub type SideHistograms = [Histogram; WRITTEN_SIDES];

/// The counts of one feature's values in one block.
#[derive(Debug, Default)]
pub(super) struct SideCounts {
    values: [BinCounts; WRITTEN_SIDES],
    missing: [u64; WRITTEN_SIDES],
}

impl SideCounts {
    /// Counts a run of a flat column that was just routed.
    pub(super) fn add<T: Float>(&mut self, routed: &Router<T>) {
        let counts = self.values.iter_mut().zip(&routed.values);
        counts.for_each(|(counts, values)| counts.extend(values));
        self.add_missing(routed);
    }

    /// Counts what has no value in such a run.
    pub(super) fn add_missing<T>(&mut self, routed: &Router<T>) {
        let parts = routed.values.iter().zip(&routed.definition);
        for (missing, (values, definition)) in self.missing.iter_mut().zip(parts) {
            // No definition levels: every row has a value.
            *missing += definition.len().saturating_sub(values.len()) as u64;
        }
    }

    /// Counts values of a side, each as often as it says.
    pub(super) fn add_repeated<T: Float>(&mut self, side: usize, values: &[T], times: &[u32]) {
        for (value, times) in values.iter().zip(times) {
            self.values[side].extend_repeated(*value, *times);
        }
    }

    /// What was counted.
    pub(super) fn finish(self) -> SideHistograms {
        let mut missing = self.missing.into_iter();
        self.values
            .map(|counts| counts.finish(missing.next().unwrap_or(0)))
    }
}

/// The histograms of all features, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histograms(pub Vec<SideHistograms>);

impl Histograms {
    /// Those of no rows.
    pub(super) fn new(features: usize) -> Self {
        Self((0..features).map(|_| SideHistograms::default()).collect())
    }

    /// Adds those of other rows.
    pub(super) fn merge(&mut self, other: &Self) {
        for (feature, other) in other.0.iter().enumerate() {
            self.merge_feature(feature, other);
        }
    }

    /// Adds those of one feature.
    pub(super) fn merge_feature(&mut self, feature: usize, other: &SideHistograms) {
        if let Some(sides) = self.0.get_mut(feature) {
            for (side, other) in sides.iter_mut().zip(other) {
                side.merge(other);
            }
        }
    }
}
