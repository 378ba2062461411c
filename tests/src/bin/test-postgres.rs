//! Holds the Postgres of a test run that was started without `./test`, and goes when no test has been there for a while.

use std::process::ExitCode;

fn main() -> ExitCode {
    crash_matrix::hold_postgres()
}
