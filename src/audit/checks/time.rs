//! Train rows that are later than the first row of a later side.
//!
//! Sides are in the order train, val, test. The same time on both sides of a cut is no overlap.

use super::{Outcome, counted, share};
use crate::audit::evidence::Evidence;
use crate::audit::overlap::side_pairs;
use crate::audit::timeline::describe;
use crate::report::audit::{Check, Finding, Severity};
use crate::report::percent;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let published = evidence.published;
    let (Some(times), Some(index)) = (&evidence.times, evidence.watched.time) else {
        return Outcome::skipped("no time is known: name its column with --time");
    };
    if evidence.sides.len() < 2 {
        return Outcome::skipped("there is one side only");
    }
    let column = &published.columns[index];
    let scaler = column
        .feature
        .and_then(|feature| published.scaler.scaler().columns().get(feature));
    let original = |value: f64| scaler.map_or(value, |scaler| scaler.inverse(value));
    let mut findings = Vec::new();
    let pairs = side_pairs(evidence.sides.len());
    for ((earlier, later), beyond) in pairs.into_iter().zip(&times.beyond) {
        let (Some((_, last)), Some((first, _))) = (&times.ends[earlier], &times.ends[later]) else {
            continue;
        };
        if beyond[0] == 0 {
            continue;
        }
        let [before, after] = [earlier, later].map(|side| &published.sides[side]);
        let summary = format!(
            "{} of {} ({}) {} later than the first row of {}",
            counted(beyond[0], "row"),
            before.name,
            percent(share(beyond[0], before.rows)),
            if beyond[0] == 1 { "is" } else { "are" },
            after.name,
        );
        let word = |rank| describe(rank, &column.output_type, original);
        findings.push(
            Finding::new(Check::Time, Severity::Leak, summary)
                .of([column.name.clone()])
                .count("rows_of_the_earlier_side_after", beyond[0])
                .count("rows_of_the_later_side_before", beyond[1])
                .text("first_of_the_later_side", word(first))
                .text("last_of_the_earlier_side", word(last))
                .advise(format!(
                    "split with --split-by time:{}, so that test comes after train as new data will",
                    column.name
                )),
        );
    }
    Outcome::of(format!("times of {:?}", column.name), findings)
}
