//! `trunkline bench`: how fast it is on this machine, or on the caller's own database.

use std::process::ExitCode;

use anyhow::Context;
use bench::{Bench, Extent, Figure, Host, Round, measure};
use daemon::{config::Env, postgres::Search};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::{BenchArgs, BenchName},
    bar::{self, Bar},
    ready, runtime,
};

pub(crate) fn run(options: &BenchArgs) -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let url: Option<SecretString> =
        env.var("DATABASE_URL").secret_url(&["postgres", "postgresql"]).optional();
    let search = Search::read(&env);
    let url = env.finish(url)?;
    if cfg!(debug_assertions) {
        eprintln!(
            "this is a debug build: what it measures is the compiler's patience (cargo build --release)"
        );
    }
    // Before the runtime: starting a server blocks.
    let server = match &url {
        None => Some(Host::throwaway(options.home.join(std::process::id().to_string()), search)?),
        Some(_) => None,
    };
    let done = runtime()?.block_on(async {
        let host = match (server, url) {
            (Some(server), _) => Host::on(server).await?,
            (None, Some(url)) => Host::at(url).await?,
            (None, None) => anyhow::bail!("no database"),
        };
        say_settings(options, &host)?;
        // Who is told to stop still ends what was started.
        let mut term = signal(SignalKind::terminate())?;
        tokio::select! {
            done = measure_all(options, &host) => done?,
            _ = term.recv() => anyhow::bail!("told to stop"),
            _ = tokio::signal::ctrl_c() => anyhow::bail!("told to stop"),
        }
        anyhow::Ok(host)
    });
    // Whatever is said next begins on a line of its own.
    let _ = Bar::new(!options.json).clear();
    done?.stop();
    Ok(ExitCode::SUCCESS)
}

fn say_settings(options: &BenchArgs, host: &Host) -> anyhow::Result<()> {
    if options.json {
        return ready::print(&serde_json::json!({ "server": host.settings() }));
    }
    let set = host.settings();
    eprintln!(
        "Postgres {}, fsync {}, synchronous_commit {}, shared_buffers {}",
        set.version, set.fsync, set.synchronous_commit, set.shared_buffers
    );
    Ok(())
}

async fn measure_all(options: &BenchArgs, host: &Host) -> anyhow::Result<()> {
    let bar = Bar::new(!options.json);
    let extent = Extent {
        rounds: usize::from(options.rounds),
        per_mille: usize::from(options.scale) * 10,
        began: if options.json { |_| () } else { show_round },
    };
    let mut said = Ok(());
    let mut say = |figure: Figure| {
        // A figure and the bar may be on the same terminal.
        let _ = bar.clear();
        let printed = if options.json { ready::print(&figure) } else { print_line(&figure) };
        if printed.is_err() {
            said = printed;
        }
    };
    for bench in chosen(options.name) {
        if bench == Bench::Ingest && options.name == BenchName::All && !host.is_throwaway() {
            eprintln!("left out: ingest, which is measured on a database of its own only");
            continue;
        }
        bar.show(bench.as_str())?;
        measure(bench, host, extent, &options.home, &mut say)
            .await
            .with_context(|| format!("{} could not be measured", bench.as_str()))?;
    }
    said
}

/// How far the part is that is being measured. Nobody measures while this is written.
fn show_round(round: Round) {
    // What cannot be shown is no reason to end.
    let _ = Bar::new(true).show(&round_line(round));
}

/// `[##########--------------------] 1 of 3 rounds of drain`, while the second is measured.
fn round_line(Round { part, number, of }: Round) -> String {
    let count = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
    bar::line(count(number.saturating_sub(1)), count(of), &format!("rounds of {part}"))
}

fn chosen(name: BenchName) -> Vec<Bench> {
    match name {
        BenchName::All => Bench::ALL.to_vec(),
        BenchName::Drain => vec![Bench::Drain],
        BenchName::Enqueue => vec![Bench::Enqueue],
        BenchName::Pickup => vec![Bench::Pickup],
        BenchName::Steps => vec![Bench::Steps],
        BenchName::Ingest => vec![Bench::Ingest],
        BenchName::Fleet => vec![Bench::Fleet],
        BenchName::Depth => vec![Bench::Depth],
        BenchName::Soak => vec![Bench::Soak],
        BenchName::Voice => vec![Bench::Voice],
    }
}

#[expect(clippy::print_stdout, reason = "figures are what stdout is for")]
#[expect(clippy::unnecessary_wraps, reason = "as the other way of printing")]
fn print_line(figure: &Figure) -> anyhow::Result<()> {
    println!("{figure}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_counts_when_it_is_over() {
        let line = |number| round_line(Round { part: "drain", number, of: 2 });
        assert!(line(1).ends_with("] 0 of 2 rounds of drain"), "{}", line(1));
        assert_eq!(line(2).matches('#').count(), 15);
    }
}
