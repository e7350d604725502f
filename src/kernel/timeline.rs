//! `Timeline`: the key of any rank among many in an order that nothing is known of, such as that of time.
//!
//! A sweep counts the keys below and inside of a window and samples those inside; the sample says where
//! in the window the wanted rank lies, give or take, and that is the window of the next sweep. It ends
//! when all keys inside of the window fit the sample.
//!
//! Invariant: what is found is exact and follows from the keys alone. Limit: 65,536 keys are held; two
//! sweeps do for two million rows, three for a hundred million.

#[cfg(test)]
mod tests;

/// Keys that a sample holds.
const SAMPLE_KEYS: usize = 64 << 10;

/// A row's place in time: ticks, and its hash among rows of the same time.
pub type TimeKey = (i128, u64);

/// What one sweep, or a part of it, has seen.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// First and last key of the window.
    window: (TimeKey, TimeKey),
    below: u64,
    inside: u64,
    /// Keys inside of the window, those with the smallest orders.
    sample: Vec<(u64, TimeKey)>,
}

/// What a sweep has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The key.
    Key(TimeKey),
    /// The window for another sweep.
    Window(TimeKey, TimeKey),
}

impl Default for Timeline {
    /// Nothing seen yet, in a window that holds every key.
    fn default() -> Self {
        Self::within((i128::MIN, 0), (i128::MAX, u64::MAX))
    }
}

impl Timeline {
    /// Nothing seen yet, in the window from `first` to `last`.
    pub fn within(first: TimeKey, last: TimeKey) -> Self {
        Self {
            window: (first, last),
            below: 0,
            inside: 0,
            sample: Vec::new(),
        }
    }

    /// Takes in a key; `order` is a hash that has nothing to do with it.
    #[inline]
    pub fn push(&mut self, key: TimeKey, order: u64) {
        if key < self.window.0 {
            self.below += 1;
        } else if key <= self.window.1 {
            self.inside += 1;
            self.sample.push((order, key));
            if self.sample.len() >= 2 * SAMPLE_KEYS {
                self.tidy();
            }
        }
    }

    /// Takes in what another part of the sweep has seen.
    pub fn merge(&mut self, other: &Self) {
        self.below += other.below;
        self.inside += other.inside;
        self.sample.extend_from_slice(&other.sample);
        self.tidy();
    }

    /// Drops what isn't among the smallest orders.
    pub fn tidy(&mut self) {
        if self.sample.len() > SAMPLE_KEYS {
            self.sample.sort_unstable();
            self.sample.truncate(SAMPLE_KEYS);
        }
    }

    /// How many keys there are up to the end of the window.
    pub fn rows(&self) -> u64 {
        self.below + self.inside
    }

    /// The key that `rank` others are below, or where to look for it.
    ///
    /// ```
    /// use prep_stream::kernel::{Found, Timeline};
    ///
    /// let mut timeline = Timeline::default();
    /// [7, 3, 5].into_iter().for_each(|time| timeline.push((time, 0), 0));
    /// assert_eq!(timeline.find(1), Found::Key((5, 0)));
    /// ```
    pub fn find(&self, rank: u64) -> Found {
        let everywhere = Self::default().window;
        let within = rank
            .checked_sub(self.below)
            .filter(|rank| *rank < self.inside);
        let mut keys: Vec<TimeKey> = self.sample.iter().map(|(_, key)| *key).collect();
        keys.sort_unstable();
        let Some(rank) = within else {
            // The window missed it: once in 10^15 sweeps.
            return Found::Window(everywhere.0, everywhere.1);
        };
        if self.inside == keys.len() as u64 {
            let index = usize::try_from(rank).unwrap_or(usize::MAX);
            return keys
                .get(index)
                .map_or(Found::Window(everywhere.0, everywhere.1), |key| {
                    Found::Key(*key)
                });
        }
        let (place, spread) = place(rank, self.inside, keys.len());
        let first = place.checked_sub(spread).and_then(|index| keys.get(index));
        let last = keys.get(place.saturating_add(spread));
        Found::Window(
            *first.unwrap_or(&self.window.0),
            *last.unwrap_or(&self.window.1),
        )
    }
}

/// Where in a sample of `keys` keys the one of this rank is expected, and how far from it at most: eight
/// standard deviations.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "parts of a sample of 65,536"
)]
fn place(rank: u64, inside: u64, keys: usize) -> (usize, usize) {
    let (share, keys) = (rank as f64 / inside as f64, keys as f64);
    let spread = 8.0 * (keys * share * (1.0 - share)).sqrt() + 8.0;
    ((share * keys) as usize, spread as usize)
}
