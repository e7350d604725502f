//! Progress as lines of text, for logs: every ten seconds and at the end of each pass.

use prep_stream::engine::{Event, Observer};
use prep_stream::report::{bytes_decimal, count, percent, seconds};

use super::meter::{Meters, Moment, Progress};
use crate::cli::terminal;

/// Writes lines.
pub(super) struct Lines(Meters);

impl Lines {
    pub(super) fn new() -> Self {
        Self(Meters::new())
    }
}

impl Observer for Lines {
    fn event(&self, event: &Event) {
        if let Some(line) = self.0.record(event).and_then(|moment| line(&moment)) {
            terminal::note(&line);
        }
    }
}

fn line(moment: &Moment<'_>) -> Option<String> {
    match moment {
        Moment::Started(_) => None,
        Moment::Advanced(progress) => {
            let mut parts = Vec::new();
            parts.extend(progress.share().map(percent));
            parts.extend(amounts(progress));
            parts.extend(
                progress
                    .seconds_left()
                    .map(|left| format!("{} left", seconds(left))),
            );
            Some(format!("prep: {}: {}", progress.pass, parts.join(", ")))
        }
        Moment::Finished(progress) => {
            let mut parts = vec![format!("done in {}", seconds(progress.seconds))];
            parts.extend(amounts(progress));
            Some(format!("prep: {}: {}", progress.pass, parts.join(", ")))
        }
        Moment::Warning(text) => Some(format!("prep: warning: {text}")),
    }
}

fn amounts(progress: &Progress) -> Vec<String> {
    let mut parts = Vec::new();
    if progress.rows > 0 {
        parts.push(format!("{} rows", count(progress.rows)));
    }
    if progress.bytes > 0 {
        parts.push(bytes_decimal(progress.bytes));
    }
    parts.extend(progress.rate().map(|rate| format!("{rate:.1} MB/s")));
    parts
}

#[cfg(test)]
mod tests {
    use prep_stream::engine::Pass;

    use super::*;

    #[test]
    fn lines_say_pass_amount_rate_and_time_left() {
        let progress = Progress {
            pass: Pass::Write,
            rows: 1_250_000,
            bytes: 50_000_000,
            rows_total: Some(5_000_000),
            bytes_total: Some(200_000_000),
            seconds: 10.0,
        };
        let cases = [
            (Moment::Started(progress), None),
            (
                Moment::Advanced(progress),
                Some("prep: write: 25.0%, 1,250,000 rows, 50.0 MB, 5.0 MB/s, 30.0 s left"),
            ),
            (
                Moment::Finished(progress),
                Some("prep: write: done in 10.0 s, 1,250,000 rows, 50.0 MB, 5.0 MB/s"),
            ),
            (Moment::Warning("beware"), Some("prep: warning: beware")),
        ];
        for (moment, expected) in cases {
            assert_eq!(line(&moment).as_deref(), expected);
        }
    }
}
