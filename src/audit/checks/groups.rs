//! The same key on two sides. Every key counts: a key that is right to share is no key.

use super::{Outcome, counted, examples, names, quoted, share};
use crate::audit::evidence::Evidence;
use crate::report::audit::{Check, Finding, Severity};
use crate::report::percent;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let published = evidence.published;
    let key = names(published, &evidence.watched.group);
    if key.is_empty() {
        return Outcome::skipped("no key is known: name its columns with --group");
    }
    let Some(shared) = &evidence.groups else {
        return Outcome::skipped("there is one side only");
    };
    let mut findings = Vec::new();
    for pair in shared.pairs.iter().filter(|pair| pair.distinct > 0) {
        let [earlier, later] = [pair.sides.0, pair.sides.1].map(|side| &published.sides[side]);
        let rows = pair.rows[1];
        let summary = format!(
            "{} of {} {} in both {} and {}, with {} of {} ({})",
            counted(pair.distinct, "key"),
            quoted(&key),
            if pair.distinct == 1 { "is" } else { "are" },
            earlier.name,
            later.name,
            counted(rows, "row"),
            later.name,
            percent(share(rows, later.rows)),
        );
        let finding = Finding::new(Check::Groups, Severity::Leak, summary)
            .of(key.clone())
            .count("keys", pair.distinct)
            .count("keys_on_the_earlier_side", shared.distinct[pair.sides.0])
            .count("keys_on_the_later_side", shared.distinct[pair.sides.1])
            .count("rows_on_the_earlier_side", pair.rows[0])
            .count("rows_on_the_later_side", rows)
            .advise(format!("split with --split-by group:{}", key.join(",")));
        findings.push(Finding {
            examples: examples(published, pair),
            ..finding
        });
    }
    findings.extend(without_key(evidence, &key));
    Outcome::of(format!("keys of {}", quoted(&key)), findings)
}

/// Rows without a key can't be told apart: they are on several sides for no one knows what reason.
fn without_key(evidence: &Evidence<'_>, key: &[String]) -> Option<Finding> {
    let rows: Vec<u64> = evidence.sides.iter().map(|side| side.null_keys).collect();
    if rows.iter().filter(|rows| **rows > 0).count() < 2 {
        return None;
    }
    let total = rows.iter().sum();
    let summary = format!(
        "{} on several sides {} no key: {} null there",
        counted(total, "row"),
        if total == 1 { "has" } else { "have" },
        if key.len() == 1 {
            "it is"
        } else {
            "all its columns are"
        },
    );
    let finding = Finding::new(Check::Groups, Severity::Note, summary)
        .of(key.to_vec())
        .count("rows_without_a_key", total)
        .advise("leave these rows out, or give them keys, if they may belong together");
    Some(finding)
}
