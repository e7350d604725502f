//! The two files that hold a report: `report.json` to be read by programs, `report.html` by people.
//!
//! The page is one file that asks no network for anything: styles, a chart library and a few scripts
//! of our own, all of them in `page/`, and one block of data. In both files `"run"` stands on a line of
//! its own: all other lines but the last, the seal, follow from the job. Invariant: a name from the
//! data can't end the block that it stands in.

use serde::Serialize;
use serde_json::{Value, json};

use super::{FeatureFigures, FeatureSide, Figures};
use crate::artifact::{seal, seal_page};
use crate::kernel::Drift;

/// The first field of `report.json`.
const FORMAT: &str = "prep report";
/// Raised when a reader of the old format would misread the new one.
const FORMAT_VERSION: u32 = 1;
/// What a page may weigh; bins are joined until it does, as far as they can be.
const PAGE_BYTES_MAX: usize = 10_000_000;
/// Bytes of the line that seals a page, at most.
const SEAL_BYTES: usize = 64;
/// Bins joined at most, of the 128 between 0 and 4.
const BIN_MERGE_MAX: usize = 128;

const STYLES: [&str; 2] = [
    include_str!("page/uplot-1.6.32/uPlot.min.css"),
    include_str!("page/assets/page.css"),
];
const SCRIPTS: [&str; 7] = [
    include_str!("page/uplot-1.6.32/uPlot.iife.min.js"),
    include_str!("page/assets/data.js"),
    include_str!("page/assets/bins.js"),
    include_str!("page/assets/chart.js"),
    include_str!("page/assets/features.js"),
    include_str!("page/assets/losses.js"),
    include_str!("page/assets/main.js"),
];
const BODY: &str = include_str!("page/assets/page.html");
const CHART_LICENSE: &str = include_str!("page/uplot-1.6.32/LICENSE");

/// `report.json`, sealed.
///
/// # Errors
/// Never for figures, whose keys are all strings.
pub fn figures_json(figures: &Figures) -> serde_json::Result<Vec<u8>> {
    let mut fields = Fields::default();
    fields.field("format", &FORMAT)?;
    fields.field("format_version", &FORMAT_VERSION)?;
    head(&mut fields, figures)?;
    fields.lines("features", &figures.features)?;
    fields.field("validation", &figures.validation)?;
    fields.field("audit", &figures.audit)?;
    fields.field("run", &figures.run)?;
    Ok(seal(fields.text))
}

/// `report.html`, sealed: at most 10 MB with 8,000 features.
///
/// # Errors
/// Never for figures, whose keys are all strings.
pub fn figures_html(figures: &Figures) -> serde_json::Result<Vec<u8>> {
    html_within(figures, PAGE_BYTES_MAX)
}

fn html_within(figures: &Figures, bytes_max: usize) -> serde_json::Result<Vec<u8>> {
    let mut merge = 1;
    loop {
        let page = page(&data(figures, merge)?);
        if page.len() + SEAL_BYTES <= bytes_max || merge == BIN_MERGE_MAX {
            return Ok(seal_page(page));
        }
        merge *= 2;
    }
}

/// A JSON object with one field a line.
#[derive(Default)]
struct Fields {
    text: String,
}

impl Fields {
    fn field<T: Serialize>(&mut self, name: &str, value: &T) -> serde_json::Result<()> {
        let text = serde_json::to_string(value)?;
        self.raw(name, &text);
        Ok(())
    }

    /// An array with one element a line.
    fn lines<T: Serialize>(&mut self, name: &str, elements: &[T]) -> serde_json::Result<()> {
        let lines: serde_json::Result<Vec<_>> =
            elements.iter().map(serde_json::to_string).collect();
        self.raw(name, &format!("[\n{}\n]", lines?.join(",\n")));
        Ok(())
    }

    fn raw(&mut self, name: &str, value: &str) {
        self.text
            .push_str(if self.text.is_empty() { "{\n" } else { ",\n" });
        self.text.push_str(&format!("\"{name}\": {value}"));
    }
}

fn head(fields: &mut Fields, figures: &Figures) -> serde_json::Result<()> {
    fields.field("prep_version", &figures.prep_version)?;
    fields.field("job", &figures.job)?;
    fields.field("input", &figures.input)?;
    fields.field("split", &figures.split)?;
    fields.field("columns", &figures.columns)
}

/// The block of data, features as rows of a fixed order, their numbers to the digits that are shown.
fn data(figures: &Figures, merge: usize) -> serde_json::Result<String> {
    let mut fields = Fields::default();
    head(&mut fields, figures)?;
    fields.field("bin_merge", &merge)?;
    let features: Vec<Value> = figures
        .features
        .iter()
        .map(|feature| feature_row(feature, merge))
        .collect();
    fields.lines("features", &features)?;
    fields.field("validation", &figures.validation)?;
    fields.field("audit", &figures.audit)?;
    fields.field("run", &figures.run)?;
    // A "<" only ever stands in a string.
    Ok(fields.text.replace('<', "\\u003c") + "\n}")
}

fn feature_row(feature: &FeatureFigures, merge: usize) -> Value {
    let flags = u8::from(feature.is_constant)
        + 2 * u8::from(feature.is_near_constant)
        + 4 * u8::from(feature.is_extreme);
    let sides: Vec<Value> = feature
        .sides
        .iter()
        .map(|side| side_row(side, merge))
        .collect();
    let drift = feature.sides.iter().skip(1);
    let drift: Vec<Value> = drift.map(|side| drift_row(side.drift.as_ref())).collect();
    json!([
        feature.name,
        types(feature),
        flags,
        shown(Some(feature.mean)),
        shown(Some(feature.scale)),
        sides,
        drift
    ])
}

fn types(feature: &FeatureFigures) -> String {
    if feature.input_type == feature.output_type {
        feature.output_type.clone()
    } else {
        format!("{} as {}", feature.input_type, feature.output_type)
    }
}

fn side_row(side: &FeatureSide, merge: usize) -> Value {
    let histogram = &side.histogram;
    json!([
        side.values,
        side.missing,
        shown(side.mean),
        shown(side.sd),
        shown(side.min),
        shown(side.max),
        histogram.below(),
        histogram.above(),
        histogram.merged_bins(merge),
    ])
}

fn drift_row(drift: Option<&Drift>) -> Value {
    drift.map_or(Value::Null, |drift| {
        json!([
            shown(Some(drift.psi)),
            shown(Some(drift.psi_of_chance)),
            shown(Some(drift.ks)),
            shown(Some(drift.ks_max)),
            shown(Some(drift.ks_of_chance)),
            drift.level as u8,
        ])
    })
}

/// A number to 9 digits; what is none stands as `null`.
fn shown(value: Option<f64>) -> Option<f64> {
    let value = value.filter(|value| value.is_finite())?;
    format!("{value:.8e}").parse().ok()
}

fn page(data: &str) -> String {
    let scripts: Vec<String> = SCRIPTS
        .iter()
        .map(|script| format!("<script>\n{}</script>\n", script.trim_start()))
        .collect();
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>prep report</title>\n\
         <style>\n{}</style>\n\
         </head>\n\
         <body>\n{BODY}\
         <script type=\"application/json\" id=\"data\">\n{data}\n</script>\n\
         <!-- The charts are drawn by uPlot 1.6.32:\n{CHART_LICENSE}-->\n\
         {}\
         </body>\n\
         </html>\n",
        STYLES.concat(),
        scripts.concat(),
    )
}

#[cfg(test)]
mod tests;
