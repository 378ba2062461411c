//! Claim and finish, a commit each, on one connection or several.

use std::time::Instant;

use futures::future::try_join_all;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::Ids;
use crate::host::Host;

/// Jobs of one claim: what a pool of ours takes at most.
const BATCH: i64 = 500;

const PLAN: &str = "set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off; \
                    set enable_mergejoin = off; set plan_cache_mode = force_generic_plan";

const CLAIM: &str = "
    with due as materialized (
        select ctid as at from trunkline.ready where queue_id = $1 and kind_id = $3
        order by priority, job_id limit $2 for update skip locked
    ), taken as (
        delete from trunkline.ready where ctid = any (array(select at from due)) returning *
    ), leased as (
        insert into trunkline.leases (job_id, worker_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, 0, epoch + 1, queue_id, kind_id, priority, attempt, crashes, retention, course from taken
        returning job_id, epoch, retention
    )
    select l.job_id, l.epoch, j.args from leased l join trunkline.jobs j using (job_id, retention)";

const FINISH: &str = "
    with gone as (
        delete from trunkline.leases where job_id = any (array(
            select x.job_id from unnest($1::uuid[], $2::int4[]) as i (job_id, epoch) cross join lateral (
                select job_id from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1) x))
        returning job_id, retention, epoch, attempt
    )
    insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, output)
    select job_id, retention, 'succeeded', epoch, attempt, 'null' from gone";

/// Drains a queue; in how many seconds.
pub(crate) async fn drain(host: &Host, ids: Ids, connections: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    try_join_all((0..connections).map(|_| async {
        let mut conn = PgConnection::connect(host.url().expose_secret()).await?;
        sqlx::raw_sql(PLAN).execute(&mut conn).await?;
        while batch(&mut conn, ids).await? > 0 {}
        anyhow::Ok(())
    }))
    .await?;
    Ok(began.elapsed().as_secs_f64())
}

async fn batch(conn: &mut PgConnection, ids: Ids) -> anyhow::Result<usize> {
    let claimed: Vec<(Uuid, i32, serde_json::Value)> = sqlx::query_as(CLAIM)
        .bind(ids.queue_id)
        .bind(BATCH)
        .bind(ids.kind_id)
        .fetch_all(&mut *conn)
        .await?;
    if claimed.is_empty() {
        return Ok(0);
    }
    let (jobs, epochs): (Vec<_>, Vec<_>) =
        claimed.into_iter().map(|(id, epoch, _)| (id, epoch)).unzip();
    let count = jobs.len();
    sqlx::query(FINISH).bind(jobs).bind(epochs).execute(conn).await?;
    Ok(count)
}
