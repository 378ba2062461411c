//! `trunkline api`: the API as a process of its own.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use daemon::{
    config::Env,
    lifecycle::Lifecycle,
    probes::Probes,
    telemetry::{self, LogConfig, Metrics, traces::TraceConfig},
};
use engine::Engine;
use tokio::net::TcpListener;

use crate::{
    VERSION,
    ready::{self, Ready},
    runtime, seed, traces,
};

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let spans = TraceConfig::read(&env);
    let config = api::Config::read(&env);
    let engine = workers::config::engine_config(&env);
    let drain = workers::config::drain(&env);
    let numbers = seed::demo_numbers(&env);
    let (config, engine) = env.finish((config, engine))?;
    let engine = engine.context("the engine is not configured")?;
    let metrics = telemetry::install(&log, "api", VERSION)?;
    runtime()?.block_on(async {
        let mut life = Lifecycle::install()?;
        traces::start(&mut life, spans, "api")?;
        let registry = Arc::new(workflows::registry(config.try_kinds));
        let engine =
            Engine::connect(engine, &registry).await.context("could not reach the database")?;
        seed::seed(&engine, numbers).await?;
        let listener = TcpListener::bind(config.listen).await.context("could not listen")?;
        let listen = listener.local_addr()?;
        life.support("metrics", Metrics::upkeep(metrics.clone(), life.closing()));
        let state = api::ApiState::new(
            engine.clone(),
            registry,
            config,
            Probes::new(life.drain()),
            metrics,
        );
        life.task("api", api::serve(listener, state, life.drain()));
        ready::print(&Ready::new("api", None, listen))?;
        let exit = life.until_stopped(drain).await;
        engine.close().await;
        Ok(exit.into())
    })
}
