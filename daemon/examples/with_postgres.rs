//! Runs a command with a private Postgres around it: `with_postgres [--homes DIR] PROGRAM ARGS…`.
//! `./test` does that for all its test processes; they find the server by `TRUNKLINE_TEST_POSTGRES_URL`.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use daemon::{
    config::Env,
    postgres::{Options, Search, guard, run_with_server, sweep_abandoned},
};

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|arg| arg == guard::SUBCOMMAND) {
        let Err(error) = guard::run(args.into_iter().skip(1));
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let mut homes = PathBuf::from(".trunkline/test");
    if args.len() > 2 && args[0] == "--homes" {
        homes = PathBuf::from(&args[1]);
        args.drain(..2);
    }
    let Some((program, args)) = args.split_first() else {
        eprintln!("usage: with_postgres [--homes DIR] PROGRAM ARGS...");
        return ExitCode::FAILURE;
    };
    let env = Env::of_process();
    let search = Search::read(&env);
    if let Err(mistakes) = env.finish(()) {
        eprintln!("{mistakes}");
        return ExitCode::FAILURE;
    }
    sweep_abandoned(&homes);
    let home = homes.join(std::process::id().to_string());
    match run_with_server(&Options::test(home, search), program, args) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
