//! The arithmetic: split hash and sides, moments, scaler. Slices in, values out.
//!
//! No files, threads, clock, environment, randomness, logging or hash-map iteration in here: a
//! result follows from its arguments alone.

mod fraction;

pub use fraction::{Fraction, FractionError, Threshold};
