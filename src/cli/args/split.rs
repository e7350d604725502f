//! How rows are assigned to sides.

use prep_stream::error::{Result, UsageError};
use prep_stream::kernel::{FoldCount, Fraction};
use prep_stream::spec::{
    DEFAULT_SEED, DEFAULT_TEST_SIZE, Filter, FoldSpec, Size, SplitBy, SplitSpec, Stratify,
};

use crate::cli::values;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Split")]
pub(super) struct SplitArgs {
    /// Size of the test side: a share of the rows, an exact decimal from 0 to 1, or so many rows, a
    /// whole number from 2 or like "1 row" [default: 0.2]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true)]
    test_size: Option<Size>,

    /// Size of a val side, taken from train, likewise [default: no val side]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true)]
    val_size: Option<Size>,

    /// Seed of the split; another seed is another split
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED, value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,

    /// What decides a row's side: row (a hash of its file and index), content (a hash of the row:
    /// identical rows are on one side), group:NAME[,NAME...] (a hash of these columns: all rows of a
    /// key are on one side), time:NAME (the latest rows are test, those before them val), or
    /// column:NAME (train/val/test, 0/1 or false/true in that column)
    #[arg(long, value_name = "HOW", default_value = "row", value_parser = values::split_by)]
    split_by: SplitBy,

    /// Where test begins with --split-by time: a date, a time or a number as in that column; or where val
    /// and where test begins, separated by a comma [default: where their sizes have it]
    #[arg(
        long,
        value_name = "TIME",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    cutoff: Vec<String>,

    /// Leave out, before the end of each side but the last in time, rows of this length of time, like
    /// 7days or 12h, or a number as in that column [default: none]
    #[arg(long, value_name = "LENGTH", allow_negative_numbers = true)]
    gap: Option<String>,

    /// Give every class, a value of this column, its share on each side, to the row, or as nearly as whole
    /// keys of group: allow; rows may change sides when rows are added [default: shares hold on average]
    #[arg(long, value_name = "COLUMN")]
    stratify: Option<String>,

    /// Make classes of numbers: so many bins of about as many rows each
    #[arg(long, value_name = "N", requires = "stratify", value_parser = values::bins, allow_negative_numbers = true)]
    stratify_bins: Option<u32>,

    /// Use only this share of rows, drawn by a hash of its own: an exact decimal from 0 to 1; a
    /// smaller share is part of a larger one [default: all rows]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true)]
    sample: Option<Fraction>,

    /// Use only rows for which this holds, like "price > 0 and country = 'DE'": comparisons of columns
    /// with numbers, true, false, text, dates or times; they don't hold for nulls [default: all rows]
    #[arg(long = "where", value_name = "COMPARISONS")]
    filter: Option<Filter>,

    /// Make so many folds in place of sides, from 2 to 100: data/ holds every row as it is and in _fold the
    /// number of its fold, scaler-fold-0.json and so on what was fitted on the rows of the other folds
    #[arg(long, value_name = "K", value_parser = values::folds, allow_negative_numbers = true)]
    folds: Option<FoldCount>,

    /// Write both sides of every fold in place of data/, fold-0/train, fold-0/test and so on, each
    /// standardized by the fold's own scaler: K times the rows
    #[arg(long, requires = "folds")]
    materialize_folds: bool,
}

impl SplitArgs {
    pub(super) fn into_spec(self) -> Result<SplitSpec> {
        self.refuse_conflicts()?;
        let bins = self.stratify_bins;
        let folds = self.folds.map(|count| FoldSpec {
            count,
            materialized: self.materialize_folds,
        });
        let test_size = match folds {
            Some(_) => Size::ZERO,
            None => DEFAULT_TEST_SIZE,
        };
        Ok(SplitSpec {
            by: self.split_by,
            test_size: self.test_size.unwrap_or(test_size),
            val_size: self.val_size,
            seed: self.seed,
            cutoff: self.cutoff,
            gap: self.gap,
            stratify: self.stratify.map(|column| Stratify { column, bins }),
            sample: self.sample,
            filter: self.filter,
            folds,
        })
    }

    /// What would do nothing is refused, not ignored.
    fn refuse_conflicts(&self) -> Result<()> {
        let sizes = match (&self.test_size, &self.val_size) {
            (Some(_), _) => Some("--test-size"),
            (None, Some(_)) => Some("--val-size"),
            (None, None) => None,
        };
        let is_timed = matches!(self.split_by, SplitBy::Time(_));
        let has_cutoff = !self.cutoff.is_empty();
        let by_hash = matches!(
            self.split_by,
            SplitBy::Row | SplitBy::Content | SplitBy::Group(_)
        );
        let given = matches!(self.split_by, SplitBy::Column(_));
        let conflicts = [
            (
                sizes.filter(|_| given),
                "--split-by column:",
                "the column says the side of every row",
            ),
            (
                sizes.filter(|_| has_cutoff),
                "--cutoff",
                "sides begin where either says",
            ),
            (
                (has_cutoff && !is_timed).then_some("--cutoff"),
                "--split-by",
                "only --split-by time: has an order in time",
            ),
            (
                (self.gap.is_some() && !is_timed).then_some("--gap"),
                "--split-by",
                "only --split-by time: has an order in time",
            ),
            (
                (self.stratify.is_some() && !by_hash).then_some("--stratify"),
                "--split-by",
                "classes can keep their shares by row, content or group only",
            ),
            (
                (self.cutoff.len() > 2).then_some("--cutoff"),
                "--split-by time:",
                "there are three sides at most, so two cutoffs",
            ),
        ];
        match conflicts
            .into_iter()
            .find_map(|(first, second, reason)| Some((first?, second, reason)))
        {
            Some((first, second, reason)) => Err(UsageError::Conflict {
                first,
                second,
                reason: reason.to_owned(),
            }
            .into()),
            None => Ok(()),
        }
    }
}
