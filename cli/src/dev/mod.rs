//! `trunkline dev`: a private Postgres, migrations, the sandbox, the API and the workers in one process.

mod banner; // what a person is told
mod environment; // what every further process is told
mod postgres; // which database
mod sandboxes; // the stand-ins for the providers
mod secrets; // keys that outlive a restart

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use daemon::{
    config::Env,
    lifecycle::{ExitReason, Lifecycle},
    probes::{self, Probes},
    telemetry::{self, LogConfig, Metrics, traces::TraceConfig},
};
use engine::Engine;
use tokio::net::TcpListener;
use workers::voice::{Switchboard, VoiceConfig};

use self::{
    banner::DevReady, environment::Environment, postgres::Database, sandboxes::Sandboxes,
    secrets::Secrets,
};
use crate::{VERSION, args::DevArgs, ready, runtime, seed, traces, voice, worker};

pub(crate) use self::banner::{DevReady as Ready, file as ready_file};

/// Where the API listens if nobody says otherwise.
const PORT: u16 = 8080;

/// How long jobs in hand may take when everything is stopped; a second Ctrl-C does not wait.
const GRACE: Duration = Duration::from_secs(15);

pub(crate) fn run(options: &DevArgs) -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let config = (LogConfig::read(&env), TraceConfig::read(&env));
    let (log, spans) = env.finish(config)?;
    let metrics = telemetry::install(&log, "dev", VERSION)?;
    // Before the runtime: starting a server blocks.
    let database = Database::start(options)?;
    let exit = runtime()?.block_on(life(options, &database, metrics, spans));
    database.stop();
    exit.map(Into::into)
}

/// From the migrations to the last task's end.
async fn life(
    options: &DevArgs,
    database: &Database,
    metrics: Metrics,
    spans: Option<TraceConfig>,
) -> anyhow::Result<ExitReason> {
    let mut life = Lifecycle::install()?;
    traces::start(&mut life, spans, "dev")?;
    if let Some(ended) = database.ended() {
        let closing = life.closing();
        // It outlives every task and is stopped last; ending before is a fault.
        life.support("postgres", async move {
            tokio::select! {
                () = closing.cancelled() => Ok(()),
                ended = ended => ended,
            }
        });
    }
    let urls = database.prepare().await?;
    let listener = listen(options.port).await?;
    let secrets = Secrets::load_or_make(database.home())?;
    let address = listener.local_addr()?;
    let sandboxes = Sandboxes::start(&mut life, &secrets, database.home(), address).await?;
    let environment = Environment::make(&urls, &secrets, address, &sandboxes);
    let (engine, config, calls) =
        start(&mut life, &environment, options, listener, metrics).await?;
    let ready_line = DevReady::new(
        &environment,
        database,
        &sandboxes,
        calls,
        config.public_base_url.clone(),
        address,
    )?;
    ready_line.keep(&options.home)?;
    if options.json {
        ready::print(&ready_line)?;
    } else {
        ready_line.show(options, database);
    }
    let exit = life.until_stopped(GRACE + Duration::from_secs(5)).await;
    engine.close().await;
    ready_line.forget(&options.home);
    Ok(exit)
}

/// Starts the API and the workers on the very environment that further processes are told.
async fn start(
    life: &mut Lifecycle,
    environment: &Environment,
    options: &DevArgs,
    listener: TcpListener,
    metrics: Metrics,
) -> anyhow::Result<(Engine, api::Config, Option<String>)> {
    let env = environment.env();
    let api_config = api::Config::read(&env);
    let worker_config = workers::Config::read(&env);
    let numbers = seed::demo_numbers(&env);
    let streams = TcpListener::bind(("127.0.0.1", 0)).await?;
    let listen = streams.local_addr()?.to_string();
    let voice_config = VoiceConfig::read(&env, None, &listen);
    let (api_config, worker_config, voice_config) =
        env.finish((api_config, worker_config, voice_config))?;
    let mut worker_config = worker_config.context("the workers are not configured")?;
    worker_config.drain = GRACE;
    let registry = Arc::new(workflows::registry(worker_config.try_kinds));
    let engine = Engine::connect(worker_config.engine.clone(), &registry).await?;
    seed::seed(&engine, numbers).await?;
    let state = api::ApiState::new(
        engine.clone(),
        Arc::clone(&registry),
        api_config.clone(),
        Probes::new(life.drain()),
        metrics.clone(),
    );
    life.support("metrics", Metrics::upkeep(metrics, life.closing()));
    life.task("api", api::serve(listener, state, life.drain()));
    if options.no_workers {
        let (engine, drain) = (engine.clone(), life.drain());
        life.task("scheduler", async move { engine.schedule_until(drain).await });
    } else {
        worker::start(life, &engine, Arc::clone(&registry), &worker_config, None).await?;
    }
    let voice_config = voice_config.filter(|_| !options.no_workers && !options.no_voice);
    let calls = voice_config.as_ref().map(|config| config.address.clone());
    if let Some(config) = voice_config {
        let switchboard = Switchboard::new(&config, &worker_config.settings);
        life.support("streams", probes::serve(streams, switchboard.router(), life.closing()));
        voice::start(life, switchboard, &engine, registry, &worker_config, &config).await?;
    }
    Ok((engine, api_config, calls))
}

/// The asked port, the usual one, or, if that is taken, any.
async fn listen(port: Option<u16>) -> anyhow::Result<TcpListener> {
    let loopback = |port| TcpListener::bind(("127.0.0.1", port));
    match port {
        Some(port) => loopback(port).await.with_context(|| format!("port {port} cannot be had")),
        None => match loopback(PORT).await {
            Ok(listener) => Ok(listener),
            Err(_) => loopback(0).await.context("no port can be had"),
        },
    }
}
