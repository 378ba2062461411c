//! `trunkline seal`: exchanging the key of what is stored encrypted.

use std::process::ExitCode;

use anyhow::Context;
use daemon::{
    config::Env,
    telemetry::{self, LogConfig},
};
use engine::{Engine, RewrapReport};

use crate::{VERSION, args::SealCommand, ready, runtime};

pub(crate) fn run(command: &SealCommand) -> anyhow::Result<ExitCode> {
    let SealCommand::Rewrap = command;
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let config = workers::config::engine_config(&env);
    let config = env.finish(config)?;
    let config = config.context("the database is not configured")?;
    telemetry::install(&log, "seal", VERSION)?;
    let report = runtime()?.block_on(rewrap(config))?;
    ready::print(&report)?;
    if report.found_nothing() {
        tracing::info!(
            "nothing is sealed under another key than the first; once every process has this list and runs that were in \
             hand before have gone on, the others may leave it"
        );
        return Ok(ExitCode::SUCCESS);
    }
    if !report.unopenable.is_empty() {
        tracing::warn!("some boxes cannot be opened with this list: {:?}", report.unopenable);
        return Ok(ExitCode::FAILURE);
    }
    tracing::info!(
        "{} boxes were sealed anew; run it again to see that none is left",
        report.rewrapped
    );
    Ok(ExitCode::SUCCESS)
}

/// What the engine keeps, and what providers know us by.
async fn rewrap(config: engine::Config) -> anyhow::Result<RewrapReport> {
    let mut report = engine::rewrap(&config.url, &config.sealer).await?;
    let engine = Engine::connect(config, &workflows::registry(false))
        .await
        .context("could not reach the database")?;
    let rewrapped = workflows::credentials::rewrap(&engine, &mut report).await;
    engine.close().await;
    rewrapped.map_err(|error| anyhow::anyhow!(error))?;
    Ok(report)
}
