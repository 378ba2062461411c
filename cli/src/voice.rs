//! `trunkline worker --pool voice`: live calls, in a process of their own with a runtime and connections of their own, so that
//! nothing else's work can make a caller wait.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::Context;
use daemon::{
    config::Env,
    lifecycle::Lifecycle,
    probes::{self, Probes},
    telemetry::{self, LogConfig, Metrics, traces::TraceConfig},
};
use engine::{Engine, Registry};
use tokio::net::TcpListener;
use workers::voice::{Switchboard, VoiceConfig};
use workflows::Trunkline;

use crate::{
    VERSION,
    args::WorkerArgs,
    ready::{self, Ready},
    runtime, traces, worker,
};

/// A call's run asks the database at its beginning and its end, and for what its assistant wants done.
const CONNECTIONS_MAX: u32 = 8;

pub(crate) fn run(options: &WorkerArgs) -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let spans = TraceConfig::read(&env);
    let config = workers::Config::read(&env);
    let listen: SocketAddr = env
        .var("TRUNKLINE_LISTEN")
        .parse("an address with a port")
        .or(SocketAddr::from(([127, 0, 0, 1], 0)));
    // The address that is told to others may hold the port that is had.
    let listener = std::net::TcpListener::bind(listen).context("could not listen")?;
    listener.set_nonblocking(true)?;
    let listen = listener.local_addr()?;
    let voice = VoiceConfig::read(&env, options.advertise.as_deref(), &listen.to_string());
    let (config, voice) = env.finish((config, voice))?;
    let mut config = config.context("the worker is not configured")?;
    let mut voice = voice.context("the voice pool is not configured")?;
    config.engine.product_connections = config.engine.product_connections.min(CONNECTIONS_MAX);
    voice.slots = options.slots.map_or(voice.slots, |slots| slots as usize);
    let metrics = telemetry::install(&log, "voice", VERSION)?;
    runtime()?.block_on(async {
        let mut life = Lifecycle::install()?;
        traces::start(&mut life, spans, "voice")?;
        let registry = Arc::new(workflows::registry(config.try_kinds));
        let engine = Engine::connect(config.engine.clone(), &registry)
            .await
            .context("could not reach the database")?;
        let probes = Probes::new(life.drain());
        let check = probes.check("database");
        let listener = TcpListener::from_std(listener)?;
        let switchboard = Switchboard::new(&voice, &config.settings);
        let router = switchboard.router().merge(probes.router(metrics.clone()));
        life.support("streams", probes::serve(listener, router, life.closing()));
        start(&mut life, switchboard, &engine, registry, &config, &voice).await?;
        life.support("ping", worker::ping(engine.clone(), check, life.closing()));
        life.support("metrics", Metrics::upkeep(metrics, life.closing()));
        ready::print(&Ready::new("worker", Some("voice"), listen))?;
        let exit = life.until_stopped(config.drain + std::time::Duration::from_secs(5)).await;
        engine.close().await;
        Ok(exit.into())
    })
}

/// Starts the voice pool as a task of the process.
pub(crate) async fn start(
    life: &mut Lifecycle,
    switchboard: Switchboard,
    engine: &Engine,
    registry: Arc<Registry<Trunkline>>,
    config: &workers::Config,
    voice: &VoiceConfig,
) -> anyhow::Result<()> {
    let uses = [config.clients.credentials(), voice.credentials()].concat();
    worker::keep_credentials(life, engine, uses).await;
    let (clients, settings) = (Arc::clone(&config.clients), Arc::clone(&config.settings));
    let mut running = switchboard
        .start(engine.clone(), registry, clients, settings, voice, VERSION)
        .await
        .context("the voice pool could not be started")?;
    let (drain, abort, grace) = (life.drain(), life.abort(), config.drain);
    life.task("voice", async move {
        tokio::select! {
            () = drain.cancelled() => {}
            ended = running.ended() => return ended,
        }
        tokio::select! {
            () = running.stop(grace) => {}
            // Calls whose worker is gone ask where to by themselves.
            () = abort.cancelled() => {}
        }
        Ok(())
    });
    Ok(())
}
