//! The leaves of the output, and each of them encoded for its shards.

use super::WriteJob;
use super::histograms::{SideCounts, SideHistograms};
use super::leaves::{BlockSource, Leaf};
use crate::error::Result;
use crate::schema::Role;
use crate::sink::shard::EncodedColumn;

/// The leaves of the output, in order.
pub(super) fn leaves(job: &WriteJob<'_>) -> Vec<Leaf> {
    let schema = job.format.schema();
    let mut features = 0;
    let feature_of: Vec<Option<usize>> = job
        .table
        .schema
        .columns
        .iter()
        .map(|column| {
            (column.role == Role::Feature).then(|| {
                features += 1;
                features - 1
            })
        })
        .collect();
    let mut leaves: Vec<Leaf> = Vec::with_capacity(schema.num_columns());
    for output in 0..schema.num_columns() {
        let column = schema.get_column_root_idx(output);
        let before = leaves
            .iter()
            .rev()
            .take_while(|leaf| leaf.column == column)
            .count();
        leaves.push(Leaf {
            column,
            offset: before,
            output,
            feature: feature_of[column],
        });
    }
    leaves
}

/// A leaf of a block as it goes to the shards.
pub(super) struct EncodedLeaf {
    /// One a side that is written; none if its rows went to segments.
    pub columns: Vec<EncodedColumn>,
    /// How its values are distributed, if it is a feature.
    pub counted: Option<SideHistograms>,
}

pub(super) fn encode_leaf(
    job: &WriteJob<'_>,
    leaf: Leaf,
    source: &BlockSource<'_>,
) -> Result<EncodedLeaf> {
    let scaler = leaf
        .feature
        .and_then(|feature| job.scaler.columns().get(feature));
    let mut counts = leaf.feature.map(|_| SideCounts::default());
    let columns = source.encode(leaf, scaler, counts.as_mut())?;
    let counted = counts.map(SideCounts::finish);
    Ok(EncodedLeaf { columns, counted })
}
