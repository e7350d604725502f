//! Placeholder of the split; replaced by the kernel work.

use serde::{Deserialize, Serialize};

/// An exact decimal fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fraction {
    numerator: u64,
    decimals: u8,
}
