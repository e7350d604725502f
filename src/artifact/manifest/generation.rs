//! Generations: the runs whose shards an output holds, the first and each `--update` after it.
//!
//! Invariant: inputs and units of a generation come after those of the one before it; `scaler.json` is
//! fitted on the first one alone, `scaler-merged.json` on all.

use serde::{Deserialize, Serialize};

use super::{Manifest, ManifestShard};

/// One run that made shards of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestGeneration {
    /// Its job's id, 64 hex digits.
    pub job: String,
    /// How many inputs it has read: the next ones in the manifest's order.
    pub inputs: u64,
    /// The first number of a unit that is none of its own or of one before it.
    pub units_end: u64,
}

impl Manifest {
    /// The output's generations; one if nothing was added to it.
    pub fn all_generations(&self) -> Vec<ManifestGeneration> {
        if !self.generations.is_empty() {
            return self.generations.clone();
        }
        let units = self.shards.iter().map(|shard| shard.unit.saturating_add(1));
        vec![ManifestGeneration {
            job: self.job.clone(),
            inputs: self.inputs.len() as u64,
            units_end: units.max().unwrap_or(0),
        }]
    }

    /// Whether the scaler was fitted on the train rows that this shard is from.
    pub fn is_fitted(&self, shard: &ManifestShard) -> bool {
        let first = self.generations.first();
        first.is_none_or(|first| shard.unit < first.units_end)
    }

    /// How many inputs have been read by the end of each generation but the last.
    pub fn borders(&self) -> Vec<usize> {
        let mut before = 0_u64;
        let ends = self.generations.iter().map(|generation| {
            before = before.saturating_add(generation.inputs);
            usize::try_from(before).unwrap_or(usize::MAX)
        });
        let mut ends: Vec<usize> = ends.collect();
        ends.pop();
        ends
    }
}
