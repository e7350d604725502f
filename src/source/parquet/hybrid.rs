//! `Hybrid`: numbers in the hybrid of run lengths and bit packing of the Parquet format, read in runs of
//! any length.
//!
//! Invariant: never reads past its bytes; what ends early or is no hybrid is `None`. A whole group of eight
//! packed numbers is unpacked with its width known to the compiler.

use bytes::Bytes;

/// Numbers that are packed together.
const GROUP: usize = 8;
/// Readable bytes behind a group, so that each of its numbers is in eight bytes.
const WORD_BYTES: usize = 8;
/// The widest numbers.
pub(super) const WIDTH_MAX: u8 = 32;

/// Reads the numbers.
#[derive(Debug, Clone)]
pub(super) struct Hybrid {
    bytes: Bytes,
    width: u8,
    /// Where the next run begins.
    next: usize,
    run: Run,
}

#[derive(Debug, Clone, Copy)]
enum Run {
    /// The same number so many times.
    Repeated { value: u32, left: usize },
    /// Numbers that are packed from a place on: how many, and how many of them are read.
    Packed {
        start: usize,
        count: usize,
        read: usize,
    },
}

impl Hybrid {
    /// Numbers of so many bits; `None` if they are too wide.
    pub(super) fn new(bytes: Bytes, width: u8) -> Option<Self> {
        (width <= WIDTH_MAX).then_some(Self {
            bytes,
            width,
            next: 0,
            run: Run::Repeated { value: 0, left: 0 },
        })
    }

    /// Appends the next `count` numbers.
    pub(super) fn read(&mut self, count: usize, into: &mut Vec<u32>) -> Option<()> {
        into.reserve(count);
        let mut left = count;
        while left > 0 {
            let taken = self.available()?.min(left);
            match self.run {
                Run::Repeated { value, .. } => into.resize(into.len() + taken, value),
                Run::Packed { start, read, .. } => self.unpack(start, read..read + taken, into)?,
            }
            self.advance(taken);
            left -= taken;
        }
        Some(())
    }

    /// Passes over the next `count` numbers.
    pub(super) fn skip(&mut self, mut count: usize) -> Option<()> {
        while count > 0 {
            let taken = self.available()?.min(count);
            self.advance(taken);
            count -= taken;
        }
        Some(())
    }

    /// Whether each of the next `count` numbers is `value` and that is said at once; they are passed over
    /// then.
    pub(super) fn skip_repeated(&mut self, count: usize, wanted: u32) -> Option<bool> {
        if count == 0 {
            return Some(true);
        }
        let available = self.available()?;
        let is_repeated = matches!(self.run, Run::Repeated { value, .. } if value == wanted);
        let is_whole = is_repeated && available >= count;
        if is_whole {
            self.advance(count);
        }
        Some(is_whole)
    }

    /// How many numbers of this run are left, at least one: of the next if this one is over.
    fn available(&mut self) -> Option<usize> {
        loop {
            let left = match self.run {
                Run::Repeated { left, .. } => left,
                Run::Packed { count, read, .. } => count - read,
            };
            if left > 0 {
                return Some(left);
            }
            self.begin_run()?;
        }
    }

    fn advance(&mut self, count: usize) {
        match &mut self.run {
            Run::Repeated { left, .. } => *left -= count,
            Run::Packed { read, .. } => *read += count,
        }
    }

    fn begin_run(&mut self) -> Option<()> {
        let header = self.varint()?;
        let count = usize::try_from(header >> 1).ok()?;
        // Without numbers, the next run may as well never come.
        if count == 0 {
            return None;
        }
        if header & 1 == 0 {
            let length = usize::from(self.width).div_ceil(8);
            let stored = self.bytes.get(self.next..self.next + length)?;
            let mut value = [0; 4];
            value[..length].copy_from_slice(stored);
            let value = u32::from_le_bytes(value);
            if u64::from(value) > mask(self.width.into()) {
                return None;
            }
            self.run = Run::Repeated { value, left: count };
            self.next += length;
            return Some(());
        }
        // Groups; the last one of a page may lack the bytes that nobody needs.
        let start = self.next;
        let length = count.checked_mul(usize::from(self.width))?;
        self.next = start.checked_add(length)?.min(self.bytes.len());
        let count = count.checked_mul(GROUP)?;
        self.run = Run::Packed {
            start,
            count,
            read: 0,
        };
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = *self.bytes.get(self.next)?;
            self.next += 1;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    /// Appends some numbers of those packed from `start` on.
    fn unpack(
        &self,
        start: usize,
        numbers: std::ops::Range<usize>,
        into: &mut Vec<u32>,
    ) -> Option<()> {
        let packed = self.bytes.get(start..)?;
        let mut next = numbers.start;
        while next < numbers.end && !next.is_multiple_of(GROUP) {
            into.push(self.one(packed, next)?);
            next += 1;
        }
        let groups = (numbers.end - next) / GROUP;
        let from = packed.get(next / GROUP * usize::from(self.width)..)?;
        next += unpack_groups(self.width, from, groups, into) * GROUP;
        while next < numbers.end {
            into.push(self.one(packed, next)?);
            next += 1;
        }
        Some(())
    }

    fn one(&self, packed: &[u8], index: usize) -> Option<u32> {
        let width = usize::from(self.width);
        let first = index.checked_mul(width)?;
        let end = (first + width).div_ceil(8);
        let there = packed.get(first / 8..end)?;
        let mut word = [0; WORD_BYTES];
        word[..there.len()].copy_from_slice(there);
        let value = u64::from_le_bytes(word) >> (first % 8) & mask(width);
        u32::try_from(value).ok()
    }
}

fn mask(width: usize) -> u64 {
    (1 << width) - 1
}

/// Unpacks as many whole groups as can be read eight bytes at a time; returns how many.
fn unpack_groups(width: u8, packed: &[u8], groups: usize, into: &mut Vec<u32>) -> usize {
    macro_rules! of_width {
        ($($width:literal)*) => {
            match width {
                $($width => unpack_wide::<$width>(packed, groups, into),)*
                _ => 0,
            }
        };
    }
    of_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)
}

