//! A database with engines and pools on it. Two engines in one process know nothing of each other: between them are the
//! database and its notifications, as between two processes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::bail;
use engine::{Config, Engine, JobId, NewJob, PoolConfig, Sealer, Workflow};
use sqlx::PgConnection;
use tokio::sync::mpsc;
use workers::Running;

use crate::{
    host::Host,
    kinds::{Mark, Measured, Noop, Nothing, Starts, registry},
};

/// Callers' own transactions.
const PRODUCT_CONNECTIONS: u32 = 16;

/// Nothing is sealed in a benchmark; the engine wants a key all the same.
const SEAL_KEY: &str = "bench:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Jobs of one call.
const BULK: usize = 1000;

/// Those of what is measured. A whole worker has other jobs to do too, which schedules make.
const QUEUES: [&str; 3] = [Noop::QUEUE, Mark::QUEUE, Nothing::QUEUE];

/// A backlog that is not gone by then will not go.
const PATIENCE: Duration = Duration::from_mins(10);

/// How often the end of a backlog is looked for. Seldom: the look reads what has been deleted, and the end is counted by
/// the jobs' own times.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// An engine as a process of its own would have it.
pub(crate) async fn engine(host: &Host) -> anyhow::Result<Engine> {
    let config = Config {
        url: host.url().clone(),
        direct_url: Some(host.url().clone()),
        product_connections: PRODUCT_CONNECTIONS,
        sealer: Arc::new(Sealer::parse(SEAL_KEY)?),
    };
    Ok(Engine::connect(config, &registry()).await?)
}

/// A pool on an engine, and where its jobs say that they have begun.
pub(crate) struct Worker {
    running: Running<Measured>,
    pub(crate) starts: mpsc::UnboundedReceiver<(JobId, Instant)>,
}

impl Worker {
    pub(crate) async fn start(
        engine: &Engine,
        slots: usize,
        queues: &[&str],
    ) -> anyhow::Result<Worker> {
        let (sender, starts) = mpsc::unbounded_channel();
        let config = PoolConfig {
            name: "bench".to_owned(),
            queues: queues.iter().map(ToString::to_string).collect(),
            ..PoolConfig::batch(slots)
        };
        let running = workers::start(
            engine.clone(),
            Arc::new(registry()),
            Arc::new(Starts(sender)),
            Arc::new(()),
            config,
        )
        .await?;
        Ok(Worker { running, starts })
    }

    pub(crate) async fn stop(self) {
        self.running.stop(Duration::from_secs(5)).await;
    }
}

/// Puts in so many jobs that do nothing; the id before the first of them.
pub(crate) async fn fill<W: Workflow<Measured>>(
    engine: &Engine,
    count: usize,
    job: impl Fn() -> W,
) -> anyhow::Result<JobId> {
    fill_with(engine, count, |_| job().job()).await
}

/// The same with jobs that depend on their place.
pub(crate) async fn fill_with(
    engine: &Engine,
    count: usize,
    job: impl Fn(usize) -> NewJob,
) -> anyhow::Result<JobId> {
    let before = JobId::mint();
    let mut done = 0;
    while done < count {
        let next = count.min(done + BULK);
        engine.enqueue_all((done..next).map(&job).collect::<Vec<NewJob>>()).await?;
        done = next;
    }
    Ok(before)
}

/// One job that does nothing.
pub(crate) fn noop() -> NewJob {
    Noop::usual().job()
}

/// Waits until so many jobs made after `before` have ended, and says in how many seconds: from the first end to the last.
pub(crate) async fn ended(
    conn: &mut PgConnection,
    before: JobId,
    count: usize,
) -> anyhow::Result<f64> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        // The live ones are few rows in two small tables; counting what has ended would be the benchmark.
        let live: bool = sqlx::query_scalar(
            "select exists (select from trunkline.ready where job_id > $1)
                 or exists (select from trunkline.leases where job_id > $1)",
        )
        .bind(before.as_uuid())
        .fetch_one(&mut *conn)
        .await?;
        if !live {
            return span(conn, before, count).await;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "nobody tells us when the last one has ended"
        )]
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("after {} s there are still jobs", PATIENCE.as_secs())
}

async fn span(conn: &mut PgConnection, before: JobId, count: usize) -> anyhow::Result<f64> {
    let (ended, seconds): (i64, Option<f64>) = sqlx::query_as(
        "select count(*), extract(epoch from max(o.finished_at) - min(o.finished_at))::float8
         from trunkline.outcomes o
         join trunkline.jobs j using (job_id, retention)
         join trunkline.queues q using (queue_id)
         where o.job_id > $1 and o.state = 'succeeded' and q.name = any ($2)",
    )
    .bind(before.as_uuid())
    .bind(QUEUES)
    .fetch_one(conn)
    .await?;
    if usize::try_from(ended)? != count {
        bail!("{ended} of {count} jobs have succeeded");
    }
    Ok(seconds.unwrap_or(f64::NAN))
}

/// So many in so many seconds.
#[expect(clippy::cast_precision_loss, reason = "a few million at most")]
pub(crate) fn rate(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}
