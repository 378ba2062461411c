//! `trunkline migrate`: brings a database up to date, as its owner and past any pooler; or says whether it is.

use std::process::ExitCode;

use daemon::{
    config::Env,
    telemetry::{self, LogConfig},
};
use migrations::{Known, State};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{VERSION, args::MigrateArgs, operate::Told, ready, runtime};

pub(crate) fn run(options: &MigrateArgs) -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let url: SecretString = env
        .var(["DATABASE_OWNER_URL", "DATABASE_DIRECT_URL", "DATABASE_URL"])
        .secret_url(&["postgres", "postgresql"])
        .required();
    let url = env.finish(url)?;
    telemetry::install(&log, "migrate", VERSION)?;
    if options.check {
        return check(&url, options.or_newer);
    }
    let report = runtime()?.block_on(migrations::migrate(&url))?;
    for applied in &report.applied {
        tracing::info!("{} {} in {:?}", applied.version, applied.name, applied.took);
    }
    ready::print(&json!({ "migrated": true, "applied": report.applied.len() }))?;
    Ok(ExitCode::SUCCESS)
}

/// Compares, and writes nothing: stdout has the line for scripts, stderr the list for people.
fn check(url: &SecretString, or_newer: bool) -> anyhow::Result<ExitCode> {
    let state = runtime()?.block_on(migrations::current(url))?;
    let fits = fits(&state, or_newer);
    for line in lines(&state) {
        eprintln!("{line}");
    }
    ready::print(&json!({
        "current": fits,
        "missing": named(&state.pending),
        "changed": named(&state.changed),
        "unknown": state.unknown,
    }))?;
    Ok(if fits { Told::Done } else { Told::Conflict }.exit_code())
}

fn fits(state: &State, or_newer: bool) -> bool {
    if or_newer { state.is_current() } else { state.is_same() }
}

/// A line for each migration in which the database and this version differ.
fn lines(state: &State) -> Vec<String> {
    let missing = state.pending.iter().map(|Known { version, name }| {
        format!("missing: {version} {name} (`trunkline migrate` applies it)")
    });
    let changed = state.changed.iter().map(|Known { version, name }| {
        format!("changed: {version} {name} (its file was another one when it was applied)")
    });
    let unknown = state
        .unknown
        .iter()
        .map(|version| format!("unknown: {version} (a newer version than {VERSION} has migrated)"));
    missing.chain(changed).chain(unknown).collect()
}

fn named(migrations: &[Known]) -> Vec<Value> {
    migrations.iter().map(|it| json!({ "version": it.version, "name": it.name })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(version: i64) -> Vec<Known> {
        vec![Known { version, name: "add colours".to_owned() }]
    }

    #[test]
    fn a_newer_database_fits_who_asked_for_that_and_a_missing_or_changed_migration_nobody() {
        let newer = State { unknown: vec![3], ..State::default() };
        assert_eq!([fits(&newer, false), fits(&newer, true)], [false, true]);
        let behind = State { pending: one(1), ..State::default() };
        let changed = State { changed: one(1), ..State::default() };
        for state in [behind, changed] {
            assert_eq!([fits(&state, false), fits(&state, true)], [false, false], "{state:?}");
        }
        assert!(fits(&State::default(), false));
    }

    #[test]
    fn every_difference_is_a_line_that_begins_with_what_it_is() {
        let state = State { pending: one(2), changed: one(1), unknown: vec![3] };
        let said = lines(&state);
        let words: Vec<_> = said.iter().filter_map(|line| line.split(" (").next()).collect();
        assert_eq!(words, ["missing: 2 add colours", "changed: 1 add colours", "unknown: 3"]);
        assert!(lines(&State::default()).is_empty());
    }
}
