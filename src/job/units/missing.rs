//! What is said of units whose results are missing, and how to get them.

use std::ops::Range;
use std::path::Path;

use super::Planned;
use crate::engine::Pass;
use crate::error::{Error, OutputError, Place, Result, escape_path};
use crate::job::run::Run;
use crate::pass;
use crate::sink::Partials;

/// Runs of units that a message names.
const NAMED_MAX: usize = 10;

/// Makes sure that the results of a pass are there for all of some units.
pub(super) fn complete(
    run: &Run<'_>,
    partials: &Partials,
    pass: Pass,
    units: Range<usize>,
    planned: &Planned,
) -> Result<()> {
    let folds = run.spec.split.materialized();
    let absent = pass::missing_units(run.context(), partials, pass, units, folds)?;
    match absent.is_empty() {
        true => Ok(()),
        false => Err(missing(planned, &run.spec.output.path, pass, &absent)),
    }
}

/// The error of units whose results of `pass` must be there and aren't.
pub(super) fn missing(planned: &Planned, output: &Path, pass: Pass, missing: &[usize]) -> Error {
    let runs = runs(missing);
    let shown: Vec<String> = runs.iter().take(NAMED_MAX).map(shown_range).collect();
    let more = runs.len().saturating_sub(NAMED_MAX);
    let mut units = shown.join(", ");
    if more > 0 {
        units.push_str(&format!(" and {more} more runs"));
    }
    let pass = pass.to_string();
    let hint = format!(
        "do them first: prep unit {pass} --plan {} --unit {}",
        escape_path(&planned.path),
        runs.first().map(shown_range).unwrap_or_default()
    );
    Error::from(OutputError::UnitsMissing { pass, units })
        .at(Place::path(output))
        .hint(hint)
}

/// Runs of consecutive numbers.
fn runs(units: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for unit in units {
        match runs.last_mut() {
            Some(run) if run.end == *unit => run.end += 1,
            _ => runs.push(*unit..unit + 1),
        }
    }
    runs
}

/// As `--unit` takes it.
fn shown_range(run: &Range<usize>) -> String {
    match run.len() {
        1 => run.start.to_string(),
        _ => format!("{}..{}", run.start, run.end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_ranges_that_the_flag_takes() {
        let shown =
            |units: &[usize]| -> Vec<String> { runs(units).iter().map(shown_range).collect() };
        assert_eq!(shown(&[0, 1, 2, 5, 7, 8]), ["0..3", "5", "7..9"]);
        assert!(shown(&[]).is_empty());
    }
}
