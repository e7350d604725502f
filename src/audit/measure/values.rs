//! `ValueSample`: how often values occur, and with which label, for a sample of the *values*.
//!
//! A value is in the sample if its hash begins with enough zeros; enough is raised by one whenever
//! more than `capacity` distinct values are in (Gibbons and Tirthapura 2001). So every row of a
//! sampled value is seen, unlike in a sample of rows, and a value of the sample that occurs once
//! occurs once in the column. Invariant: which values are sampled follows from the set of values
//! alone. Limit: what only values outside the sample do is not seen.

use crate::kernel::{mix, widest};

/// Rows that are looked at together.
const BLOCK: usize = 128;
/// Places of the first entries, a power of two.
const PLACES_MIN: usize = 64;

/// Sampled values with their counts and labels.
#[derive(Debug, Clone)]
pub(crate) struct ValueSample {
    capacity: usize,
    level: u32,
    entries: Entries,
    has_repeats: bool,
    is_mixed: bool,
    is_labelled: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    word: u64,
    label: u64,
    /// None where there is no entry.
    count: u64,
}

/// Entries found by their words, which are hashes: at the place that its lowest bits say, or after it. At
/// least half of the places are free.
#[derive(Debug, Clone, Default)]
struct Entries {
    places: Vec<Entry>,
    count: usize,
}

impl Entries {
    /// Where the entry of a word is, or would be; there are places.
    fn place(&self, word: u64) -> usize {
        let last = self.places.len() - 1;
        let mut place = usize::try_from(word & last as u64).unwrap_or(0);
        while self.places[place].count > 0 && self.places[place].word != word {
            place = (place + 1) & last;
        }
        place
    }

    fn get_mut(&mut self, word: u64) -> Option<&mut Entry> {
        if self.count == 0 {
            return None;
        }
        let place = self.place(word);
        Some(&mut self.places[place]).filter(|entry| entry.count > 0)
    }

    /// Adds an entry of a word that has none.
    fn insert(&mut self, entry: Entry) {
        if 2 * (self.count + 1) > self.places.len() {
            self.rebuild((2 * self.places.len()).max(PLACES_MIN), |_| true);
        }
        let place = self.place(entry.word);
        self.places[place] = entry;
        self.count += 1;
    }

    /// Moves what is to stay to so many places.
    fn rebuild(&mut self, places: usize, stays: impl Fn(u64) -> bool) {
        let before = std::mem::replace(&mut self.places, vec![Entry::default(); places]);
        self.count = 0;
        for entry in before {
            if entry.count > 0 && stays(entry.word) {
                let place = self.place(entry.word);
                self.places[place] = entry;
                self.count += 1;
            }
        }
    }

    fn retain(&mut self, stays: impl Fn(u64) -> bool) {
        self.rebuild(self.places.len(), stays);
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().filter(|entry| entry.count > 0)
    }

    /// In the order of their words: where they are depends on which came first.
    fn sorted(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.iter().copied().collect();
        entries.sort_unstable();
        entries
    }
}

impl ValueSample {
    /// Keeps at most `capacity` distinct values: at least some dozens, as fewer may all be left out at
    /// once.
    pub(crate) fn new(capacity: usize, is_labelled: bool) -> Self {
        Self {
            capacity: capacity.max(1),
            level: 0,
            entries: Entries::default(),
            has_repeats: false,
            is_mixed: false,
            is_labelled,
        }
    }

    /// Takes in a run of rows, NaN where there is no value, with the words of their labels.
    pub(crate) fn extend(&mut self, values: &[f64], labels: &[u64]) {
        let word = |value: f64| mix((value + 0.0).to_bits());
        for (block, values) in values.chunks(BLOCK).enumerate() {
            if self.is_settled() {
                return;
            }
            // Most blocks have no value of the sample.
            let lowest = widest(
                #[inline(always)]
                || values.iter().map(|value| word(*value)).min(),
            );
            if lowest.is_none_or(|lowest| lowest.leading_zeros() < self.level) {
                continue;
            }
            for (row, value) in (block * BLOCK..).zip(values) {
                let word = word(*value);
                let is_sampled = word.leading_zeros() >= self.level && !value.is_nan();
                if is_sampled && !self.is_settled() {
                    let label = labels.get(row).copied().unwrap_or(0);
                    self.take(Entry {
                        word,
                        label,
                        count: 1,
                    });
                }
            }
        }
    }

