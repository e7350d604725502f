//! The arithmetic: split hash and sides, moments, scaler. Slices in, values out.
//!
//! Invariant: a result follows from its arguments alone, bit for bit; no files, threads, clock,
//! environment, randomness, logging or hash-map iteration in here. The types carry the order of the
//! work: only [`Sides::train`] makes [`TrainRows`], only [`Welford::finish`] makes [`Moments`], only
//! [`Moments`] make a [`Scaler`].

mod apportion;
mod bottom_sample;
mod compare;
mod compress;
mod drift;
mod exact;
mod exact_text;
mod folds;
mod fraction;
mod group_folds;
mod histogram;
mod key_groups;
mod keys;
mod lanes;
mod missing;
mod moment;
mod moments;
mod partition;
mod passes;
mod ranks;
mod record;
mod round;
mod scaler;
mod shuffle;
mod sides;
mod split;
mod timeline;
mod value;
mod weighted;
mod welford;
mod width;

#[cfg(test)]
mod tests;

pub use apportion::{HeldOut, apportion};
pub use bottom_sample::BottomSample;
pub use compare::{Constant, Operator};
pub use compress::Routable;
pub use drift::{Drift, DriftLevel};
pub use exact::{ExactSquareSum, ExactSum, FixedPoint};
pub use exact_text::ExactTextError;
pub use folds::{Fold, FoldCount, Folds, deal};
pub use fraction::{Fraction, FractionError, Threshold};
pub use group_folds::{GroupFolds, LargestGroups};
pub use histogram::{BINS, BinCounts, Histogram, SparseCounts, SparseCountsError, bin_edges};
pub use key_groups::{GroupFill, KeyRows, key_groups, merge_key_rows};
pub use keys::KeyHash;
pub use lanes::SUB_CHUNK_ROWS;
pub use missing::{any_infinite, count_infinite, first_infinite};
pub use moment::{Moment, NoMoment};
pub use moments::Moments;
pub use partition::Parts;
pub use ranks::Ranks;
pub use record::StateError;
pub use scaler::{ColumnScaler, Scaler};
pub use shuffle::{ShuffleOrder, hash_range};
pub use sides::{NumericRows, Side, Sides, TrainRows, WRITTEN_SIDES};
pub use split::{Cuts, Domain, HashSplit, RowSample, file_key, mix, row_hash, row_hashes};
pub use timeline::{Found, TimeKey, Timeline};
pub use value::Value;
pub use welford::Welford;
pub(crate) use width::widest;
