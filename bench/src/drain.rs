//! How fast a backlog of jobs that do nothing goes: one worker, history kept.

use crate::{
    Extent, Figure, Host, Series, floor,
    kinds::{Five, Noop},
    meter,
    rig::{Worker, ended, engine, fill, rate},
};

const JOBS: usize = 50_000;

/// Enough that a claim is always a full batch.
const SLOTS: usize = 1000;

/// The floor's connections: what a server on two cores can use.
const FLOOR_CONNECTIONS: usize = 2;

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let count = extent.of(JOBS);
    let engine = engine(host).await?;
    let mut conn = host.connection().await?;
    let ids = floor::ids(&mut conn, "bench", "bench_noop").await?;
    let (mut ours, mut plain, mut wal) = (Series::default(), Series::default(), Series::default());
    for _ in extent.rounds_of("drain") {
        fill(&engine, count, Noop::usual).await?;
        plain.push(rate(count, floor::drain(host, ids, FLOOR_CONNECTIONS).await?));

        let from = meter::read(&mut conn).await?;
        let before = fill(&engine, count, Noop::usual).await?;
        let worker = Worker::start(&engine, SLOTS, &["bench"]).await?;
        let seconds = ended(&mut conn, before, count).await?;
        worker.stop().await;
        let cost = from.until(meter::read(&mut conn).await?);
        ours.push(rate(count, seconds));
        wal.push(cost.wal_bytes / rate(count, 1.0));
    }
    say(Figure::new("drain", "jobs_per_s", "1/s", &ours).beside(&ours, &plain));
    say(Figure::new("drain", "wal_bytes_per_job", "bytes", &wal));
    steps_wal(host, extent, say).await
}

/// What a workflow of five steps writes, for the same table.
async fn steps_wal(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let count = extent.of(JOBS / 10);
    let engine = engine(host).await?;
    let mut conn = host.connection().await?;
    let from = meter::read(&mut conn).await?;
    let before = fill(&engine, count, || Five {}).await?;
    let worker = Worker::start(&engine, SLOTS, &["bench"]).await?;
    ended(&mut conn, before, count).await?;
    worker.stop().await;
    let cost = from.until(meter::read(&mut conn).await?);
    let wal: Series = [cost.wal_bytes / rate(count, 1.0)].into_iter().collect();
    say(Figure::new("drain", "wal_bytes_per_five_steps", "bytes", &wal));
    let commits: Series = [cost.commits / rate(count, 1.0)].into_iter().collect();
    say(Figure::new("drain", "commits_per_five_steps", "commits", &commits));
    Ok(())
}