#[expect(clippy::cast_possible_truncation, reason = "masked to at most 32 bits")]
fn unpack_wide<const WIDTH: usize>(packed: &[u8], groups: usize, into: &mut Vec<u32>) -> usize {
    let readable = packed.len().saturating_sub(WORD_BYTES) / WIDTH;
    let groups = groups.min(readable);
    let first = into.len();
    into.resize(first + groups * GROUP, 0);
    let (out, _) = into[first..].as_chunks_mut::<GROUP>();
    for (group, out) in out.iter_mut().enumerate() {
        let from = group * WIDTH;
        let Some(bytes) = packed.get(from..from + WIDTH + WORD_BYTES) else {
            return group;
        };
        for (index, out) in out.iter_mut().enumerate() {
            let bit = index * WIDTH;
            if let Some(word) = bytes[bit / 8..].first_chunk() {
                *out = (u64::from_le_bytes(*word) >> (bit % 8) & mask(WIDTH)) as u32;
            }
        }
    }
    groups
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "bytes of numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs of numbers, the way the format has them, bit by bit.
    fn encoded(runs: &[(bool, Vec<u32>)], width: u8) -> (Vec<u8>, Vec<u32>) {
        let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
        let varint = |mut number: usize, bytes: &mut Vec<u8>| {
            while number > 127 {
                bytes.push((number & 127) as u8 | 128);
                number >>= 7;
            }
            bytes.push(number as u8);
        };
        for (is_packed, values) in runs {
            if !is_packed {
                varint(values.len() << 1, &mut bytes);
                let length = usize::from(width).div_ceil(8);
                bytes.extend(&values[0].to_le_bytes()[..length]);
                numbers.extend(vec![values[0]; values.len()]);
                continue;
            }
            let values: Vec<u32> = values.iter().copied().chain([0; 7]).collect();
            let values = &values[..values.len() / 8 * 8];
            varint((values.len() / 8) << 1 | 1, &mut bytes);
            let bits = values
                .iter()
                .flat_map(|value| (0..width).map(move |bit| value >> bit & 1));
            let bits: Vec<u32> = bits.collect();
            bytes.extend(bits.chunks(8).map(|byte| {
                byte.iter()
                    .enumerate()
                    .map(|(place, bit)| (*bit as u8) << place)
                    .sum::<u8>()
            }));
            numbers.extend(values);
        }
        (bytes, numbers)
    }

    proptest! {
        #[test]
        fn numbers_are_read_and_passed_over_in_any_steps(
            width in 0_u8..=32,
            runs in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u32>(), 1..300)), 1..6),
            steps in prop::collection::vec((any::<bool>(), 0_usize..90), 1..9),
        ) {
            let narrow = |value: &u32| u32::try_from(u64::from(*value) & mask(width.into())).unwrap();
            let runs: Vec<_> = runs
                .iter()
                .map(|(packed, values)| (*packed, values.iter().map(narrow).collect()))
                .collect();
            let (bytes, numbers) = encoded(&runs, width);
            let mut hybrid = Hybrid::new(Bytes::from(bytes), width).unwrap();
            let (mut at, mut steps) = (0, steps.iter().cycle());
            let mut fruitless = 0;
            while at < numbers.len() && fruitless < 9 {
                let (skips, step) = steps.next().unwrap();
                let step = (*step).min(numbers.len() - at);
                fruitless = if step == 0 { fruitless + 1 } else { 0 };
                if *skips {
                    hybrid.skip(step).unwrap();
                } else {
                    let mut read = Vec::new();
                    hybrid.read(step, &mut read).unwrap();
                    prop_assert_eq!(&read, &numbers[at..at + step]);
                }
                at += step;
            }
            if at == numbers.len() {
                prop_assert!(hybrid.read(1, &mut Vec::new()).is_none());
            }
        }

        #[test]
        fn any_bytes_end_somewhere(bytes in prop::collection::vec(any::<u8>(), 0..80), width in 0_u8..=40) {
            if let Some(mut hybrid) = Hybrid::new(Bytes::from(bytes), width) {
                let mut read = Vec::new();
                let _ = hybrid.read(1000, &mut read);
                prop_assert!(read.len() <= 1000);
                prop_assert!(read.iter().all(|value| u64::from(*value) <= mask(width.into())));
            }
        }
    }

    #[test]
    fn a_repeated_number_is_known_at_once() {
        // Ten times 1, then 0 1 0 1 0 1 0 1.
        let mut hybrid = Hybrid::new(Bytes::from_static(&[20, 1, 3, 0b1010_1010]), 1).unwrap();
        assert_eq!(hybrid.skip_repeated(4, 1), Some(true));
        assert_eq!(hybrid.skip_repeated(6, 0), Some(false));
        assert_eq!(hybrid.skip_repeated(7, 1), Some(false));
        assert_eq!(hybrid.skip_repeated(6, 1), Some(true));
        assert_eq!(hybrid.skip_repeated(8, 1), Some(false));
        let mut rest = Vec::new();
        hybrid.read(8, &mut rest).unwrap();
        assert_eq!(rest, [0, 1, 0, 1, 0, 1, 0, 1]);
        assert_eq!(hybrid.skip_repeated(1, 1), None);
    }
}
