//! Holds the Postgres of a test run that was started without `./test`, and goes when no test has been there for a while.

use std::process::ExitCode;

use daemon::postgres::guard;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|arg| arg == guard::SUBCOMMAND) {
        let Err(error) = guard::run(args);
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    match tests::idle() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
