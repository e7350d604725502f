//! What a run says while it runs, on standard error: bars for a person, lines for a log, JSON for a
//! machine. Events come from worker threads, so nothing here waits for more than a line to be written.

mod bars;
mod json;
mod lines;
mod meter;

use std::io::IsTerminal;

use prep_stream::engine::{Observer, Silent};

use super::args::{LogFormat, Watch};

/// The observer that fits.
pub(super) fn observer(watch: Watch) -> Box<dyn Observer> {
    match watch.log_format {
        _ if watch.is_quiet => Box::new(Silent),
        LogFormat::Json => Box::new(json::Json::new()),
        LogFormat::Text if std::io::stderr().is_terminal() => Box::new(bars::Bars::new()),
        LogFormat::Text => Box::new(lines::Lines::new()),
    }
}
