//! Half an hour at half of what a drain reaches. In the middle third somebody holds a transaction open, so that nothing that
//! is deleted meanwhile can be cleared away.

mod record;

use std::{path::Path, time::Duration};

use engine::{Engine, NewJob};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::record::{Look, Record};
use crate::{
    Extent, Figure, Host, Series,
    kinds::Noop,
    rig::{Worker, ended, engine, fill, noop, rate},
    samples,
};

/// Workers, each an engine of its own.
const WORKERS: usize = 4;
const SLOTS: usize = 64;

/// How many are drained to learn what half of it is.
const JOBS: usize = 100_000;

/// Looks of each third, and the time between two. The server's counters follow within a second.
const LOOKS: usize = 120;
const EVERY: Duration = Duration::from_secs(5);

/// Batches of new jobs a second.
const BATCHES: u32 = 20;

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    folder: &Path,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    samples::listen();
    let caller = engine(host).await?;
    let mut conn = host.connection().await?;
    let before = fill(&caller, JOBS, Noop::usual).await?;
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(Worker::start(&engine(host).await?, SLOTS, &["bench"]).await?);
    }
    let full = rate(JOBS, ended(&mut conn, before, JOBS).await?);
    drop(samples::taken());

    let stop = CancellationToken::new();
    let feeding = tokio::spawn(feed(caller, full / 2.0, stop.clone()));
    let record = watch(host, &mut conn, extent.of(LOOKS)).await?;
    stop.cancel();
    feeding.await??;
    for worker in workers {
        worker.stop().await;
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("soak.csv"), record.csv())?;
    std::fs::write(folder.join("soak.svg"), record.svg())?;
    let full: Series = [full].into_iter().collect();
    say(Figure::new("soak", "drain_per_s", "1/s", &full));
    for figure in record.figures() {
        say(figure);
    }
    Ok(())
}

/// Puts in so many a second, in small batches, until told to stop. Who is late catches up.
async fn feed(engine: Engine, per_s: f64, stop: CancellationToken) -> anyhow::Result<()> {
    let mut ticks = interval(Duration::from_secs(1) / BATCHES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
    let batch = (per_s / f64::from(BATCHES)).round() as usize;
    while !stop.is_cancelled() {
        ticks.tick().await;
        engine.enqueue_all((0..batch).map(|_| noop()).collect::<Vec<NewJob>>()).await?;
    }
    Ok(())
}

/// Looks at the server through the three thirds.
async fn watch(host: &Host, conn: &mut PgConnection, looks: usize) -> anyhow::Result<Record> {
    let mut record = Record::begin(conn, looks).await?;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut held = None;
    for place in 0..3 * looks {
        if place == looks {
            held = Some(hold(host).await?);
        }
        if place == 2 * looks {
            drop(held.take());
        }
        ticks.tick().await;
        record.add(Look::now(conn).await?, &samples::taken());
    }
    Ok(record)
}

/// A transaction that sees the database as it is now, for as long as the connection is kept.
async fn hold(host: &Host) -> anyhow::Result<PgConnection> {
    let mut conn = PgConnection::connect(host.url().expose_secret()).await?;
    sqlx::raw_sql("begin isolation level repeatable read; select from trunkline.queues limit 1")
        .execute(&mut conn)
        .await?;
    Ok(conn)
}
