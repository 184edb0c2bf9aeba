//! The binary `mqspec`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mqspec_cli::main()
}
