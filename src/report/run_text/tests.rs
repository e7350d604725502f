//! Summaries as a person reads them.

use super::*;
use crate::engine::Pass;
use crate::report::{ColumnReport, InputReport, PassReport};

fn report() -> RunReport {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let side = |name: &str, rows, asked, band, bytes| SideReport {
        name: name.to_owned(),
        rows,
        asked: Some(asked),
        band: Some(band),
        shards: 4,
        bytes,
    };
    let pass = |pass, seconds, bytes| PassReport {
        pass,
        seconds,
        bytes,
    };
    RunReport {
        version: "0.1.0".to_owned(),
        job: "1a2b3c4d".to_owned(),
        output: "out".to_owned(),
        inputs: InputReport {
            bad: Vec::new(),
            format: "parquet".to_owned(),
            files: 12,
            bytes: 224_000_000,
            rows: 1_000_000,
            skipped: vec![("empty files".to_owned(), 2), ("dot files".to_owned(), 0)],
        },
        sides: vec![
            side("train", 800_460, 0.8, (798_684, 801_316), 120_100_000),
            side("test", 199_540, 0.2, (199_600, 201_316), 30_000_000),
        ],
        folds: Vec::new(),
        left_out: 0,
        split_by: "row".to_owned(),
        conditions: Vec::new(),
        is_exact: false,
        seed: 42,
        columns: ColumnReport {
            features: 28,
            passed: 3,
            constant: names(&["a", "b\n", "c", "d", "e", "f", "g", "h"]),
            near_constant: Vec::new(),
            mostly_missing: vec![("x".to_owned(), 0.9712)],
            extreme: names(&["y"]),
        },
        passes: vec![
            pass(Pass::Plan, 0.01, 0),
            pass(Pass::Split, 0.12, 1_200_000),
            pass(Pass::Write, 71.5, 224_000_000),
        ],
        taken_up: 0,
        peak_memory_bytes: 512 << 20,
        warnings: vec![],
        update: None,
        audit: None,
        validation: None,
    }
}

#[test]
fn a_summary_is_short_and_aligned() {
    insta::assert_snapshot!(run_text(&report(), Paint::Plain));
}

#[test]
fn colors_change_no_text() {
    let painted = run_text(&report(), Paint::Ansi);
    let mut plain = painted;
    for code in ["\x1b[1m", "\x1b[33m", "\x1b[0m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, run_text(&report(), Paint::Plain));
}

#[test]
fn a_run_without_rows_has_no_share() {
    let mut report = report();
    for side in &mut report.sides {
        (side.rows, side.asked, side.band) = (0, None, None);
    }
    let text = run_text(&report, Paint::Plain);
    assert!(text.contains("train     0   0.0%      -"), "{text}");
}
