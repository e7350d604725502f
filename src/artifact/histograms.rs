//! `histograms.json`: how the standardized features are distributed on each side.
//!
//! Counted during the write pass ([`crate::kernel::Histogram`] has the bins), one line a column.
//! Invariant: integers that follow from the rows alone, so that files of parts of a table add up to
//! that of the whole, and two runs of one job write the same bytes. It stands apart from the report,
//! which is a view of it, so that `prep report` can draw one at any time.

use serde::{Deserialize, Serialize};

use super::manifest::lines;
use super::{JobId, encode};
use crate::error::Result;
use crate::kernel::Histogram;

/// The first field's value; what has it is ours.
const FORMAT: &str = "prep histograms";
/// Raised when a reader of the old format would misread the new one.
const FORMAT_VERSION: u32 = 1;
/// The file's name, in the output beside `manifest.json`.
pub const FILE_NAME: &str = "histograms.json";

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HistogramsFile {
    format: String,
    format_version: u32,
    job: String,
    /// Names of the sides, train first.
    pub sides: Vec<String>,
    /// The features, in their order.
    pub columns: Vec<HistogramColumn>,
}

/// The histograms of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistogramColumn {
    /// Its name.
    pub name: String,
    /// One histogram a side, in the order of the names.
    pub sides: Vec<Histogram>,
}

impl HistogramsFile {
    /// The file of a job.
    pub fn new(job: &JobId, sides: Vec<String>, columns: Vec<HistogramColumn>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            job: job.to_string(),
            sides,
            columns,
        }
    }

    /// The id of the job whose output it describes, 64 hex digits.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The bytes of `histograms.json`.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if a field has no JSON form.
    pub fn render(&self) -> Result<Vec<u8>> {
        let what = "the histograms";
        Ok(format!(
            "{{\n\"format\": {},\n\"format_version\": {},\n\"job\": {},\n\"sides\": {},\n\"columns\": {}\n}}\n",
            encode(what, &self.format)?,
            self.format_version,
            encode(what, &self.job)?,
            encode(what, &self.sides)?,
            lines(what, &self.columns)?,
        )
        .into_bytes())
    }

    /// Reads what [`Self::render`] wrote.
    ///
    /// # Errors
    /// A message if the bytes aren't JSON of a format that this version reads.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, serde_json::Error> {
        let read: Self = serde_json::from_slice(bytes)?;
        let wrong = |what: String| Err(serde::de::Error::custom(what));
        if (read.format.as_str(), read.format_version) != (FORMAT, FORMAT_VERSION) {
            return wrong(format!(
                "it is \"{}\" version {}, expected \"{FORMAT}\" version {FORMAT_VERSION}",
                read.format, read.format_version
            ));
        }
        let sides = read.sides.len();
        match read
            .columns
            .iter()
            .find(|column| column.sides.len() != sides)
        {
            Some(column) => wrong(format!(
                "column {:?} has {} sides, expected {sides}",
                column.name,
                column.sides.len()
            )),
            None => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::BinCounts;

    fn file() -> HistogramsFile {
        let mut counts = BinCounts::default();
        counts.extend(&[-0.5, 0.25, 0.26, 1e12, f64::NAN]);
        let sides = vec![counts.finish(3), Histogram::default()];
        let name = "</script>\u{2028}\"".to_owned();
        let names = ["train", "test"].map(str::to_owned).to_vec();
        HistogramsFile::new(
            &JobId::of_digit('a'),
            names,
            vec![HistogramColumn { name, sides }],
        )
    }

    #[test]
    fn what_was_written_is_read_back() {
        let bytes = file().render().unwrap();
        assert_eq!(HistogramsFile::parse(&bytes).unwrap(), file());
    }

    #[test]
    fn another_format_and_a_missing_side_are_refused_with_both_numbers() {
        let text = String::from_utf8(file().render().unwrap()).unwrap();
        let refused = |text: &str| {
            HistogramsFile::parse(text.as_bytes())
                .unwrap_err()
                .to_string()
        };
        let other = text.replace("\"format_version\": 1", "\"format_version\": 2");
        assert!(refused(&other).contains("version 2, expected \"prep histograms\" version 1"));
        let third = text.replace("[\"train\",\"test\"]", "[\"train\",\"val\",\"test\"]");
        assert!(refused(&third).contains("has 2 sides, expected 3"));
    }
}
