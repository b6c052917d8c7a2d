//! Parse, run, return an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    anteroom::commands::main()
}
