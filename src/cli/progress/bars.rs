//! Progress as bars, for a person at a terminal: one for each pass.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressFinish, ProgressState, ProgressStyle};
use prep_stream::engine::{Event, Observer, Pass};
use prep_stream::report::{bytes_decimal, count, seconds};

use crate::cli::terminal;

/// How often a bar is drawn again.
const TICK: Duration = Duration::from_millis(150);

const TEMPLATE_BAR: &str = "{prefix:<7}{bar:24} {percent:>3}%  {rows}{bytes_done}{rate}{left}";
const TEMPLATE_SPINNER: &str = "{prefix:<7}{spinner} {rows}{bytes_done}{rate}{elapsed}";
const TEMPLATE_FINISHED: &str = "{prefix:<7}{msg}{rows}{bytes_done}";

/// Draws bars.
pub(super) struct Bars {
    terminal: MultiProgress,
    passes: [OnceLock<Bar>; Pass::COUNT],
}

struct Bar {
    drawn: ProgressBar,
    rows: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
    is_in_bytes: bool,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self {
            terminal: MultiProgress::new(),
            passes: Default::default(),
        }
    }

    fn bar(&self, pass: Pass) -> Option<&Bar> {
        self.passes.get(pass as usize)?.get()
    }

    fn start(&self, pass: Pass, rows_total: Option<u64>, bytes_total: Option<u64>) {
        let Some(place) = self.passes.get(pass as usize) else {
            return;
        };
        place.get_or_init(|| {
            let total = bytes_total.or(rows_total).filter(|total| *total > 0);
            let drawn = match total {
                Some(total) => ProgressBar::new(total),
                None => ProgressBar::new_spinner(),
            };
            let mut bar = Bar {
                drawn: drawn.with_finish(ProgressFinish::Abandon),
                rows: Arc::default(),
                bytes: Arc::default(),
                is_in_bytes: bytes_total.is_some(),
            };
            let template = if total.is_some() {
                TEMPLATE_BAR
            } else {
                TEMPLATE_SPINNER
            };
            // Styled before it is on the terminal, or it would show for a moment in another style.
            let styled = bar
                .drawn
                .clone()
                .with_style(bar.style(template))
                .with_prefix(pass.to_string());
            bar.drawn = self.terminal.add(styled);
            bar.drawn.enable_steady_tick(TICK);
            bar
        });
    }
}

impl Bar {
    /// A template whose amounts come from our counters.
    fn style(&self, template: &str) -> ProgressStyle {
        let (rows, bytes) = (Arc::clone(&self.rows), Arc::clone(&self.bytes));
        let bytes_rate = Arc::clone(&self.bytes);
        // Writing into indicatif's line cannot fail.
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_constant_template| ProgressStyle::default_bar());
        style
            .with_key(
                "rows",
                move |_: &ProgressState, line: &mut dyn Write| match rows.load(Relaxed) {
                    0 => {}
                    rows => {
                        write!(line, "{} rows  ", count(rows)).ok();
                    }
                },
            )
            .with_key(
                "bytes_done",
                move |_: &ProgressState, line: &mut dyn Write| match bytes.load(Relaxed) {
                    0 => {}
                    bytes => {
                        write!(line, "{}  ", bytes_decimal(bytes)).ok();
                    }
                },
            )
            .with_key(
                "rate",
                move |state: &ProgressState, line: &mut dyn Write| {
                    let rate =
                        bytes_rate.load(Relaxed) as f64 / 1e6 / state.elapsed().as_secs_f64();
                    if rate.is_finite() && rate > 0.0 {
                        write!(line, "{rate:.1} MB/s  ").ok();
                    }
                },
            )
            .with_key("left", |state: &ProgressState, line: &mut dyn Write| {
                if state.pos() > 0 {
                    write!(line, "{} left", seconds(state.eta().as_secs_f64())).ok();
                }
            })
    }
}

impl Observer for Bars {
    fn event(&self, event: &Event) {
        match event {
            Event::Started {
                pass,
                rows_total,
                bytes_total,
            } => {
                self.start(*pass, *rows_total, *bytes_total);
            }
            Event::Advanced { pass, rows, bytes } => {
                if let Some(bar) = self.bar(*pass) {
                    bar.rows.fetch_add(*rows, Relaxed);
                    bar.bytes.fetch_add(*bytes, Relaxed);
                    bar.drawn.inc(if bar.is_in_bytes { *bytes } else { *rows });
                }
            }
            Event::Finished {
                pass,
                seconds: time,
            } => {
                if let Some(bar) = self.bar(*pass) {
                    bar.drawn.set_style(bar.style(TEMPLATE_FINISHED));
                    bar.drawn
                        .finish_with_message(format!("done in {}  ", seconds(*time)));
                }
            }
            Event::Warning(text) => {
                let label = terminal::stderr_paint().warn("warning:");
                self.terminal
                    .suspend(|| terminal::note(&format!("prep: {label} {text}")));
            }
            _ => {}
        }
    }
}

impl Drop for Bars {
    /// Stops drawing; the last state of an unfinished pass stays to be seen above the error.
    fn drop(&mut self) {
        for bar in self.passes.iter().filter_map(OnceLock::get) {
            if !bar.drawn.is_finished() {
                bar.drawn.abandon();
            }
        }
    }
}
