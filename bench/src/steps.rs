//! Workflows of five checkpointed steps: many from the queue, and one when idle.

use std::time::{Duration, Instant};

use engine::{Engine, JobId, Workflow};
use sqlx::PgConnection;

use crate::{
    Extent, Figure, Host, Series, floor,
    kinds::Five,
    rig::{Worker, ended, engine, fill, rate},
};

const WORKFLOWS: usize = 10_000;
const ALONE: usize = 200;
const SLOTS: usize = 1000;

/// How often the end of a single one is looked for: the timer's grain.
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let count = extent.of(WORKFLOWS);
    let engine = engine(host).await?;
    let mut conn = host.connection().await?;
    let ids = floor::ids(&mut conn, "bench", "bench_five").await?;
    let (mut ours, mut plain, mut alone) =
        (Series::default(), Series::default(), Series::default());
    for _ in extent.rounds_of("steps") {
        fill(&engine, count, || Five {}).await?;
        plain.push(rate(count, floor::steps(&mut conn, ids).await?));

        let before = fill(&engine, count, || Five {}).await?;
        let worker = Worker::start(&engine, SLOTS, &["bench"]).await?;
        ours.push(rate(count, ended(&mut conn, before, count).await?));
        alone.push(one_by_one(&engine, &mut conn, extent.of(ALONE)).await?.median());
        worker.stop().await;
    }
    say(Figure::new("steps", "workflows_per_s", "1/s", &ours).beside(&ours, &plain));
    say(Figure::new("steps", "latency_p50_ms", "ms", &alone));
    Ok(())
}

/// From before the enqueue until its end is seen from outside, in milliseconds.
async fn one_by_one(
    engine: &Engine,
    conn: &mut PgConnection,
    count: usize,
) -> anyhow::Result<Series> {
    let mut times = Series::default();
    for _ in 0..count {
        let began = Instant::now();
        let id = engine.enqueue(Five {}.job()).await?.id();
        while !has_ended(conn, id).await? {
            #[expect(
                clippy::disallowed_methods,
                reason = "a loop that spins would take one of two cores from what is measured"
            )]
            tokio::time::sleep(LOOK_EVERY).await;
        }
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(times)
}

async fn has_ended(conn: &mut PgConnection, id: JobId) -> anyhow::Result<bool> {
    Ok(sqlx::query_scalar(
        "select exists (select from trunkline.outcomes where job_id = $1 and retention = 0)",
    )
    .bind(id.as_uuid())
    .fetch_one(conn)
    .await?)
}
