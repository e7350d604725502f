//! Plans as a person reads them.

use super::*;
use crate::report::{PlannedColumn, PlannedInput, PlannedSide};

fn report(columns: usize) -> PlanReport {
    let column = |index: usize| PlannedColumn {
        name: format!("column_{index}"),
        data_type: (!index.is_multiple_of(2)).then(|| "double".to_owned()),
        role: if index == 3 { "label" } else { "feature" }.to_owned(),
        why: if index == 3 { "--label" } else { "numeric" }.to_owned(),
    };
    let side = |name: &str, rows_expected, asked| PlannedSide {
        name: name.to_owned(),
        rows_expected,
        asked,
    };
    PlanReport {
        version: "0.1.0".to_owned(),
        job: "1a2b3c4d".to_owned(),
        output: "out".to_owned(),
        inputs: PlannedInput {
            format: "csv".to_owned(),
            files: 1,
            bytes: 999_960,
            rows: None,
            skipped: Vec::new(),
        },
        units: 3,
        row_groups: Some(7),
        columns: (0..columns).map(column).collect(),
        sides: vec![
            side("train", Some(800), Some(0.8)),
            side("test", None, None),
        ],
        split_by: "row".to_owned(),
        conditions: Vec::new(),
        is_exact: false,
        seed: 42,
        memory_floor_bytes: 64 << 20,
        memory_bytes_max: 3 << 30,
        threads: 2,
        notes: vec![
            "rows are counted in pass 1".to_owned(),
            "a second note".to_owned(),
        ],
    }
}

#[test]
fn a_plan_lists_columns_with_role_and_reason() {
    insta::assert_snapshot!(plan_text(&report(4), Paint::Plain));
}

#[test]
fn a_wide_table_is_cut_short() {
    let text = plan_text(&report(8000), Paint::Plain);
    assert!(
        text.contains("... and 7960 more; --log-format json lists all"),
        "{text}"
    );
    assert!(text.contains("7,999 features, 1 label"), "{text}");
    assert!(text.lines().count() < 60);
}
