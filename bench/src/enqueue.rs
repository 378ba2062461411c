//! How fast jobs come in: each acknowledged when it is committed.

use std::time::Instant;

use engine::Engine;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use crate::{
    Extent, Figure, Host, Series, floor,
    kinds::Noop,
    rig::{engine, fill, noop, rate},
};

const JOBS_ALONE: usize = 2000;
const JOBS_TOGETHER: usize = 20_000;
const JOBS_IN_BULK: usize = 50_000;

/// The floor of many callers is as many connections as a server is given for one program, not more.
const FLOOR_CONNECTIONS_MAX: usize = 16;

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let engine = engine(host).await?;
    for (metric, callers, usual) in [
        ("per_s_1", 1, JOBS_ALONE),
        ("per_s_16", 16, JOBS_TOGETHER),
        ("per_s_256", 256, JOBS_TOGETHER),
    ] {
        let each = extent.of(usual) / callers;
        let (mut ours, mut plain) = (Series::default(), Series::default());
        for _ in extent.rounds_of(metric) {
            plain.push(raw(host, callers.min(FLOOR_CONNECTIONS_MAX), each * callers).await?);
            ours.push(together(&engine, callers, each.max(1)).await?);
        }
        say(Figure::new("enqueue", metric, "1/s", &ours).beside(&ours, &plain));
    }
    bulk(host, &engine, extent, say).await
}

/// So many callers at once, each awaiting its own jobs one by one: tasks, as the handlers of an API are.
async fn together(engine: &Engine, callers: usize, each: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let engine = engine.clone();
        tasks.spawn(async move {
            for _ in 0..each {
                engine.enqueue(noop()).await?;
            }
            anyhow::Ok(())
        });
    }
    all(tasks).await?;
    Ok(rate(callers * each, began.elapsed().as_secs_f64()))
}

async fn raw(host: &Host, connections: usize, count: usize) -> anyhow::Result<f64> {
    let args = serde_json::to_value(Noop::usual())?;
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(host.url().expose_secret()).await?);
    }
    let ids = floor::ids(&mut open[0], "bench", "bench_noop").await?;
    let each = count.div_ceil(connections);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for mut conn in open {
        let args = args.clone();
        tasks.spawn(async move { floor::one_by_one(&mut conn, ids, &args, each).await });
    }
    all(tasks).await?;
    Ok(rate(each * connections, began.elapsed().as_secs_f64()))
}

/// Until all have ended well.
async fn all(mut tasks: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

async fn bulk(
    host: &Host,
    engine: &Engine,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let count = extent.of(JOBS_IN_BULK);
    let args = serde_json::to_value(Noop::usual())?;
    let mut conn = host.connection().await?;
    let ids = floor::ids(&mut conn, "bench", "bench_noop").await?;
    let (mut ours, mut plain) = (Series::default(), Series::default());
    for _ in extent.rounds_of("enqueue, in bulk") {
        let began = Instant::now();
        floor::bulk(&mut conn, ids, &args, count).await?;
        plain.push(rate(count, began.elapsed().as_secs_f64()));
        let began = Instant::now();
        fill(engine, count, Noop::usual).await?;
        ours.push(rate(count, began.elapsed().as_secs_f64()));
    }
    say(Figure::new("enqueue", "bulk_per_s", "1/s", &ours).beside(&ours, &plain));
    // What came in must not be somebody else's backlog.
    floor::drain(host, ids, 2).await?;
    Ok(())
}
