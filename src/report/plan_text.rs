//! The plan report as a person reads it.

use super::layout::{EXACT_SIDES, Lines, counted, printable, skipped, split_line};
use super::{Paint, PlanReport, bytes_decimal, count, memory_binary, percent};

/// Columns listed one by one; a wider table shows these and how many more.
const COLUMNS_SHOWN: usize = 40;

/// What would happen, one line a column up to 40 columns.
pub fn plan_text(report: &PlanReport, paint: Paint) -> String {
    let mut lines = Lines::new(paint);
    lines.line("Input", &input(report));
    let row_groups = report.row_groups.map_or_else(String::new, |groups| {
        format!(" of {}", counted(groups, "row group"))
    });
    lines.line("Units", &format!("{}{row_groups}", count(report.units)));
    lines.line(
        "Split",
        &split_line(&report.split_by, report.seed, &report.conditions),
    );
    if report.is_exact {
        lines.line("", EXACT_SIDES);
    }
    for side in &report.sides {
        lines.line("", &side_line(side));
    }
    columns(report, &mut lines);
    lines.line(
        "Memory",
        &format!(
            "{} allowed, {} needed at least",
            memory_binary(report.memory_bytes_max),
            memory_binary(report.memory_floor_bytes)
        ),
    );
    lines.line("Threads", &report.threads.to_string());
    for (index, note) in report.notes.iter().enumerate() {
        let note = paint.warn(&printable(note));
        lines.line(if index == 0 { "Notes" } else { "" }, &note);
    }
    lines.line(
        "Output",
        &format!("{} (job {})", printable(&report.output), report.job),
    );
    lines.finish()
}

fn input(report: &PlanReport) -> String {
    let inputs = &report.inputs;
    let rows = inputs.rows.map_or_else(
        || "rows counted in pass 1".to_owned(),
        |rows| counted(rows, "row"),
    );
    let files = counted(inputs.files, &format!("{} file", inputs.format));
    let mut text = format!("{files}, {rows}, {}", bytes_decimal(inputs.bytes));
    if let Some(skipped) = skipped(&inputs.skipped) {
        text.push_str("; ");
        text.push_str(&skipped);
    }
    text
}

fn side_line(side: &super::PlannedSide) -> String {
    let rows = side
        .rows_expected
        .map(|rows| format!("about {}", counted(rows, "row")));
    let asked = side
        .asked
        .map(|share| format!("{} asked for", percent(share)));
    let parts: Vec<String> = rows.into_iter().chain(asked).collect();
    if parts.is_empty() {
        format!("{:<6} as the data says", side.name)
    } else {
        format!("{:<6} {}", side.name, parts.join(", "))
    }
}

fn columns(report: &PlanReport, lines: &mut Lines) {
    let mut roles: Vec<(&str, u64)> = Vec::new();
    for column in &report.columns {
        match roles.iter_mut().find(|(role, _)| *role == column.role) {
            Some((_, number)) => *number += 1,
            None => roles.push((&column.role, 1)),
        }
    }
    let roles: Vec<String> = roles
        .iter()
        .map(|(role, number)| match *role {
            "feature" | "label" => counted(*number, role),
            _ => format!("{} {role}", count(*number)),
        })
        .collect();
    lines.line("Columns", &roles.join(", "));
    let rows: Vec<Vec<String>> = report
        .columns
        .iter()
        .take(COLUMNS_SHOWN)
        .map(|column| {
            let data_type = column.data_type.as_deref().unwrap_or("settled in pass 1");
            [column.name.as_str(), data_type, &column.role, &column.why]
                .map(printable)
                .to_vec()
        })
        .collect();
    lines.list("", &rows);
    let hidden = report.columns.len().saturating_sub(COLUMNS_SHOWN);
    if hidden > 0 {
        lines.line(
            "",
            &format!("... and {hidden} more; --log-format json lists all"),
        );
    }
}

#[cfg(test)]
mod tests;
