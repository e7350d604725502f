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
        let parts = routed.values.iter().zip(&routed.definition);
        for (side, (values, definition)) in parts.enumerate() {
            self.values[side].extend(values);
            // No definition levels: every row has a value.
            self.missing[side] += definition.len().saturating_sub(values.len()) as u64;
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
