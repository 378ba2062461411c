//! `trunkline`, the one binary: every process of the system, and the tools for those who run it.

mod api; // the API as a process of its own
mod args; // what can be asked on the command line
mod bar; // how far long work is
mod bench; // how fast it is
mod call; // somebody calls
mod columns; // answers for people
mod demo; // plays the main job
mod deploy; // what this version would break
mod dev; // everything in one process, with a private Postgres
mod man; // the manual
mod migrate; // brings a database up to date, or says whether it is
mod operate; // a running system, from the command line
mod ready; // the line that tells scripts a process is ready
mod seal; // exchanging keys
mod seed; // what a new database is given
mod traces; // the spans of a process
mod voice; // live calls, as a process of their own
mod webhook; // what providers are told, and would post
mod worker; // a pool as a process of its own

use std::process::ExitCode;

use clap::FromArgMatches;
use daemon::postgres::guard;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    // Before anything else: the guard must be the only thread of its process.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == guard::SUBCOMMAND) {
        let error = match guard::run(words) {
            Ok(never) => match never {},
            Err(error) => anyhow::Error::new(error),
        };
        return failed(&error);
    }
    let matches = operate::command().get_matches();
    if let Some(done) = operate::run(&matches) {
        return done.unwrap_or_else(|error| failed(&error));
    }
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match args.command {
        Command::Dev(options) => dev::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Call(options) => call::run(&options),
        Command::Api(options) if options.method.is_some() => operate::ask(&options),
        Command::Api(_) => api::run(),
        Command::Doctor(options) => operate::doctor(&options),
        Command::Completions(options) => Ok(completions(options.shell)),
        Command::Man(options) => man::run(&options),
        Command::Seed(options) => operate::seed(&options),
        Command::Worker(options) => worker::run(&options),
        Command::Deploy(command) => deploy::run(&command),
        Command::Seal(command) => seal::run(&command),
        Command::Webhook(command) => webhook::run(&command),
        Command::Migrate(options) => migrate::run(&options),
        Command::Bench(options) => bench::run(&options),
    };
    done.unwrap_or_else(|error| failed(&error))
}

fn completions(shell: clap_complete::Shell) -> ExitCode {
    clap_complete::generate(shell, &mut operate::command(), "trunkline", &mut std::io::stdout());
    ExitCode::SUCCESS
}

/// Says on stderr what went wrong, with its causes.
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("trunkline: {error:#}");
    operate::ended(error).exit_code()
}

/// The runtime of every process.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// The version of this binary.
const VERSION: &str = env!("CARGO_PKG_VERSION");
