//! Progress as one JSON object a line, for machines: the same moments as the text lines, and starts.

use prep_stream::engine::{Event, Observer};
use serde_json::{Value, json};

use super::meter::{Meters, Moment, Progress};
use crate::cli::terminal;

/// Writes JSON lines.
pub(super) struct Json(Meters);

impl Json {
    pub(super) fn new() -> Self {
        Self(Meters::new())
    }
}

impl Observer for Json {
    fn event(&self, event: &Event) {
        if let Some(moment) = self.0.record(event) {
            terminal::note(&object(&moment, &terminal::timestamp()).to_string());
        }
    }
}

fn object(moment: &Moment<'_>, timestamp: &str) -> Value {
    match moment {
        Moment::Started(progress) => json!({
            "event": "started",
            "ts": timestamp,
            "pass": progress.pass,
            "rows_total": progress.rows_total,
            "bytes_total": progress.bytes_total,
        }),
        Moment::Advanced(progress) => done("advanced", progress, timestamp),
        Moment::Finished(progress) => done("finished", progress, timestamp),
        Moment::Warning(text) => json!({ "event": "warning", "ts": timestamp, "warning": text }),
    }
}

fn done(event: &str, progress: &Progress, timestamp: &str) -> Value {
    json!({
        "event": event,
        "ts": timestamp,
        "pass": progress.pass,
        "rows": progress.rows,
        "bytes": progress.bytes,
        "seconds": progress.seconds,
    })
}

#[cfg(test)]
mod tests {
    use prep_stream::engine::Pass;

    use super::*;

    #[test]
    fn objects_name_the_event_and_its_pass() {
        let progress = Progress {
            pass: Pass::Split,
            rows: 3,
            bytes: 4,
            rows_total: None,
            bytes_total: Some(9),
            seconds: 0.5,
        };
        let cases = [
            (
                Moment::Started(progress),
                r#"{"bytes_total":9,"event":"started","pass":"split","rows_total":null,"ts":"T"}"#,
            ),
            (
                Moment::Finished(progress),
                r#"{"bytes":4,"event":"finished","pass":"split","rows":3,"seconds":0.5,"ts":"T"}"#,
            ),
            (
                Moment::Warning("x"),
                r#"{"event":"warning","ts":"T","warning":"x"}"#,
            ),
        ];
        for (moment, expected) in cases {
            assert_eq!(object(&moment, "T").to_string(), expected);
        }
    }
}
