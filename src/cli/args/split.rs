//! How rows are assigned to sides.

use prep_stream::error::{Result, UsageError};
use prep_stream::kernel::Fraction;
use prep_stream::spec::{DEFAULT_SEED, DEFAULT_TEST_SIZE, Filter, SplitBy, SplitSpec};

use crate::cli::values;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Split")]
pub(super) struct SplitArgs {
    /// Share of rows on the test side, an exact decimal from 0 to 1 [default: 0.2]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true)]
    test_size: Option<Fraction>,

    /// Share of rows on a val side, taken from train, an exact decimal from 0 to 1 [default: no val
    /// side]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true)]
    val_size: Option<Fraction>,

    /// Seed of the split; another seed is another split
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED, value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,

    /// What decides a row's side: row (a hash of its file and index), content (a hash of the row:
    /// identical rows are on one side), group:NAME[,NAME...] (a hash of these columns: all rows of a
    /// key are on one side), or column:NAME (train/val/test, 0/1 or false/true in that column)
    #[arg(long, value_name = "HOW", default_value = "row", value_parser = values::split_by)]
    split_by: SplitBy,

    /// Use only this share of rows, drawn by a hash of its own: an exact decimal from 0 to 1; a
    /// smaller share is part of a larger one [default: all rows]
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true)]
    sample: Option<Fraction>,

    /// Use only rows for which this holds, like "price > 0 and country = 'DE'": comparisons of columns
    /// with numbers, true, false, text, dates or times; they don't hold for nulls [default: all rows]
    #[arg(long = "where", value_name = "COMPARISONS")]
    filter: Option<Filter>,
}

impl SplitArgs {
    pub(super) fn into_spec(self) -> Result<SplitSpec> {
        if let SplitBy::Column(_) = self.split_by {
            self.refuse_sizes(
                "--split-by column:",
                "the column says the side of every row",
            )?;
        }
        Ok(SplitSpec {
            by: self.split_by,
            test_size: self.test_size.unwrap_or(DEFAULT_TEST_SIZE),
            val_size: self.val_size,
            seed: self.seed,
            sample: self.sample,
            filter: self.filter,
        })
    }

    /// Sizes that would do nothing are refused, not ignored.
    fn refuse_sizes(&self, other: &'static str, reason: &str) -> Result<()> {
        let sizes = [
            ("--test-size", self.test_size),
            ("--val-size", self.val_size),
        ];
        match sizes.into_iter().find(|(_, size)| size.is_some()) {
            Some((first, _)) => Err(UsageError::Conflict {
                first,
                second: other,
                reason: reason.to_owned(),
            }
            .into()),
            None => Ok(()),
        }
    }
}
