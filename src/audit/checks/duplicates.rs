//! The same row on two sides: equal in every compared column of the shards.
//!
//! A table of few distinct rows has equal rows on all sides by chance, which is no leak. Chance is
//! judged by two upper bounds of the pairs expected, of which the smaller counts: the product, over
//! the columns, of how often two train rows have the same value (as if columns were independent), and
//! how often two train rows are equal.

use super::{Outcome, counted, examples, names, quoted, share};
use crate::audit::evidence::{Evidence, Shared, SharedPair};
use crate::report::audit::{Check, Finding, Severity};
use crate::report::percent;

/// Times what chance explains, from which on equal rows are copies.
const CHANCE_FACTOR: f64 = 10.0;
/// Standard deviations of a Poisson count on top.
const CHANCE_DEVIATIONS: f64 = 5.0;
/// Values from which on "never repeats" means something.
const SAMPLED_MIN: u64 = 200;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(shared) = &evidence.duplicates else {
        return Outcome::skipped("there is one side only");
    };
    let published = evidence.published;
    let columns = evidence.watched.row();
    let mut findings = Vec::new();
    for pair in shared.pairs.iter().filter(|pair| pair.distinct > 0) {
        let [earlier, later] = [pair.sides.0, pair.sides.1].map(|side| &published.sides[side]);
        let expected = expected_pairs(evidence, shared, pair);
        let pairs = pair.pairs as f64;
        let repeats = shared.distinct[0] < published.sides[0].rows.div_ceil(2);
        let by_chance =
            repeats || pairs <= CHANCE_FACTOR * expected + CHANCE_DEVIATIONS * expected.sqrt();
        let rows = pair.rows[1];
        let summary = format!(
            "{} of {} ({}) {} an exact copy in {}",
            counted(rows, "row"),
            later.name,
            percent(share(rows, later.rows)),
            if rows == 1 { "has" } else { "have" },
            earlier.name
        );
        let finding = if by_chance {
            let summary = format!("{summary}, as chance explains where rows repeat anyway");
            Finding::new(Check::Duplicates, Severity::Note, summary).advise(
                "if each row is one observation, nothing; else split with --split-by content",
            )
        } else {
            Finding::new(Check::Duplicates, Severity::Leak, summary).advise(
                "remove the copies, or split with --split-by content, which keeps equal rows on one side",
            )
        };
        findings.push(Finding {
            examples: examples(published, pair),
            ..finding
                .count("rows", rows)
                .count("rows_with_a_copy_on_the_earlier_side", pair.rows[0])
                .count("distinct_rows", pair.distinct)
                .count("pairs_compared", pair.confirmed.len() as u64)
                .real("pairs_expected_by_chance", expected)
        });
    }
    if findings.is_empty() {
        findings.extend(hidden(evidence));
    }
    let compared = columns.len() as u64;
    Outcome::of(
        format!("{} of every row", counted(compared, "column")),
        findings,
    )
}

/// Pairs of equal rows to expect of two sides by chance, at most.
fn expected_pairs(evidence: &Evidence<'_>, shared: &Shared, pair: &SharedPair) -> f64 {
    let rows = |side: usize| evidence.published.sides[side].rows as f64;
    let all = rows(pair.sides.0) * rows(pair.sides.1);
    let train_pairs_all = (rows(0) * (rows(0) - 1.0) / 2.0).max(1.0);
    let within_train = (shared.train_pairs as f64 + 1.0) / train_pairs_all;
    let independent: f64 = evidence
        .watched
        .row()
        .into_iter()
        .map(|column| agreement(&evidence.sides[0].words[column]))
        .product();
    all * independent.min(within_train)
}

/// How often two sampled values are equal, at most.
pub(super) fn agreement(words: &[u64]) -> f64 {
    let mut sorted = words.to_vec();
    sorted.sort_unstable();
    let pairs = |count: usize| count as f64 * (count as f64 - 1.0) / 2.0;
    let equal: f64 = sorted
        .chunk_by(|a, b| a == b)
        .map(|run| pairs(run.len()))
        .sum();
    let all = pairs(sorted.len());
    ((equal + 1.0) / all.max(1.0)).min(1.0)
}

/// Columns that no two rows share a value of, so that rows can't be equal whatever else they hold.
fn hidden(evidence: &Evidence<'_>) -> Option<Finding> {
    let is_hiding = |column: &usize| {
        let code = evidence.sides[0].codes[*column].as_ref();
        code.is_some_and(|code| code.is_distinct() && code.sampled() >= SAMPLED_MIN)
    };
    let columns: Vec<usize> = evidence
        .watched
        .row()
        .into_iter()
        .filter(is_hiding)
        .collect();
    let columns = names(evidence.published, &columns);
    let first = columns.first()?;
    let summary = format!(
        "no two rows can be equal: {} never {} a value",
        quoted(&columns),
        if columns.len() == 1 {
            "repeats"
        } else {
            "repeat"
        },
    );
    let advice = format!("look for copies that differ there alone with --ignore {first}");
    let finding = Finding::new(Check::Duplicates, Severity::Note, summary).advise(advice);
    Some(finding.of(columns))
}
