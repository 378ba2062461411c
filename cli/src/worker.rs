//! `trunkline worker`: a pool as a process of its own.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use daemon::{
    config::Env,
    lifecycle::Lifecycle,
    probes::{self, Check, Probes},
    telemetry::{self, LogConfig, Metrics, traces::TraceConfig},
};
use engine::{Engine, PoolConfig, Registry};
use tokio::{net::TcpListener, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use workflows::{
    Trunkline,
    credentials::{Keeper, Use},
    promises::PROMISES,
    voice_session::VoiceSession,
};

use crate::{
    VERSION,
    args::{PoolName, WorkerArgs},
    ready::{self, Ready},
    runtime, traces, voice,
};

/// The queue of live calls.
const VOICE: &str = <VoiceSession as engine::Workflow<Trunkline>>::QUEUE;

/// How often readiness asks the database.
const PING_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn run(options: &WorkerArgs) -> anyhow::Result<ExitCode> {
    if options.pool == PoolName::Voice {
        return voice::run(options);
    }
    let env = Env::of_process();
    let log = LogConfig::read(&env);
    let spans = TraceConfig::read(&env);
    let config = workers::Config::read(&env);
    let listen: SocketAddr = env
        .var("TRUNKLINE_LISTEN")
        .parse("an address with a port")
        .or(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut config = env.finish(config)?.context("the worker is not configured")?;
    config.slots = options.slots.map_or(config.slots, |slots| slots as usize);
    let metrics = telemetry::install(&log, "worker", VERSION)?;
    runtime()?.block_on(async {
        let mut life = Lifecycle::install()?;
        traces::start(&mut life, spans, "worker")?;
        let registry = Arc::new(workflows::registry(config.try_kinds));
        let engine = Engine::connect(config.engine.clone(), &registry)
            .await
            .context("could not reach the database")?;
        let listener = TcpListener::bind(listen).await.context("could not listen")?;
        let listen = listener.local_addr()?;
        let probes = Probes::new(life.drain());
        let check = probes.check("database");
        start(&mut life, &engine, registry, &config, options.advertise.clone()).await?;
        life.support("ping", ping(engine.clone(), check, life.closing()));
        life.support("metrics", Metrics::upkeep(metrics.clone(), life.closing()));
        life.support("probes", probes::serve(listener, probes.router(metrics), life.closing()));
        ready::print(&Ready::new("worker", Some("default"), listen))?;
        let exit = life.until_stopped(config.drain + Duration::from_secs(5)).await;
        engine.close().await;
        Ok(exit.into())
    })
}

/// Starts the default pool as a task of the process.
pub(crate) async fn start(
    life: &mut Lifecycle,
    engine: &Engine,
    registry: Arc<Registry<Trunkline>>,
    config: &workers::Config,
    address: Option<String>,
) -> anyhow::Result<()> {
    let pool = PoolConfig {
        version: VERSION.to_owned(),
        address,
        keep: config.keep,
        // Live calls are for those who can speak them.
        queues: registry.queues().into_iter().filter(|queue| queue != VOICE).collect(),
        ..PoolConfig::batch(config.slots)
    };
    keep_credentials(life, engine, config.clients.credentials()).await;
    let (clients, settings) = (Arc::clone(&config.clients), Arc::clone(&config.settings));
    let mut running = workers::start(engine.clone(), registry, clients, settings, pool)
        .await
        .context("the pool could not be started")?;
    for (queue, latency) in PROMISES {
        // The pool is at work already; the next worker that starts says it.
        if let Err(error) = engine.promise_first(queue, latency).await {
            tracing::warn!(%error, queue, "what a queue promises could not be written down");
        }
    }
    life.support("product gauges", workers::metrics::show(engine.clone(), life.closing()));
    let (drain, abort, grace) = (life.drain(), life.abort(), config.drain);
    life.task("pool", async move {
        tokio::select! {
            () = drain.cancelled() => {}
            ended = running.ended() => return ended,
        }
        tokio::select! {
            () = running.stop(grace) => {}
            // What is left in hand comes back to others when the lease has run out.
            () = abort.cancelled() => {}
        }
        Ok(())
    });
    Ok(())
}

/// Looks what providers know us by, before anybody of them is called, and then for as long as the process runs.
pub(crate) async fn keep_credentials(life: &mut Lifecycle, engine: &Engine, uses: Vec<Use>) {
    let (keeper, closing) = (Keeper::begin(engine.clone(), uses).await, life.closing());
    life.support("credentials", async move {
        closing.run_until_cancelled(keeper.keep()).await;
    });
}

/// Keeps readiness up to date.
pub(crate) async fn ping(engine: Engine, check: Check, closing: CancellationToken) {
    let mut ticks = tokio::time::interval(PING_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = ticks.tick() => check.note(&engine.ping().await.map(drop)),
        }
    }
}
