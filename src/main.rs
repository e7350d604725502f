//! `prep`, the command line: everything it does is in `cli`, everything it means in the library.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