    /// Takes in one value by its word, without a label.
    #[inline]
    pub(crate) fn take_word(&mut self, word: u64) {
        if word.leading_zeros() >= self.level && !self.is_settled() {
            self.take(Entry {
                word,
                label: 0,
                count: 1,
            });
        }
    }

    /// Takes in what another state has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.has_repeats |= other.has_repeats;
        self.is_mixed |= other.is_mixed;
        self.raise(other.level);
        for entry in other.entries.sorted() {
            if entry.word.leading_zeros() >= self.level {
                self.take(entry);
            }
        }
    }

    /// Whether more rows can say no more: values repeat, and one of them has two labels.
    pub(crate) fn is_settled(&self) -> bool {
        self.has_repeats && (self.is_mixed || !self.is_labelled)
    }

    fn take(&mut self, new: Entry) {
        match self.entries.get_mut(new.word) {
            Some(entry) => {
                entry.count += new.count;
                self.has_repeats = true;
                self.is_mixed |= entry.label != new.label;
            }
            None => {
                self.entries.insert(new);
                while self.entries.count > self.capacity {
                    self.raise(self.level + 1);
                }
            }
        }
    }

    fn raise(&mut self, level: u32) {
        if level > self.level {
            self.level = level;
            self.entries.retain(|word| word.leading_zeros() >= level);
        }
    }

    /// Whether every sampled value occurs once.
    pub(crate) fn is_distinct(&self) -> bool {
        !self.has_repeats && self.entries.count > 0
    }

    /// Whether every sampled value always has the same label.
    pub(crate) fn determines(&self) -> bool {
        self.is_labelled && !self.is_mixed
    }

    /// Distinct values in the sample.
    pub(crate) fn sampled(&self) -> u64 {
        self.entries.count as u64
    }

    /// Rows of the sampled values beyond the first of each.
    pub(crate) fn repeats(&self) -> u64 {
        self.entries.iter().map(|entry| entry.count - 1).sum()
    }

    /// Distinct values in the column, about: exact if all fit the sample.
    pub(crate) fn distinct(&self) -> u64 {
        self.sampled()
            .saturating_mul(1_u64.checked_shl(self.level).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything there is to tell of a sample.
    fn told(sample: &ValueSample) -> (u32, bool, bool, Vec<Entry>) {
        let entries = sample.entries.sorted();
        (sample.level, sample.has_repeats, sample.is_mixed, entries)
    }

    fn sample(values: &[f64], labels: &[u64], cut: usize, capacity: usize) -> ValueSample {
        let mut all = ValueSample::new(capacity, true);
        for (values, labels) in values.chunks(cut).zip(labels.chunks(cut)) {
            let mut part = ValueSample::new(capacity, true);
            part.extend(values, labels);
            all.merge(&part);
        }
        all
    }

    #[test]
    fn a_code_that_determines_the_label_is_told_from_one_that_does_not() {
        let codes: Vec<f64> = (0..20_000_i32).map(|i| f64::from(i % 3000)).collect();
        let labels: Vec<u64> = codes.iter().map(|code| mix(code.to_bits()) % 2).collect();
        let mut noisy = labels.clone();
        noisy[2_999..]
            .iter_mut()
            .step_by(50)
            .for_each(|label| *label ^= 1);
        for (cut, capacity) in [(100, 64), (4096, 512), (20_000, 10_000)] {
            let found = sample(&codes, &labels, cut, capacity);
            assert!(found.determines() && !found.is_distinct());
            assert!(found.repeats() >= found.sampled() * 5);
            assert!(
                (1_500..6_000).contains(&found.distinct()),
                "{}",
                found.distinct()
            );
            assert!(!sample(&codes, &noisy, cut, capacity).determines());
        }
    }

    proptest! {
        #[test]
        fn distinct_values_stay_distinct_and_one_repeat_of_a_sampled_value_is_seen(
            count in 1_usize..3000,
            capacity in 64_usize..600,
            cut in 1_usize..900,
        ) {
            let values: Vec<f64> = (0..count).map(|i| i as f64 * 0.37 - 5.0).collect();
            let labels = vec![1; count];
            let found = sample(&values, &labels, cut, capacity);
            prop_assert!(found.is_distinct() && found.sampled() <= capacity as u64);
            // The same values in one go: the same sample.
            prop_assert_eq!(told(&found), told(&sample(&values, &labels, count, capacity)));
            let doubled: Vec<f64> = values.iter().chain(&values).copied().collect();
            let again = sample(&doubled, &vec![1; 2 * count], cut, capacity);
            prop_assert!(!again.is_distinct());
        }
    }
}
