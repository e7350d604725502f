//! The run report as a person reads it: short, aligned, the peculiar columns by name.

use super::audit_text::findings;
use super::fold_text::fold_text;
use super::layout::{EXACT_SIDES, Lines, counted, first_names, printable, skipped, split_line};
use super::update::update_text;
use super::{
    InputReport, Paint, PassReport, RunReport, SideReport, UnchangedReport, bytes_decimal, count,
    memory_binary, percent, seconds, validation_text,
};

/// Bad files that the summary names.
const BAD_SHOWN: usize = 6;

/// The summary of a finished run, a dozen lines or so.
pub fn run_text(report: &RunReport, paint: Paint) -> String {
    let mut lines = Lines::new(paint);
    lines.line("Input", &input(&report.inputs));
    bad_files(report, &mut lines);
    if let Some(update) = &report.update {
        update_text(update, &mut lines);
    }
    lines.line(
        "Split",
        &split_line(&report.split_by, report.seed, &report.conditions),
    );
    if report.is_exact {
        lines.line("", EXACT_SIDES);
    }
    match report.folds.is_empty() {
        true => lines.table("", &sides(report)),
        false => fold_text(&report.folds, &report.sides, &mut lines),
    }
    if report.left_out > 0 {
        let rows = counted(report.left_out, "row");
        lines.line("", &format!("{rows} left out: on no side"));
    }
    for side in report.sides.iter().filter(|side| is_outside(side)) {
        let note = format!(
            "{} is outside the 99.9% band, as one split in a thousand is",
            side.name
        );
        lines.line("", &paint.warn(&note));
    }
    columns(report, &mut lines);
    lines.table("Passes", &passes_table(&report.passes));
    if let Some(audit) = &report.audit {
        findings(audit, &mut lines);
    }
    if report.taken_up > 0 {
        let taken_up = counted(report.taken_up, "finished piece");
        lines.line("Resumed", &format!("{taken_up} of work of an earlier run"));
    }
    lines.line(
        "Memory",
        &format!("{} at its peak", memory_binary(report.peak_memory_bytes)),
    );
    lines.line(
        "Output",
        &format!("{} (job {})", printable(&report.output), report.job),
    );
    let mut text = lines.finish();
    if let Some(validation) = &report.validation {
        text.push('\n');
        text.push_str(&validation_text(validation, paint));
    }
    text
}

/// The line of a run that had nothing to do.
pub fn unchanged_text(report: &UnchangedReport) -> String {
    format!(
        "{} is up to date (job {})\n",
        printable(&report.output),
        report.job
    )
}

/// What was read, in a line.
pub(super) fn input(inputs: &InputReport) -> String {
    let mut text = format!(
        "{}, {}, {}",
        counted(inputs.files, &format!("{} file", inputs.format)),
        counted(inputs.rows, "row"),
        bytes_decimal(inputs.bytes),
    );
    if let Some(skipped) = skipped(&inputs.skipped) {
        text.push_str("; ");
        text.push_str(&skipped);
    }
    text
}

/// Files that were left out on request, the first few by name.
fn bad_files(report: &RunReport, lines: &mut Lines) {
    let bad = &report.inputs.bad;
    for (name, reason) in bad.iter().take(BAD_SHOWN) {
        let text = format!("left out {}: {}", printable(name), printable(reason));
        let text = lines.paint().warn(&text);
        lines.line("", &text);
    }
    if bad.len() > BAD_SHOWN {
        let more = count((bad.len() - BAD_SHOWN) as u64);
        lines.line("", &format!("... and {more} more; manifest.json lists all"));
    }
}

fn sides(report: &RunReport) -> Vec<Vec<String>> {
    let heading = ["", "rows", "share", "asked", "99.9% band", "shards", "size"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    // A fit alone writes none.
    let has_shards = report.sides.iter().any(|side| side.shards > 0);
    let total: u64 = report.sides.iter().map(|side| side.rows).sum();
    for side in &report.sides {
        let share = if total == 0 {
            0.0
        } else {
            side.rows as f64 / total as f64
        };
        let absent = || "-".to_owned();
        rows.push(vec![
            side.name.clone(),
            count(side.rows),
            percent(share),
            side.asked.map_or_else(absent, percent),
            side.band.map_or_else(absent, |(low, high)| {
                format!("{}..{}", count(low), count(high))
            }),
            count(side.shards),
            bytes_decimal(side.bytes),
        ]);
    }
    if !has_shards {
        rows.iter_mut()
            .for_each(|row| row.truncate(heading.len() - 2));
    }
    rows
}

fn is_outside(side: &SideReport) -> bool {
    side.band
        .is_some_and(|(low, high)| side.rows < low || side.rows > high)
}

fn columns(report: &RunReport, lines: &mut Lines) {
    let columns = &report.columns;
    lines.line(
        "Columns",
        &format!(
            "{}, {} passed through",
            counted(columns.features, "feature"),
            count(columns.passed)
        ),
    );
    let missing: Vec<String> = columns
        .mostly_missing
        .iter()
        .map(|(name, share)| format!("{} ({})", printable(name), percent(*share)))
        .collect();
    let kinds = [
        ("constant, scale 1", &columns.constant),
        ("nearly constant, likely noise", &columns.near_constant),
        ("mostly missing", &missing),
        ("variance beyond float64, scale exact", &columns.extreme),
    ];
    for (kind, names) in kinds {
        if !names.is_empty() {
            let text = format!(
                "{} {kind}: {}",
                count(names.len() as u64),
                first_names(names)
            );
            let text = lines.paint().warn(&text);
            lines.line("", &text);
        }
    }
}

/// What each pass took, and all of them.
pub(super) fn passes_table(passes: &[PassReport]) -> Vec<Vec<String>> {
    let row = |name: String, time: f64, bytes: u64| {
        let rate = bytes as f64 / 1e6 / time;
        // Rates of next to no bytes or time say nothing.
        let rate = if rate.is_finite() && rate >= 0.05 {
            format!("{rate:.1} MB/s")
        } else {
            String::new()
        };
        let bytes = if bytes > 0 {
            bytes_decimal(bytes)
        } else {
            String::new()
        };
        vec![name, seconds(time), bytes, rate]
    };
    let mut rows: Vec<Vec<String>> = passes
        .iter()
        .map(|pass| row(pass.pass.to_string(), pass.seconds, pass.bytes))
        .collect();
    let time = passes.iter().fold(0.0, |sum, pass| sum + pass.seconds);
    let bytes = passes.iter().map(|pass| pass.bytes).sum();
    rows.push(row("total".to_owned(), time, bytes));
    rows
}

#[cfg(test)]
mod tests;
