//! How rows are assigned to sides.

use prep_stream::kernel::Fraction;
use prep_stream::spec::{DEFAULT_TEST_SIZE, SplitBy, SplitSpec};

use crate::cli::values;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Split")]
pub(super) struct SplitArgs {
    /// Share of rows on the test side, an exact decimal from 0 to 1
    #[arg(
        long,
        value_name = "FRACTION",
        default_value = DEFAULT_TEST_SIZE,
        allow_negative_numbers = true
    )]
    test_size: Fraction,

    /// Seed of the split; another seed is another split
    #[arg(long, value_name = "N", default_value_t = 42, value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,

    /// What decides a row's side: row (a hash of its file and index) or column:NAME (train/test, 0/1
    /// or false/true in that column)
    #[arg(long, value_name = "row|column:NAME", default_value = "row", value_parser = values::split_by)]
    split_by: SplitBy,
}

impl SplitArgs {
    pub(super) fn into_spec(self) -> SplitSpec {
        SplitSpec {
            by: self.split_by,
            test_size: self.test_size,
            seed: self.seed,
        }
    }
}
