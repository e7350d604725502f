//! Counts what passes have done, and says when it is time to tell. Atomics alone, no locks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use prep_stream::engine::{Event, Pass};

/// Milliseconds between two progress lines of a pass.
const INTERVAL_MILLIS: u64 = 10_000;

/// Stands for a total that isn't known.
const UNKNOWN: u64 = u64::MAX;

/// Counters of every pass.
pub(super) struct Meters {
    clock: Instant,
    passes: [Meter; 6],
}

#[derive(Default)]
struct Meter {
    rows: AtomicU64,
    bytes: AtomicU64,
    rows_total: AtomicU64,
    bytes_total: AtomicU64,
    started_millis: AtomicU64,
    due_millis: AtomicU64,
}

/// What a pass has done so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Progress {
    pub(super) pass: Pass,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) rows_total: Option<u64>,
    pub(super) bytes_total: Option<u64>,
    pub(super) seconds: f64,
}

/// Something worth a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Moment<'a> {
    Started(Progress),
    Advanced(Progress),
    Finished(Progress),
    Warning(&'a str),
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            clock: Instant::now(),
            passes: Default::default(),
        }
    }

    /// Counts an event; returns what to tell, if it is time.
    pub(super) fn record<'a>(&self, event: &'a Event) -> Option<Moment<'a>> {
        let now = self.millis();
        match event {
            Event::Started {
                pass,
                rows_total,
                bytes_total,
            } => {
                let meter = self.meter(*pass)?;
                meter
                    .rows_total
                    .store(rows_total.unwrap_or(UNKNOWN), Relaxed);
                meter
                    .bytes_total
                    .store(bytes_total.unwrap_or(UNKNOWN), Relaxed);
                meter.started_millis.store(now, Relaxed);
                meter.due_millis.store(now + INTERVAL_MILLIS, Relaxed);
                Some(Moment::Started(self.progress(*pass)?))
            }
            Event::Advanced { pass, rows, bytes } => {
                let meter = self.meter(*pass)?;
                meter.rows.fetch_add(*rows, Relaxed);
                meter.bytes.fetch_add(*bytes, Relaxed);
                let due = meter.due_millis.load(Relaxed);
                // Of several threads that find the line due, the one that moves the date tells.
                let is_ours = now >= due
                    && meter
                        .due_millis
                        .compare_exchange(due, now + INTERVAL_MILLIS, Relaxed, Relaxed)
                        .is_ok();
                is_ours
                    .then(|| self.progress(*pass))
                    .flatten()
                    .map(Moment::Advanced)
            }
            Event::Finished { pass, seconds } => {
                let progress = self.progress(*pass)?;
                Some(Moment::Finished(Progress {
                    seconds: *seconds,
                    ..progress
                }))
            }
            Event::Warning(text) => Some(Moment::Warning(text)),
            _ => None,
        }
    }

    fn meter(&self, pass: Pass) -> Option<&Meter> {
        self.passes.get(pass as usize)
    }

    fn progress(&self, pass: Pass) -> Option<Progress> {
        let meter = self.meter(pass)?;
        let total = |cell: &AtomicU64| Some(cell.load(Relaxed)).filter(|total| *total != UNKNOWN);
        let millis = self
            .millis()
            .saturating_sub(meter.started_millis.load(Relaxed));
        Some(Progress {
            pass,
            rows: meter.rows.load(Relaxed),
            bytes: meter.bytes.load(Relaxed),
            rows_total: total(&meter.rows_total),
            bytes_total: total(&meter.bytes_total),
            seconds: millis as f64 / 1e3,
        })
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Progress {
    /// The part that is done, by bytes or else by rows.
    pub(super) fn share(&self) -> Option<f64> {
        let of = |done: u64, total: Option<u64>| {
            let total = total.filter(|total| *total > 0)?;
            Some((done as f64 / total as f64).min(1.0))
        };
        of(self.bytes, self.bytes_total).or_else(|| of(self.rows, self.rows_total))
    }

    /// Seconds left at the pace so far.
    pub(super) fn seconds_left(&self) -> Option<f64> {
        let share = self.share().filter(|share| *share > 0.0)?;
        Some(self.seconds * (1.0 - share) / share)
    }

    /// Megabytes a second so far.
    pub(super) fn rate(&self) -> Option<f64> {
        (self.bytes > 0 && self.seconds > 0.0).then(|| self.bytes as f64 / 1e6 / self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_add_up_and_lines_are_rare() {
        let meters = Meters::new();
        let started = Event::Started {
            pass: Pass::Fit,
            rows_total: Some(1000),
            bytes_total: None,
        };
        assert!(matches!(meters.record(&started), Some(Moment::Started(_))));
        for _ in 0..10 {
            let advanced = Event::Advanced {
                pass: Pass::Fit,
                rows: 50,
                bytes: 7,
            };
            assert_eq!(meters.record(&advanced), None);
        }
        let finished = Event::Finished {
            pass: Pass::Fit,
            seconds: 2.0,
        };
        let Some(Moment::Finished(progress)) = meters.record(&finished) else {
            panic!("a pass that ends is worth a line");
        };
        assert_eq!((progress.rows, progress.bytes), (500, 70));
        assert_eq!(progress.share(), Some(0.5));
        assert_eq!(progress.seconds_left(), Some(2.0));
        assert_eq!(progress.rate(), Some(70.0 / 1e6 / 2.0));
    }

    #[test]
    fn a_due_line_is_told_once() {
        let meters = Meters::new();
        let started = Event::Started {
            pass: Pass::Split,
            rows_total: None,
            bytes_total: None,
        };
        meters.record(&started);
        meters.passes[1].due_millis.store(0, Relaxed);
        let advanced = Event::Advanced {
            pass: Pass::Split,
            rows: 1,
            bytes: 1,
        };
        assert!(matches!(
            meters.record(&advanced),
            Some(Moment::Advanced(_))
        ));
        assert_eq!(meters.record(&advanced), None);
    }
}
