//! Mode `time`, again: where sides end in the order of time, and the side of every row.
//!
//! Where they end at rows of a rank, the rank's key is found by reading all times several times: each
//! reading samples the keys between two that the wanted one lies between, and so narrows them about a
//! hundredfold, until the sample holds all of them.

use super::ranks::{HeldOut, Size, held_out};
use super::rows::Span;
use super::sides::{LEFT_OUT, TEST, TRAIN, VAL, mix, row_hashes};
use super::values::{Held, each};
use crate::error::Result;
use crate::source::discover::InputFile;

/// Nanoseconds of a second, and a plain number's one.
const TICKS: i128 = 1_000_000_000;

/// Keys that a sample holds at most.
const SAMPLE_KEYS: usize = 1 << 17;

/// A row's place: its time, and its hash among rows of the same time.
type Key = (i128, u64);

const FIRST: Key = (i128::MIN, 0);
const LAST: Key = (i128::MAX, u64::MAX);

/// The sides that times give.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) column: String,
    pub(super) seed: u64,
    pub(super) gap: i128,
    /// Sizes of test and val, unless the cuts are given.
    pub(super) sizes: Option<[Size; 2]>,
    pub(super) has_val: bool,
    /// The first keys of val, if there is a val side, and test.
    pub(super) cuts: Vec<Key>,
}

/// Keys between two, both included.
#[derive(Debug)]
struct Window {
    first: Key,
    last: Key,
    below: u64,
    inside: u64,
    /// A key is in the sample if its order is at most this.
    order_max: u64,
    sample: Vec<(u64, Key)>,
}

/// What a reading has found.
#[derive(Debug, PartialEq)]
enum Found {
    /// The key that as many others as wanted are below.
    Key(Key),
    /// It is between these.
    Within(Key, Key),
}

impl Times {
    /// The sides of the rows of a span; rows without a time are on none.
    pub(super) fn sides(&self, span: &Span<'_>, inputs: &[InputFile]) -> Result<Vec<u8>> {
        let keys = self.keys(span, inputs)?;
        Ok(keys.into_iter().map(|key| self.side(key)).collect())
    }

    fn side(&self, key: Option<Key>) -> u8 {
        let Some(key) = key else {
            return LEFT_OUT;
        };
        let Some(cut) = self.cuts.iter().position(|cut| key < *cut) else {
            return TEST;
        };
        if self.gap > 0 && key.0 >= self.cuts[cut].0.saturating_sub(self.gap) {
            return LEFT_OUT;
        }
        match self.has_val && cut == 1 {
            true => VAL,
            false => TRAIN,
        }
    }

    fn keys(&self, span: &Span<'_>, inputs: &[InputFile]) -> Result<Vec<Option<Key>>> {
        let mut keys = vec![None; span.rows()];
        let hashes: Vec<u64> = row_hashes(self.seed, 0, span, inputs).collect();
        each(span, &self.column, inputs, &mut |row, _, held| {
            keys[row] = ticks(&held).map(|ticks| (ticks, hashes[row]));
        })?;
        Ok(keys)
    }

