//! Points in time, of any unit, exactly; and how people write them.
//!
//! Invariant: a moment has one form, whatever unit it was stored in; the order of moments is that of
//! time. Limit: no time zones: what is stored as local time is compared as it is written.

use std::fmt;
use std::str::FromStr;

#[cfg(test)]
mod tests;

/// A point in time: seconds since 1970 (a time of day: since midnight) and nanoseconds after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

const NANOS: i64 = 1_000_000_000;

impl Moment {
    /// `count` units of which `per_second` make a second: 1, 1,000, 1,000,000 or 1,000,000,000.
    ///
    /// ```
    /// use prep_stream::kernel::Moment;
    ///
    /// assert_eq!(Moment::of_units(-1, 1_000), Moment { seconds: -1, nanos: 999_000_000 });
    /// ```
    pub fn of_units(count: i64, per_second: u32) -> Self {
        let per_second = i64::from(per_second.max(1));
        let part = count.rem_euclid(per_second) * (NANOS / per_second);
        Self {
            seconds: count.div_euclid(per_second),
            nanos: u32::try_from(part).unwrap_or(0),
        }
    }

    /// Midnight at the beginning of a day, counted from 1970-01-01.
    pub fn of_day(day: i64) -> Self {
        Self {
            seconds: day.saturating_mul(86_400),
            nanos: 0,
        }
    }

    /// Nanoseconds since 1970.
    pub fn total_nanos(self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanos)
    }
}

impl fmt::Display for Moment {
    /// Date and time, `2024-01-31 08:30:00`, with as many decimals as there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The inverse of `day_of` (Hinnant's `civil_from_days`).
        let shifted = i128::from(self.seconds.div_euclid(86_400)) + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let march = (5 * of_year + 2) / 153;
        let (day, month) = (of_year - (153 * march + 2) / 5 + 1, (march + 2) % 12 + 1);
        let year = year + era * 400 + i128::from(month <= 2);
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02}",
            second % 60
        )?;
        match self.nanos {
            0 => Ok(()),
            nanos => f.write_str(format!(".{nanos:09}").trim_end_matches('0')),
        }
    }
}

/// A text that is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a date or time like 2024-01-31, 2024-01-31T08:30:00 or 08:30:00")]
pub struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    /// Reads `2024-01-31`, `2024-01-31T08:30`, `2024-01-31 08:30:00.25Z`, and `08:30:00` alone.
    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let text = text.trim();
        let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let (day, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (day_of(date)?, time_of(time.trim_start())?),
            None if text.contains(':') => (0, time_of(text)?),
            None => (day_of(text)?, (0, 0)),
        };
        Ok(Self {
            seconds: Self::of_day(day).seconds + time.0,
            nanos: time.1,
        })
    }
}

/// A whole number of exactly so many digits.
fn digits(text: &str, count: usize) -> Result<i64, NoMoment> {
    let is_whole = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_whole.then(|| text.parse().ok()).flatten();
    number.ok_or(NoMoment)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn day_of(date: &str) -> Result<i64, NoMoment> {
    let (year, rest) = date.split_once('-').ok_or(NoMoment)?;
    let (month, day) = rest.split_once('-').ok_or(NoMoment)?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return Err(NoMoment),
    };
    if !(1..=last).contains(&day) {
        return Err(NoMoment);
    }
    // Years begin in March, so that the leap day is the last of one.
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Ok(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Seconds and nanoseconds since midnight.
fn time_of(time: &str) -> Result<(i64, u32), NoMoment> {
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let (hour, rest) = time.split_once(':').ok_or(NoMoment)?;
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "00"));
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if hour > 23 || minute > 59 || second > 59 || fraction.len() > 9 {
        return Err(NoMoment);
    }
    let nanos = digits(&format!("{fraction:0<9}"), 9)?;
    let nanos = u32::try_from(nanos).ok().ok_or(NoMoment)?;
    Ok((hour * 3600 + minute * 60 + second, nanos))
}
