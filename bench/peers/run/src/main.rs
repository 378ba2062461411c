//! Everyone on one server by turns, and one table: `cargo run --release -p run -- all`. See README.md.

mod args; // the command line
mod line; // what a program prints
mod ours; // `trunkline bench`
mod roster; // who takes part, with how many jobs
mod server; // the server, and a fresh database for each run
mod table; // medians, spreads, ratios
mod theirs; // a peer's program

use std::{io::Write, path::Path, process::ExitCode};

use anyhow::Context;
use daemon::postgres::guard;

use crate::{args::Args, line::Line, roster::Contestant, server::Host};

fn main() -> ExitCode {
    // Before anything else: the guard must be the only thread of its process.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == guard::SUBCOMMAND) {
        let Err(error) = guard::run(words);
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    match Args::read(std::env::args().skip(1)).and_then(|args| all(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn all(args: &Args) -> anyhow::Result<()> {
    let mut lines = match &args.save {
        Some(path) if path.exists() => line::read(path)?,
        _ => Vec::new(),
    };
    if !args.benches.is_empty() {
        // Starting a server blocks, so it is done before the runtime starts.
        let server = server::start(&args.home)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let measured = runtime.block_on(async {
            let host = Host::on(&server).await?;
            measure(args, &host, &mut lines).await
        });
        server.stop();
        measured?;
    }
    table::print(&lines);
    Ok(())
}

/// Rounds of everyone by turns. Who begins changes, so that nobody always follows the same one.
async fn measure(args: &Args, host: &Host, lines: &mut Vec<Line>) -> anyhow::Result<()> {
    let first = lines.iter().map(|line| line.round + 1).max().unwrap_or_default();
    for round in first..first + args.rounds {
        for bench in &args.benches {
            let mut contestants = roster::of(*bench, args);
            let by = round % contestants.len();
            contestants.rotate_left(by);
            for contestant in contestants {
                let found = match turn(args, host, &contestant).await {
                    Ok(found) => found,
                    Err(error) => {
                        eprintln!("!! NOT MEASURED: {contestant}: {error:#}");
                        continue;
                    }
                };
                for line in found.into_iter().map(|line| line.of(round, host)) {
                    eprintln!("{line}");
                    if let Some(path) = &args.save {
                        append(path, &line)?;
                    }
                    lines.push(line);
                }
            }
        }
    }
    Ok(())
}

/// One run on a database of its own, which is gone afterwards. That ends with a checkpoint: nobody pays for another's
/// dirty pages.
async fn turn(args: &Args, host: &Host, contestant: &Contestant) -> anyhow::Result<Vec<Line>> {
    let run = match contestant {
        Contestant::Ours { bench, scale } => ours::run(args, host, *bench, *scale).await,
        Contestant::Theirs(run) => theirs::run(args, host, run).await,
    };
    host.drop_database().await?;
    run
}

fn append(path: &Path, line: &Line) -> anyhow::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(file, "{}", serde_json::to_string(line)?).context("the figures could not be saved")
}
