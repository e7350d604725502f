//! What is measured of one column while its values come by, one file each of one shape: a small state
//! with `default` or `new`, `extend`, `merge`, and accessors.
//!
//! Invariant: states are merged in the order of the shards, so that results follow from the output
//! alone. None of them uses the arithmetic that the fit used.

mod bins;
mod comoments;
mod divergence;
mod lanes;
mod majority;
mod sums;
mod trend;
mod values;

pub(super) use bins::Bins;
pub(super) use comoments::CoMoments;
pub(super) use divergence::Divergence;
pub(super) use majority::Majority;
pub(super) use sums::Sums;
pub(super) use trend::Trend;
pub(super) use values::ValueSample;