    /// Finds where sides of given sizes end; `read` calls what it is given with each span and whether
    /// each of its rows is used.
    ///
    /// # Errors
    /// When the column can't be read.
    pub(super) fn settle(
        &mut self,
        inputs: &[InputFile],
        mut read: impl FnMut(&mut dyn FnMut(&Span<'_>, &[bool]) -> Result<()>) -> Result<()>,
    ) -> Result<Option<()>> {
        let Some([test, val]) = self.sizes else {
            return Ok(Some(()));
        };
        let mut sweep = |window: &mut Window| {
            read(&mut |span, used| {
                for (key, is_used) in self.keys(span, inputs)?.into_iter().zip(used) {
                    if let (Some(key), true) = (key, is_used) {
                        window.push(key);
                    }
                }
                Ok(())
            })
        };
        let mut whole = Window::new(FIRST, LAST);
        sweep(&mut whole)?;
        let rows = whole.inside;
        let Some(HeldOut { test, both }) = held_out(test, val, rows) else {
            return Ok(None);
        };
        let mut cuts = Vec::new();
        for rank in [rows - both, rows - test] {
            let mut found = whole.find(rank);
            // One reading narrows the window a hundredfold, and misses once in 10^15 times.
            let key = loop {
                match found {
                    Found::Key(key) => break key,
                    Found::Within(first, last) => {
                        let mut window = Window::new(first, last);
                        sweep(&mut window)?;
                        found = window.find(rank);
                    }
                }
            };
            cuts.push(key);
        }
        cuts.drain(..usize::from(!self.has_val));
        self.cuts = cuts;
        Ok(Some(()))
    }
}

impl Window {
    fn new(first: Key, last: Key) -> Self {
        Self {
            first,
            last,
            below: 0,
            inside: 0,
            order_max: u64::MAX,
            sample: Vec::new(),
        }
    }

    fn push(&mut self, key: Key) {
        if key < self.first {
            self.below += 1;
            return;
        }
        if key > self.last {
            return;
        }
        self.inside += 1;
        let order = mix(key.1);
        if order <= self.order_max {
            self.sample.push((order, key));
        }
        if self.sample.len() > SAMPLE_KEYS {
            self.order_max /= 2;
            let order_max = self.order_max;
            self.sample.retain(|(order, _)| *order <= order_max);
        }
    }

    fn find(&self, rank: u64) -> Found {
        if rank >= self.below + self.inside && self.last == LAST {
            // A side of no rows begins after all others.
            return Found::Key(LAST);
        }
        let within = rank.checked_sub(self.below);
        let Some(rank) = within.filter(|rank| *rank < self.inside) else {
            return Found::Within(FIRST, LAST);
        };
        let mut keys: Vec<Key> = self.sample.iter().map(|(_, key)| *key).collect();
        keys.sort_unstable();
        let sampled = keys.len() as u64;
        let place = u128::from(rank) * u128::from(sampled) / u128::from(self.inside);
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let (u64::MAX, Some(key)) = (self.order_max, keys.get(place)) {
            return Found::Key(*key);
        }
        let margin = 8 + 4 * usize::try_from(sampled.isqrt()).unwrap_or(0);
        let first = place.checked_sub(margin).and_then(|place| keys.get(place));
        let last = keys.get(place.saturating_add(margin));
        Found::Within(*first.unwrap_or(&self.first), *last.unwrap_or(&self.last))
    }
}

/// What a row holds, as a time: numbers count in their own unit.
fn ticks(held: &Held) -> Option<i128> {
    match held {
        Held::Null | Held::Boolean(_) => None,
        Held::Whole(value) => Some(value * TICKS),
        Held::Number(value) => number_ticks(*value),
        Held::Nanos(nanos) => Some(*nanos),
        Held::Bytes(bytes) => nanos_of(std::str::from_utf8(bytes.data()).ok()?),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, which keeps the order"
)]
fn number_ticks(value: f64) -> Option<i128> {
    (!value.is_nan()).then(|| (value * 1e9).round() as i128)
}

/// A cutoff: a number, or a date or time.
pub(super) fn cutoff(text: &str) -> Option<i128> {
    match text.parse::<i64>() {
        Ok(whole) => Some(i128::from(whole) * TICKS),
        Err(_) => text
            .parse()
            .ok()
            .and_then(number_ticks)
            .or_else(|| nanos_of(text)),
    }
}

/// A gap: a number, or a length of time.
pub(super) fn gap(text: &str) -> Option<i128> {
    match text.parse::<f64>() {
        Ok(_) => cutoff(text),
        Err(_) => i128::try_from(humantime::parse_duration(text).ok()?.as_nanos()).ok(),
    }
}

/// Nanoseconds since 1970 of `2024-01-31`, `2024-01-31T08:30`, `2024-01-31 08:30:00.5Z`; those since
/// midnight of `08:30:00`.
pub(super) fn nanos_of(text: &str) -> Option<i128> {
    let text = text.trim().trim_end_matches(['Z', 'z']);
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (Some(date), Some(time.trim_start())),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let day = date.map_or(Some(0), day_of)?;
    let mut seconds = 0;
    let mut nanos = 0;
    if let Some(time) = time {
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut parts = clock.split(':').map(|part| part.parse::<i128>().ok());
        seconds = parts.next()?? * 3600 + parts.next()?? * 60 + parts.next().unwrap_or(Some(0))?;
        nanos = format!("{fraction:0<9}").parse().ok()?;
    }
    Some((day * 86_400 + seconds) * TICKS + nanos)
}

/// Days since 1970, by counting years, leap days, and the days before each month.
fn day_of(date: &str) -> Option<i128> {
    const BEFORE: [i128; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i128>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let leap_days = |year: i128| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let is_leap = leap_days(year) > leap_days(year - 1);
    let before = BEFORE.get(usize::try_from(month - 1).ok()?)?;
    let leap_day = i128::from(is_leap && month > 2);
    let years = 365 * (year - 1970) + leap_days(year - 1) - leap_days(1969);
    Some(years + before + leap_day + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2000-03-01T00:00:01Z", 951_868_801),
            ("1900-03-01", -2_203_891_200),
            ("0001-01-01", -62_135_596_800),
            ("2024-01-31 08:30", 1_706_689_800),
            ("08:30:00", 30_600),
        ] {
            assert_eq!(nanos_of(text), Some(seconds * TICKS), "{text}");
        }
        assert_eq!(nanos_of("1970-01-01T00:00:00.5"), Some(TICKS / 2));
        assert_eq!(nanos_of("yesterday"), None);
    }

    #[test]
    fn any_rank_of_more_keys_than_a_sample_holds_is_found() {
        let keys: Vec<Key> = (0..400_000_u64)
            .map(|row| (i128::from(row % 7), mix(row)))
            .collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        for rank in [0_u32, 1, 57_143, 200_000, 399_999] {
            let mut found = Found::Within(FIRST, LAST);
            for _ in 0..4 {
                let Found::Within(first, last) = found else {
                    break;
                };
                let mut window = Window::new(first, last);
                keys.iter().for_each(|key| window.push(*key));
                found = window.find(rank.into());
            }
            assert_eq!(found, Found::Key(sorted[rank as usize]), "{rank}");
        }
    }
}
