//! How reports write numbers and lines. Decimal units (kB, MB) for data, binary ones (KiB, MiB) for
//! memory, as the flags of each do.

use std::fmt::Write as _;

/// Whether a report may use terminal colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Text only.
    Plain,
    /// ANSI escape sequences for labels and warnings.
    Ansi,
}

impl Paint {
    /// A label or heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Something worth a second look.
    pub fn warn(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Something that went wrong.
    pub fn alarm(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi if text.is_empty() => String::new(),
            Self::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// A whole number with a comma between groups of three digits.
///
/// ```
/// assert_eq!(prep_stream::report::count(1_234_567), "1,234,567");
/// ```
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes of data, in powers of 1000 with three digits or so.
///
/// ```
/// assert_eq!(prep_stream::report::bytes_decimal(224_000_000), "224.0 MB");
/// ```
pub fn bytes_decimal(bytes: u64) -> String {
    scaled(bytes, 1000, &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// Bytes of memory, in powers of 1024.
///
/// ```
/// assert_eq!(prep_stream::report::memory_binary(512 << 20), "512.0 MiB");
/// ```
pub fn memory_binary(bytes: u64) -> String {
    scaled(
        bytes,
        1024,
        &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"],
    )
}

fn scaled(bytes: u64, base: u64, units: &[&str]) -> String {
    let mut divisor = 1_u64;
    let mut unit = 0;
    // A value that would round up to the next unit's 1.0 belongs to the next unit.
    while unit + 1 < units.len() && bytes as f64 / divisor as f64 >= base as f64 - 0.05 {
        divisor *= base;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 {
        format!("{bytes} {name}")
    } else {
        format!("{:.1} {name}", bytes as f64 / divisor as f64)
    }
}

/// A share as a percentage with one decimal, more where it would look like all or nothing.
///
/// ```
/// use prep_stream::report::percent;
/// assert_eq!(percent(0.19954), "20.0%");
/// assert_eq!(percent(0.00012), "0.012%");
/// assert_eq!(percent(0.99999), "99.999%");
/// ```
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let distance = percent.min(100.0 - percent);
    if distance <= 0.0 || distance >= 0.1 {
        format!("{percent:.1}%")
    } else {
        format!("{percent:.3}%")
    }
}

/// Seconds as a person reads them: `0.12 s`, `12.3 s`, `2 min 05 s`, `3 h 07 min`.
///
/// ```
/// assert_eq!(prep_stream::report::seconds(125.0), "2 min 05 s");
/// ```
pub fn seconds(seconds: f64) -> String {
    if seconds < 9.995 {
        return format!("{seconds:.2} s");
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = std::time::Duration::try_from_secs_f64(seconds.round())
        .unwrap_or(std::time::Duration::MAX)
        .as_secs();
    if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{} h {:02} min", whole / 3600, whole % 3600 / 60)
    }
}

/// Lines with a label column; an empty label continues the block above.
pub(super) struct Lines {
    text: String,
    paint: Paint,
}

impl Lines {
    pub(super) fn new(paint: Paint) -> Self {
        Self {
            text: String::new(),
            paint,
        }
    }

    pub(super) fn paint(&self) -> Paint {
        self.paint
    }

    pub(super) fn line(&mut self, label: &str, text: &str) {
        let padding = LABEL_WIDTH.saturating_sub(label.len());
        let label = self.paint.bold(label);
        // Writing to a String cannot fail.
        writeln!(self.text, "{label}{:padding$}{text}", "").ok();
    }

    /// Rows of numbers under each other: right-aligned except the first cell.
    pub(super) fn table(&mut self, label: &str, rows: &[Vec<String>]) {
        self.rows(label, rows, |column| column > 0);
    }

    /// Rows of words under each other: left-aligned.
    pub(super) fn list(&mut self, label: &str, rows: &[Vec<String>]) {
        self.rows(label, rows, |_| false);
    }

    /// Each column is as wide as its widest cell.
    fn rows(&mut self, label: &str, rows: &[Vec<String>], is_right: fn(usize) -> bool) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for (index, row) in rows.iter().enumerate() {
            let mut text = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                if is_right(column) {
                    write!(text, "{gap}{cell:>width$}").ok();
                } else {
                    write!(text, "{gap}{cell:<width$}").ok();
                }
            }
            self.line(if index == 0 { label } else { "" }, text.trim_end());
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

const LABEL_WIDTH: usize = 9;

/// "2 empty files, 1 hidden file" from pairs of reason and number.
pub(super) fn skipped(skipped: &[(String, u64)]) -> Option<String> {
    let parts: Vec<String> = skipped
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(reason, number)| format!("{} {reason}", count(*number)))
        .collect();
    (!parts.is_empty()).then(|| format!("skipped {}", parts.join(", ")))
}

/// What a person should know of sides of exact sizes.
pub(super) const EXACT_SIDES: &str = "exact sizes: rows may change sides when rows are added";

/// What decides sides: `by row, seed 42, sample 0.1`.
pub(super) fn split_line(split_by: &str, seed: u64, conditions: &[String]) -> String {
    let mut text = format!("by {}, seed {seed}", printable(split_by));
    for condition in conditions {
        text.push_str(", ");
        text.push_str(&printable(condition));
    }
    text
}

/// The number with its noun, plural where due.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// The first few names and how many more there are.
pub(super) fn first_names(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| printable(name))
        .collect();
    let mut text = shown.join(", ");
    if names.len() > SHOWN {
        write!(text, ", ... and {} more", names.len() - SHOWN).ok();
    }
    text
}

/// A name from the data without the control characters that would move a terminal's cursor.
pub(super) fn printable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}
