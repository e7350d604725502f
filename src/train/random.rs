//! `Random`: seeded draws, SplitMix64, the same on every machine. candle can't seed its generator.

use crate::kernel::{Domain, mix, row_hash};

/// A stream of 64-bit numbers that follows from its seed alone.
#[derive(Debug, Clone)]
pub(super) struct Random {
    key: u64,
    drawn: u64,
}

impl Random {
    /// The stream for one use of a seed; `part` tells apart several of them, epochs for example.
    pub(super) fn new(seed: u64, domain: Domain, part: u64) -> Self {
        Self {
            key: row_hash(seed, domain, 0, part),
            drawn: 0,
        }
    }

    fn next(&mut self) -> u64 {
        let drawn = self.drawn;
        self.drawn += 1;
        mix(self.key ^ mix(drawn))
    }

    /// A number from 0 to `below` - 1, by the high half of a product: uniform but for 2^-64.
    pub(super) fn below(&mut self, below: usize) -> usize {
        let product = u128::from(self.next()) * below as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from -1 to 1, 1 excluded: multiples of 2^-52.
    pub(super) fn symmetric(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Puts elements into random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, elements: &mut [T]) {
        for last in (1..elements.len()).rev() {
            elements.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_follows_from_its_seed_and_fills_its_range_evenly() {
        let draw = |seed, part| {
            let mut random = Random::new(seed, Domain::TRAINER_WEIGHTS, part);
            (0..10_000).map(|_| random.symmetric()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(2, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        let values = draw(42, 0);
        let mean = values.iter().sum::<f64>() / 1e4;
        let square = values.iter().map(|v| v * v).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.03 && (square - 1.0 / 3.0).abs() < 0.02);
        assert!(values.iter().all(|v| (-1.0..1.0).contains(v)));
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut random = Random::new(7, Domain::TRAINER_ORDER, 3);
        let mut elements: Vec<usize> = (0..1_000).collect();
        random.shuffle(&mut elements);
        assert_ne!(elements, (0..1_000).collect::<Vec<_>>());
        elements.sort_unstable();
        assert_eq!(elements, (0..1_000).collect::<Vec<_>>());
    }
}
