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

    /// Those of one process of several on a machine: its memory goes by its threads.
    pub(super) fn share(&self) -> Resources {
        let threads = self.threads.unwrap_or_else(machine::threads);
        Resources {
            threads,
            memory_bytes_max: self
                .memory
                .unwrap_or_else(|| machine::memory_bytes_share(threads)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_of_several_takes_what_it_is_given_or_a_share() {
        let args = |threads, memory| ResourceArgs { threads, memory };
        assert_eq!(
            args(Some(1), Some(7)).share(),
            args(Some(1), Some(7)).resources()
        );
        let all = machine::threads();
        let (one, whole) = (args(Some(1), None).share(), args(None, None).share());
        assert_eq!((one.threads, whole.threads), (1, all));
        assert_eq!(one.memory_bytes_max, machine::memory_bytes_share(1));
        assert_eq!(whole.memory_bytes_max / all as u64, one.memory_bytes_max);
    }
}
