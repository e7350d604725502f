//! Test rows can't reach the fit: whatever stands in them, the statistics stay the same bytes.

use proptest::prelude::*;

use crate::harness::{Column, Scratch, Table};

/// Any finite value, the extremes included.
fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e6..1e6_f64,
        2 => any::<f64>().prop_filter("finite", |v| v.is_finite()),
        1 => prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, 5e-324, 1e300, -1e-300]),
    ]
}

/// Rows as (is it test, its values, what replaces them if it is).
fn rows() -> impl Strategy<Value = Vec<(bool, [f64; 2], [f64; 2])>> {
    let value = || [finite(), finite()];
    prop::collection::vec((any::<bool>(), value(), value()), 1..300)
}

fn table(rows: &[(bool, [f64; 2], [f64; 2])], replaced: bool) -> Table {
    let pick = |column: usize| {
        rows.iter().map(move |(test, old, new)| {
            if *test && replaced {
                new[column]
            } else {
                old[column]
            }
        })
    };
    let (a, b): (Vec<f64>, Vec<f64>) = (pick(0).collect(), pick(1).collect());
    let side = rows.iter().map(|(test, ..)| i64::from(*test));
    Table::new([
        Column::doubles("a", a),
        Column::doubles("b", b),
        Column::longs("side", side),
    ])
    .rows_per_group(97)
}

/// `scaler.json`; `None` where a value is refused since it is beyond float64 once standardized.
fn statistics(scratch: &Scratch, input: &str, flags: &[&str]) -> Option<String> {
    let out = format!("out-{input}");
    let mut arguments = vec!["stream", "--in", input, "--out", &out, "--quiet"];
    arguments.extend(flags);
    let run = scratch.prep(&arguments);
    if run.stderr.contains("is beyond float64 once standardized") {
        return None;
    }
    run.succeeds();
    Some(scratch.output(&out).text("scaler.json"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn other_values_in_test_rows_leave_the_scaler_byte_for_byte(rows in rows()) {
        let scratch = Scratch::new();
        scratch.parquet("before/a.parquet", &table(&rows, false));
        scratch.parquet("after/a.parquet", &table(&rows, true));
        let flags = ["--split-by", "column:side"];
        let [before, after] = ["before", "after"].map(|input| statistics(&scratch, input, &flags));
        prop_assume!(before.is_some() && after.is_some());
        prop_assert_eq!(before, after);
    }

    #[test]
    fn so_do_other_values_in_hashed_test_rows(values in prop::collection::vec((finite(), finite()), 1..400)) {
        let scratch = Scratch::new();
        let ids = || Column::longs("id", 0..i64::try_from(values.len()).expect("few"));
        let before = values.iter().map(|v| v.0);
        scratch.parquet("before/a.parquet", &Table::new([Column::doubles("x", before), ids()]));
        let flags = ["--exclude", "id", "--test-size", "0.4"];
        let first = statistics(&scratch, "before", &flags);
        prop_assume!(first.is_some());
        let test = scratch.output("out-before").test().longs("id");
        let after = values.iter().enumerate().map(|(row, (old, new))| {
            let row = i64::try_from(row).expect("few");
            if test.binary_search(&row).is_ok() { *new } else { *old }
        });
        scratch.parquet("after/a.parquet", &Table::new([Column::doubles("x", after), ids()]));
        let second = statistics(&scratch, "after", &flags);
        prop_assume!(second.is_some());
        prop_assert_eq!(first, second);
        prop_assert_eq!(test, scratch.output("out-after").test().longs("id"));
    }
}

#[test]
fn text_and_nulls_in_test_rows_do_not_reach_the_fit_either() {
    let scratch = Scratch::new();
    let train = "1.5,train\n2.5,train\n-7,train\n";
    for (name, test) in [
        ("plain", "3,test\n"),
        ("null", "NA,test\n"),
        ("huge", "1e308,test\n-1e308,test\n"),
    ] {
        scratch.write(format!("{name}/a.csv"), format!("x,side\n{train}{test}"));
        let seen = statistics(&scratch, name, &["--split-by", "column:side"]);
        let plain = scratch.output("out-plain").text("scaler.json");
        assert_eq!(seen, Some(plain), "{name}");
    }
}
