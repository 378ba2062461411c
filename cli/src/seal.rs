//! `trunkline seal`: exchanging the key of what is stored encrypted.

use std::process::ExitCode;

use daemon::{
    config::Env,
    telemetry::{self, LogConfig},
};
use engine::Sealer;
use secrecy::{ExposeSecret, SecretString};

use crate::{VERSION, args::SealCommand, ready, runtime};

pub(crate) fn run(command: &SealCommand) -> anyhow::Result<ExitCode> {
    let SealCommand::Rewrap = command;
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let url: SecretString =
        env.var("DATABASE_URL").secret_url(&["postgres", "postgresql"]).required();
    let keys: SecretString = env.var("TRUNKLINE_SEAL_KEYS").secret(1).required();
    let (url, keys) = env.finish((url, keys))?;
    telemetry::install(&log, "seal", VERSION)?;
    let sealer = Sealer::parse(keys.expose_secret())?;
    let report = runtime()?.block_on(engine::rewrap(&url, &sealer))?;
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
