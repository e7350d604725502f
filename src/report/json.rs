//! Reports as one line of JSON, keys in the order of the struct.

use serde::Serialize;

/// One report as one line, newline included.
///
/// Floats print with the digits that parse back to the same bits.
///
/// # Errors
/// Never for the reports of this crate, whose keys are all strings.
pub fn line<R: Serialize>(report: &R) -> serde_json::Result<String> {
    let mut line = serde_json::to_string(report)?;
    line.push('\n');
    Ok(line)
}
