//! A page made of figures that no run would have.

use super::*;
use crate::kernel::BinCounts;
use crate::report::{ColumnCounts, InputFigures, RunFigures, SideReport, SplitFigures};

fn feature(name: String, values: &[f64]) -> FeatureFigures {
    let mut counts = BinCounts::default();
    counts.extend(values);
    let histogram = counts.finish(1);
    let drift = Drift::between(&histogram, &histogram);
    let side = |name: &str| FeatureSide {
        side: name.to_owned(),
        values: histogram.values(),
        missing: 1,
        mean: Some(1.0 / 3.0),
        sd: Some(2.0 / 3.0),
        min: Some(-1e300),
        max: None,
        drift: drift.filter(|_| name != "train"),
        histogram: histogram.clone(),
    };
    FeatureFigures {
        name,
        input_type: "int64".to_owned(),
        output_type: "float64".to_owned(),
        is_constant: false,
        is_near_constant: false,
        is_extreme: false,
        mean: f64::NAN,
        sd: 2.0 / 3.0,
        scale: 2.0 / 3.0,
        sides: ["train", "test"].into_iter().map(side).collect(),
    }
}

fn figures(features: Vec<FeatureFigures>, host: &str) -> Figures {
    let side = |name: &str| SideReport {
        name: name.to_owned(),
        rows: 10,
        asked: Some(0.5),
        band: Some((1, 10)),
        shards: 1,
        bytes: 100,
    };
    Figures {
        prep_version: "0".to_owned(),
        job: "ab".repeat(32),
        input: InputFigures {
            files: 1,
            bytes: 2,
            rows: 20,
            skipped: Default::default(),
            bad_files: 0,
        },
        split: SplitFigures {
            by: "row".to_owned(),
            seed: 42,
            conditions: Vec::new(),
            left_out: 0,
            sides: ["train", "test"].map(side).to_vec(),
            folds: Vec::new(),
        },
        columns: ColumnCounts {
            features: features.len() as u64,
            passed: 0,
        },
        features,
        validation: None,
        audit: None,
        run: RunFigures {
            host: host.to_owned(),
            started: String::new(),
            threads: 2,
            memory_bytes_max: 1,
            peak_memory_bytes: 1,
            taken_up: 0,
            warnings: vec!["a \"warning\"".to_owned()],
            passes: Vec::new(),
            update: None,
        },
    }
}

/// Values in every bin, far beyond what tables have.
fn every_bin() -> Vec<f64> {
    let linear = (-128..128).map(|bin| (f64::from(bin) + 0.5) / 32.0);
    let far = (0..128).map(|bin| 4.0 * 2_f64.powf((f64::from(bin) + 0.5) / 4.0));
    let all = linear.chain(far.clone()).chain(far.map(|z| -z));
    all.flat_map(|z| [z; 40]).collect()
}

/// The block of data between its tags.
fn block(page: &[u8]) -> Value {
    let text = std::str::from_utf8(page).unwrap();
    let (_, after) = text.split_once("id=\"data\">").unwrap();
    let (block, _) = after.split_once("</script>").unwrap();
    serde_json::from_str(block).unwrap()
}

#[test]
fn a_name_cannot_end_the_block_of_data_it_stands_in() {
    let name = "</script><!--<script>alert(1)</script>\u{2028}\"\\".to_owned();
    let page = figures_html(&figures(vec![feature(name.clone(), &[0.5])], "h")).unwrap();
    assert_eq!(block(&page)["features"][0][0], name);
    let text = String::from_utf8(page).unwrap();
    assert_eq!(text.matches("<!--").count(), 2, "the licence and the seal");
}

fn features(count: usize, values: &[f64]) -> Vec<FeatureFigures> {
    let name = |index| format!("a feature with a name of some length {index}");
    (0..count)
        .map(|index| feature(name(index), values))
        .collect()
}

#[test]
fn a_page_of_8000_features_is_at_most_10_mb() {
    // The quantiles of a bell-shaped curve, as many as fill its bins.
    let bell = (-400..=400).map(|step| f64::from(step) / 100.0);
    let bell: Vec<f64> = bell.map(|x| x.powi(3) / 16.0).collect();
    let page = figures_html(&figures(features(8000, &bell), "h")).unwrap();
    assert!(page.len() <= PAGE_BYTES_MAX, "{} bytes", page.len());
    assert!(block(&page)["bin_merge"].as_u64().unwrap() <= 2);
}

#[test]
fn a_page_keeps_its_size_however_many_bins_are_filled() {
    let assets = figures_html(&figures(Vec::new(), "h")).unwrap().len();
    let share = (PAGE_BYTES_MAX - assets) / 80;
    let figures = figures(features(100, &every_bin()), "h");
    let page = html_within(&figures, assets + share).unwrap();
    assert!(
        page.len() <= assets + share,
        "{} of {}",
        page.len(),
        assets + share
    );
    assert!(block(&page)["bin_merge"].as_u64().unwrap() > 2);
}

#[test]
fn only_the_run_and_the_seal_differ_between_two_runs_of_a_job() {
    type Render = fn(&Figures) -> serde_json::Result<Vec<u8>>;
    for render in [figures_json as Render, figures_html as Render] {
        let lines = |host: &str| {
            let one = figures(vec![feature("a".to_owned(), &[1.0])], host);
            let text = String::from_utf8(render(&one).unwrap()).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let (one, other) = (lines("one"), lines("other"));
        let differ: Vec<_> = one.iter().zip(&other).filter(|(a, b)| a != b).collect();
        assert_eq!(one.len(), other.len());
        let starts = differ
            .iter()
            .map(|(line, _)| line.split(' ').next().unwrap());
        let starts: Vec<_> = starts.collect();
        assert!(
            starts == ["\"run\":", "\"xxh3_128\":"] || starts == ["\"run\":", "<!--"],
            "{starts:?}"
        );
    }
}

#[test]
fn numbers_that_json_has_no_form_for_are_null() {
    let page = figures_html(&figures(vec![feature("a".to_owned(), &[])], "h")).unwrap();
    let feature = &block(&page)["features"][0];
    assert_eq!(feature[3], Value::Null, "the mean is NaN");
    assert_eq!(feature[6], json!([null]), "no values, no drift");
}
