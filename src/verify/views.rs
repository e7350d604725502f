//! Views of an output: which rows of the inputs are where in it. One of the sides; with folds one of all
//! rows, or one a fold.

use super::records::Records;
use super::rows::Span;
use super::scaler::RecordedScaler;
use super::sides::{LEFT_OUT, SIDES, TEST, TRAIN};
use super::split::{NO_FOLD, Split};
use crate::error::Result;
use crate::source::discover::InputFile;

/// Where all rows are, each with its fold.
pub(super) const DATA: &str = "data";

/// One way in which an output holds rows of the inputs.
pub(super) struct View<'a> {
    /// The directory of each side, in the order of [`SIDES`]; one that isn't there has no rows.
    pub(super) sides: [String; SIDES.len()],
    /// What standardized it, and the name of its file; `None`: rows are as they were.
    pub(super) scaler: Option<(&'a str, &'a RecordedScaler)>,
    rows: Rows,
}

/// Which rows, and by what they go to sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// By the split.
    Sides,
    /// All, with their folds.
    AllFolds,
    /// Those of this fold are test.
    Fold(u8),
}

/// All views of an output.
pub(super) fn views(records: &Records) -> Vec<View<'_>> {
    let named = |sides: [&str; SIDES.len()]| sides.map(str::to_owned);
    if records.folds() == 0 {
        let scaler = records.scaler.as_ref();
        return vec![View {
            sides: named(SIDES),
            scaler: scaler.map(|scaler| ("scaler.json", scaler)),
            rows: Rows::Sides,
        }];
    }
    if !records.is_materialized() {
        return vec![View {
            sides: named(["", DATA, ""]),
            scaler: None,
            rows: Rows::AllFolds,
        }];
    }
    let folds = (0..).zip(&records.fold_scalers);
    folds
        .map(|(fold, (name, scaler))| View {
            sides: SIDES.map(|side| format!("fold-{fold}/{side}")),
            scaler: Some((name.as_str(), scaler)),
            rows: Rows::Fold(fold),
        })
        .collect()
}

impl View<'_> {
    /// The side of every row of a span, and its fold where that is written.
    ///
    /// # Errors
    /// When a column that has a say can't be read.
    pub(super) fn route(
        &self,
        split: &Split,
        span: &Span<'_>,
        inputs: &[InputFile],
    ) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
        if self.rows == Rows::Sides {
            return Ok((split.sides(span, inputs)?, None));
        }
        let folds = split.folds(span, inputs)?;
        let side = |fold: &u8| match self.rows {
            _ if *fold == NO_FOLD => LEFT_OUT,
            Rows::Fold(own) if own != *fold => TRAIN,
            _ => TEST,
        };
        let sides = folds.iter().map(side).collect();
        Ok((sides, (self.rows == Rows::AllFolds).then_some(folds)))
    }
}
