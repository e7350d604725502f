//! `prep`, the command line: everything it does is in `cli`, everything it means in the library.

mod cli;

use std::process::ExitCode;

/// Buffers of megabytes come and go all the time; the system's allocator gives each back to the
/// kernel, which then zeroes fresh pages for the next.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
