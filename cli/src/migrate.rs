//! `trunkline migrate`: brings a database up to date, as its owner and past any pooler.

use std::process::ExitCode;

use daemon::{
    config::Env,
    telemetry::{self, LogConfig},
};
use secrecy::SecretString;

use crate::{VERSION, ready, runtime};

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let url: SecretString = env
        .var(["DATABASE_OWNER_URL", "DATABASE_DIRECT_URL", "DATABASE_URL"])
        .secret_url(&["postgres", "postgresql"])
        .required();
    let url = env.finish(url)?;
    telemetry::install(&log, "migrate", VERSION)?;
    let report = runtime()?.block_on(migrations::migrate(&url))?;
    for applied in &report.applied {
        tracing::info!("{} {} in {:?}", applied.version, applied.name, applied.took);
    }
    ready::print(&serde_json::json!({ "migrated": true, "applied": report.applied.len() }))?;
    Ok(ExitCode::SUCCESS)
}
