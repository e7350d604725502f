//! What a command may use of the machine; never changes the result.

use prep_stream::engine::machine;
use prep_stream::spec::Resources;

use crate::cli::values;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ResourceArgs {
    /// Worker threads [default: all processors]
    #[arg(long, value_name = "N", value_parser = values::threads, allow_negative_numbers = true)]
    threads: Option<usize>,

    /// Memory of the whole process, like 512MiB [default: three quarters of what the machine or
    /// control group allows]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    memory: Option<u64>,
}

impl ResourceArgs {
    /// What was given; what wasn't has a default.
    pub(super) fn given(&self) -> (Option<usize>, Option<u64>) {
        (self.threads, self.memory)
    }

    pub(in crate::cli) fn resources(&self) -> Resources {
        Resources {
            threads: self.threads.unwrap_or_else(machine::threads),
            memory_bytes_max: self.memory.unwrap_or_else(machine::memory_bytes_default),
        }
    }
}
