//! How soon an idle worker begins a job: from the return of the enqueue to the job's first line.

use std::time::{Duration, Instant};

use anyhow::Context;
use engine::{Engine, Workflow};

use crate::{
    Extent, Figure, Host, Series, floor,
    kinds::{Mark, Noop},
    rig::{Worker, engine, fill},
};

const JOBS: usize = 500;

/// The backlog that another pool drains beside it.
const LOAD: usize = 100_000;

/// A job that is not begun by then was lost.
const WITHIN: Duration = Duration::from_secs(10);

/// Between two jobs, so that the worker is idle when the next one comes. The floor rests as long: what has just run is two or
/// three times as quick as what has to be woken.
const REST: Duration = Duration::from_millis(3);

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let count = extent.of(JOBS);
    // Two engines: the second hears of a job by its notification alone.
    let (caller, listener) = (engine(host).await?, engine(host).await?);
    let mut conn = host.connection().await?;
    let ids = floor::ids(&mut conn, "bench_floor", "bench_noop").await;
    let ids = match ids {
        Ok(ids) => ids,
        Err(_) => floor::ids(&mut conn, "bench", "bench_noop").await?,
    };
    let mut worker = Worker::start(&listener, 16, &["bench_pickup"]).await?;
    let mut pair = floor::Pair::new(host, ids).await?;
    let (mut ours, mut plain) = (Rounds::default(), Rounds::default());
    for _ in extent.rounds_of("pickup") {
        let mut floor = Series::default();
        for _ in 0..count {
            floor.push(pair.once().await?);
            rest().await;
        }
        plain.add(&floor);
        ours.add(&began_after(&caller, &mut worker, count).await?);
    }
    worker.stop().await;
    say(Figure::new("pickup", "p50_ms", "ms", &ours.p50).beside(&ours.p50, &plain.p50));
    say(Figure::new("pickup", "p99_ms", "ms", &ours.p99).beside(&ours.p99, &plain.p99));

    let mut worker = Worker::start(&caller, 16, &["bench_pickup"]).await?;
    let mut same = Rounds::default();
    for _ in extent.rounds_of("pickup, by the same process") {
        same.add(&began_after(&caller, &mut worker, count).await?);
    }
    worker.stop().await;
    say(Figure::new("pickup", "p50_ms_same_process", "ms", &same.p50));
    loaded(host, extent, say).await
}

/// Beside a pool that drains a backlog.
async fn loaded(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let (caller, listener, other) = (engine(host).await?, engine(host).await?, engine(host).await?);
    let mut worker = Worker::start(&listener, 16, &["bench_pickup"]).await?;
    let mut rounds = Rounds::default();
    for _ in extent.rounds_of("pickup, under load") {
        let before = fill(&caller, extent.of(LOAD), Noop::usual).await?;
        let drainer = Worker::start(&other, 1000, &["bench"]).await?;
        rounds.add(&began_after(&caller, &mut worker, extent.of(JOBS) / 5).await?);
        let mut conn = host.connection().await?;
        crate::rig::ended(&mut conn, before, extent.of(LOAD) + extent.of(JOBS) / 5).await?;
        drainer.stop().await;
    }
    worker.stop().await;
    say(Figure::new("pickup", "p50_ms_loaded", "ms", &rounds.p50));
    say(Figure::new("pickup", "p99_ms_loaded", "ms", &rounds.p99));
    Ok(())
}

#[derive(Default)]
struct Rounds {
    p50: Series,
    p99: Series,
}

impl Rounds {
    fn add(&mut self, times: &Series) {
        self.p50.push(times.median());
        self.p99.push(times.percentile(99.0));
    }
}

/// One job after the other: each in how many milliseconds after its enqueue returned. Not below zero: a worker may be
/// quicker than the caller's own return.
async fn began_after(caller: &Engine, worker: &mut Worker, count: usize) -> anyhow::Result<Series> {
    let mut times = Series::default();
    for _ in 0..count {
        let id = caller.enqueue(Mark {}.job()).await?.id();
        let returned = Instant::now();
        let (begun, at) = tokio::time::timeout(WITHIN, worker.starts.recv())
            .await
            .context("a job was not begun")?
            .context("the worker has ended")?;
        anyhow::ensure!(begun == id, "another job was begun");
        times.push(at.saturating_duration_since(returned).as_secs_f64() * 1000.0);
        rest().await;
    }
    Ok(times)
}

#[expect(clippy::disallowed_methods, reason = "the worker is to be idle when the next one comes")]
async fn rest() {
    tokio::time::sleep(REST).await;
}
