//! Whether claims become slower the more there is: in an empty database, and then beside a million jobs each that are ready,
//! scheduled and kept back, and ten million that have ended.

use std::time::{Duration, Instant};

use anyhow::ensure;
use engine::{Engine, Gates, Start};

use crate::{
    Extent, Figure, Host, Series, floor,
    kinds::Noop,
    rig::{Worker, engine, fill, fill_with, noop},
    samples,
};

/// Jobs of each state that is alive.
const ALIVE: usize = 1_000_000;

/// Jobs that have ended.
const ENDED: usize = 10_000_000;

/// Keys that the jobs kept back share: each lets one through in a day.
const KEYS: usize = 1000;

/// Longer than it is measured.
const DAY: Duration = Duration::from_hours(24);

/// Claims of one look; enough for a 99th percentile.
const CLAIMS: usize = 400;

/// A claim takes half of them at least.
const SLOTS: usize = 100;

/// Enough for so many claims.
const JOBS: usize = 2 * CLAIMS * SLOTS;

/// They take seconds.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often it is looked whether there are enough.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    samples::listen();
    let engine = engine(host).await?;
    let mut conn = host.connection().await?;
    let ids = floor::ids(&mut conn, "bench", "bench_noop").await?;
    let (mut empty, mut deep) = (Looks::default(), Looks::default());
    for _ in extent.rounds_of("depth, empty") {
        fill(&engine, JOBS, Noop::usual).await?;
        empty.add(&claims(&engine).await?);
        floor::drain(host, ids, 2).await?;
    }
    floor::ended(&mut conn, ids, extent.of(ENDED)).await?;
    stock(&engine, extent.of(ALIVE), JOBS * extent.rounds).await?;
    for _ in extent.rounds_of("depth") {
        deep.add(&claims(&engine).await?);
    }
    say(Figure::new("depth", "claim_p50_ms", "ms", &deep.p50).beside(&deep.p50, &empty.p50));
    say(Figure::new("depth", "claim_p99_ms", "ms", &deep.p99).beside(&deep.p99, &empty.p99));
    Ok(())
}

/// The medians and the slowest of the claims of each round.
#[derive(Default)]
struct Looks {
    p50: Series,
    p99: Series,
}

impl Looks {
    fn add(&mut self, claims: &Series) {
        self.p50.push(claims.median());
        self.p99.push(claims.percentile(99.0));
    }
}

/// Has a worker claim until there are enough claims. What it has claimed is done; the rest stays.
async fn claims(engine: &Engine) -> anyhow::Result<Series> {
    let worker = Worker::start(engine, SLOTS, &["bench"]).await?;
    drop(samples::taken());
    let began = Instant::now();
    while samples::count() < CLAIMS {
        ensure!(began.elapsed() < PATIENCE, "only {} claims", samples::count());
        #[expect(clippy::disallowed_methods, reason = "claims tell nobody that there are enough")]
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let claims = samples::taken();
    worker.stop().await;
    Ok(claims)
}

/// So many jobs each that are scheduled, kept back by their gates, and ready; of the last, enough to be claimed.
async fn stock(engine: &Engine, count: usize, claimed: usize) -> anyhow::Result<()> {
    fill_with(engine, count, |_| noop().start(Start::After(DAY))).await?;
    fill_with(engine, count, |place| {
        noop().gates(Gates::none().rate("bench", &(place % KEYS).to_string(), DAY, 1))
    })
    .await?;
    fill(engine, count.max(claimed), Noop::usual).await?;
    Ok(())
}
