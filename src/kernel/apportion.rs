//! Apportionment: how many rows of each class go to each side, when classes keep their shares.
//!
//! Invariant: every number is its exact share rounded down or up, and each side gets as many rows as it
//! is to have, as far as the first allows. What is left of a share decides who is rounded up (the method
//! of largest remainders, as scikit-learn's `StratifiedShuffleSplit` does); of equals, the first.

#[cfg(test)]
mod tests;

/// Rows of a class on the test side, and on test and val together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldOut {
    /// Rows on the test side.
    pub test: u64,
    /// Rows on the test and val sides.
    pub both: u64,
}

/// Shares `all` among classes of these sizes, `all` being at most all rows.
///
/// ```
/// use prep_stream::kernel::{HeldOut, apportion};
///
/// let parts = apportion(&[5, 4, 1], HeldOut { test: 2, both: 4 });
/// let test: Vec<u64> = parts.iter().map(|part| part.test).collect();
/// assert_eq!(test, [1, 1, 0]);
/// ```
pub fn apportion(classes: &[u64], all: HeldOut) -> Vec<HeldOut> {
    let rows: u64 = classes.iter().sum();
    let both = round(
        classes
            .iter()
            .map(|class| Share::of(*class, all.both, rows)),
        all.both,
    );
    let val = all.both.saturating_sub(all.test);
    let tests = classes.iter().zip(&both).map(|(class, both)| {
        let (test, val) = (
            Share::of(*class, all.test, rows),
            Share::of(*class, val, rows),
        );
        // What leaves val rounded down or up too.
        Share {
            low: test.low.max(both.saturating_sub(val.high)),
            high: test.high.min(both.saturating_sub(val.low)),
            ..test
        }
    });
    let tests = round(tests, all.test);
    let parts = tests.into_iter().zip(both);
    parts.map(|(test, both)| HeldOut { test, both }).collect()
}

/// What a class is to have: from `low` to `high` rows, the more the larger the remainder.
#[derive(Debug, Clone, Copy)]
struct Share {
    low: u64,
    high: u64,
    remainder: u128,
}

impl Share {
    /// `class * part / rows`.
    fn of(class: u64, part: u64, rows: u64) -> Self {
        let (product, rows) = (
            u128::from(class) * u128::from(part),
            u128::from(rows.max(1)),
        );
        let low = u64::try_from(product / rows).unwrap_or(u64::MAX);
        let remainder = product % rows;
        Self {
            low,
            high: low + u64::from(remainder > 0),
            remainder,
        }
    }
}

/// Rounds up the largest remainders until there are `total`.
fn round(shares: impl Iterator<Item = Share>, total: u64) -> Vec<u64> {
    let shares: Vec<Share> = shares.collect();
    let mut rounded: Vec<u64> = shares.iter().map(|share| share.low).collect();
    let mut missing = total.saturating_sub(rounded.iter().sum());
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|class| std::cmp::Reverse(shares[*class].remainder));
    for class in order {
        let more = (shares[class].high.saturating_sub(shares[class].low)).min(missing);
        rounded[class] += more;
        missing -= more;
    }
    rounded
}
