//! Insert and notify on one connection, claim on another that listens.

use std::time::{Duration, Instant};

use anyhow::Context;
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::{Connection, PgConnection, postgres::PgListener};

use super::{Ids, enqueue};
use crate::host::Host;

const CHANNEL: &str = "bench_floor";

/// A notification that takes longer is lost.
const WITHIN: Duration = Duration::from_secs(5);

const CLAIM: &str = "
    with due as materialized (
        select ctid as at from trunkline.ready where queue_id = $1
        order by priority, job_id limit 1 for update skip locked
    ), taken as (
        delete from trunkline.ready where ctid = any (array(select at from due)) returning *
    ), leased as (
        insert into trunkline.leases (job_id, worker_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, 0, epoch + 1, queue_id, kind_id, priority, attempt, crashes, retention, course from taken
        returning job_id, epoch
    )
    select job_id, epoch from leased";

/// A sender and a listener.
pub(crate) struct Pair {
    ids: Ids,
    sender: PgConnection,
    claimer: PgConnection,
    listener: PgListener,
}

impl Pair {
    pub(crate) async fn new(host: &Host, ids: Ids) -> anyhow::Result<Pair> {
        let url = host.url().expose_secret();
        let mut listener = PgListener::connect(url).await?;
        listener.listen(CHANNEL).await?;
        Ok(Pair {
            ids,
            sender: PgConnection::connect(url).await?,
            claimer: PgConnection::connect(url).await?,
            listener,
        })
    }

    /// One job: in how many milliseconds after the insert's commit it is claimed.
    pub(crate) async fn once(&mut self) -> anyhow::Result<f64> {
        enqueue::one_by_one(&mut self.sender, self.ids, &Value::Null, 1).await?;
        let began = Instant::now();
        sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(&mut self.sender).await?;
        tokio::time::timeout(WITHIN, self.listener.recv())
            .await
            .context("a lost notification")??;
        let (job_id, epoch): (uuid::Uuid, i32) =
            sqlx::query_as(CLAIM).bind(self.ids.queue_id).fetch_one(&mut self.claimer).await?;
        let took = began.elapsed().as_secs_f64() * 1000.0;
        sqlx::query("delete from trunkline.leases where job_id = $1 and epoch = $2")
            .bind(job_id)
            .bind(epoch)
            .execute(&mut self.claimer)
            .await?;
        Ok(took)
    }
}
