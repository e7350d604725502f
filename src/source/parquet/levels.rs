//! Repetition levels of a page: how many slots its longest row has, before any of them is decoded.

/// Slots of the longest row, or part of one, among `slots` of a page whose repetition levels, of so
/// many bits each, are these (the hybrid of run lengths and bit packing of the Parquet format). `None`
/// if that isn't what they are.
pub(super) fn longest_row(levels: &[u8], bits: u32, slots: u64) -> Option<u64> {
    let mut levels = Levels { bytes: levels };
    let (mut longest, mut row, mut left) = (0, 0, slots);
    let mut take = |level_is_zero: bool, count: u64| {
        if count == 0 {
            return;
        }
        // Each zero begins a row.
        row = match level_is_zero {
            true => 1,
            false => row + count,
        };
        longest = longest.max(row);
    };
    while left > 0 {
        let header = levels.varint()?;
        let count = header >> 1;
        if header & 1 == 0 {
            let value = levels.take(u64::from(bits).div_ceil(8))?;
            let count = count.min(left);
            take(value.iter().all(|byte| *byte == 0), count);
            left -= count;
            if count == 0 {
                return None;
            }
            continue;
        }
        // Groups of eight.
        let packed = levels.take(count.checked_mul(u64::from(bits))?)?;
        let count = count.checked_mul(8)?.min(left);
        for index in 0..count {
            take(is_zero(packed, index * u64::from(bits), bits), 1);
        }
        left -= count;
        if count == 0 {
            return None;
        }
    }
    Some(longest)
}

/// Whether the bits from this one on are all zero.
fn is_zero(packed: &[u8], first: u64, bits: u32) -> bool {
    (first..first + u64::from(bits)).all(|bit| {
        let byte = usize::try_from(bit / 8)
            .ok()
            .and_then(|index| packed.get(index));
        byte.is_none_or(|byte| byte >> (bit % 8) & 1 == 0)
    })
}

struct Levels<'a> {
    bytes: &'a [u8],
}

impl<'a> Levels<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(usize::try_from(count).ok()?)?;
        self.bytes = rest;
        Some(taken)
    }

    /// A number of seven bits a byte, the lowest first.
    fn varint(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_in_runs_and_in_packed_levels() {
        // 0 1 1 1 0 0 1 0, packed, then five times 1: the last row goes on.
        let mixed = [0b11, 0b0100_1110, 10, 1];
        assert_eq!(longest_row(&mixed, 1, 13), Some(6));
        assert_eq!(longest_row(&mixed, 1, 8), Some(4));
        // A thousand rows of one slot.
        assert_eq!(longest_row(&[0xd0, 0x0f, 0], 1, 1000), Some(1));
        // A page that is the middle of a row, of two bits a level.
        assert_eq!(longest_row(&[0xd0, 0x0f, 2], 2, 1000), Some(1000));
        // 0 2 1 0 3 0 0 0 with two bits each.
        assert_eq!(
            longest_row(&[0b11, 0b0001_1000, 0b0000_0011], 2, 8),
            Some(3)
        );
        assert_eq!(longest_row(&[], 1, 0), Some(0));
    }

    #[test]
    fn levels_that_end_early_or_never_are_none() {
        for wrong in [
            &[][..],
            &[0x80],
            &[0b11],
            &[0, 0, 0, 0],
            &[1, 1],
            &[0xff; 12],
        ] {
            assert_eq!(longest_row(wrong, 1, 100), None, "{wrong:?}");
        }
    }
}
