//! What a run says while it runs, on standard error: bars for a person, lines for a log, JSON for a
//! machine. Events come from worker threads, so nothing here waits for more than a line to be written.

mod bars;
mod json;
mod lines;
mod meter;

use std::io::IsTerminal;

use prep_stream::engine::{Observer, Silent};
use prep_stream::error::Result;

use super::args::{LogFormat, Watch};

/// Does `work` under the observer that fits; bars leave the terminal before it returns.
pub(super) fn watched<R>(watch: Watch, work: impl FnOnce(&dyn Observer) -> Result<R>) -> Result<R> {
    let observer = observer(watch);
    work(observer.as_ref())
}

fn observer(watch: Watch) -> Box<dyn Observer> {
    match watch.log_format {
        _ if watch.is_quiet => Box::new(Silent),
        LogFormat::Json => Box::new(json::Json::new()),
        LogFormat::Text if std::io::stderr().is_terminal() => Box::new(bars::Bars::new()),
        LogFormat::Text => Box::new(lines::Lines::new()),
    }
}
