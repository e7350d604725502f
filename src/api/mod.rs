//! The front for Rust programs: [`Job`] for what the command does, [`Scaler`] and [`Moments`] for what it
//! leaves.
//!
//! Invariant: nothing is computed here that the command computes in another way; the same rows become the
//! same bits.

mod job;
mod moments;
mod numbers;
mod scaler;

pub use job::{Job, Output};
pub use moments::Moments;
pub use scaler::Scaler;
