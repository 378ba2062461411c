//! How fast webhooks come in: signed by Twilio, over HTTP, to one API process; each answered when its inbox row and its job
//! are committed. The floor is the same rows by plain SQL on as many connections.

mod api; // a process of its own
mod caller; // a connection that posts

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::future::try_join_all;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use self::caller::Caller;
use crate::{Extent, Figure, Host, Series, floor, process::Process, rig::rate};

/// Webhooks of one round.
const WEBHOOKS: usize = 4_000;

/// Connections, of the callers and of the floor.
const CONNECTIONS: usize = 16;

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    ensure!(
        host.is_throwaway(),
        "its jobs are of the product's own kinds, and are thrown away: without DATABASE_URL, on a database of its own"
    );
    let api = api::start(host).await?;
    let mut conn = host.connection().await?;
    let ids = floor::ids(&mut conn, "sms", "sms_status").await?;
    let each = extent.of(WEBHOOKS) / CONNECTIONS;
    let (mut ours, mut plain) = (Series::default(), Series::default());
    let (mut p50, mut p99) = (Series::default(), Series::default());
    for _ in extent.rounds_of("ingest") {
        plain.push(raw(host, ids, each).await?);
        let full = at_once(&api, each).await?;
        ours.push(full);
        let times = spaced(&api, each, full / 2.0).await?;
        p50.push(times.median());
        p99.push(times.percentile(99.0));
        // What came in must not be the next round's backlog.
        floor::drain(host, ids, 2).await?;
    }
    say(Figure::new("ingest", "per_s", "1/s", &ours).beside(&ours, &plain));
    say(Figure::new("ingest", "p50_ms", "ms", &p50));
    say(Figure::new("ingest", "p99_ms", "ms", &p99));
    api.kill().await
}

/// The same rows, a commit each.
async fn raw(host: &Host, ids: floor::Ids, each: usize) -> anyhow::Result<f64> {
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(PgConnection::connect(host.url().expose_secret()).await?);
    }
    let began = Instant::now();
    try_join_all(open.iter_mut().map(|conn| floor::keep(conn, ids, each))).await?;
    Ok(rate(each * CONNECTIONS, began.elapsed().as_secs_f64()))
}

/// As fast as the answers come.
async fn at_once(api: &Process, each: usize) -> anyhow::Result<f64> {
    let mut callers = callers(api).await?;
    let began = Instant::now();
    try_join_all(callers.iter_mut().map(async |caller| {
        for _ in 0..each {
            caller.post().await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    Ok(rate(each * CONNECTIONS, began.elapsed().as_secs_f64()))
}

/// So many a second, whether or not the answers come: each in how many milliseconds after it was due.
async fn spaced(api: &Process, each: usize, per_s: f64) -> anyhow::Result<Series> {
    let mut callers = callers(api).await?;
    let began = Instant::now();
    let between = Duration::from_secs_f64(1.0 / per_s);
    let connections = u32::try_from(CONNECTIONS)?;
    let times = callers.iter_mut().zip(0_u32..).map(async |(caller, place)| {
        let mut times = Vec::new();
        for number in 0..u32::try_from(each)? {
            let due = began + between * (number * connections + place);
            #[expect(clippy::disallowed_methods, reason = "a webhook comes when it comes")]
            tokio::time::sleep(due.saturating_duration_since(Instant::now())).await;
            caller.post().await?;
            times.push(due.elapsed().as_secs_f64() * 1000.0);
        }
        anyhow::Ok(times)
    });
    Ok(try_join_all(times).await?.into_iter().flatten().collect())
}

async fn callers(api: &Process) -> anyhow::Result<Vec<Caller>> {
    let address = api.listen()?;
    try_join_all((0..CONNECTIONS).map(|_| Caller::connect(address))).await
}
