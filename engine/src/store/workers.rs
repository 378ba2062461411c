//! One row for each pool of a process. Its heartbeat keeps all its leases.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::{PgConnection, postgres::types::PgInterval};

/// A worker as it enters.
#[derive(Debug)]
pub(crate) struct WorkerRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) pool: &'a str,
    pub(crate) version: &'a str,
    pub(crate) address: Option<&'a str>,
    pub(crate) lease: PgInterval,
    pub(crate) queue_ids: &'a [i16],
    pub(crate) kind_ids: &'a [i16],
    /// Why it takes no new jobs: said to its earlier life, and still so.
    pub(crate) rest_reason: Option<&'a str>,
}

/// Enters a worker; its lease begins now.
pub(crate) async fn worker_enter(
    conn: &mut PgConnection,
    row: &WorkerRow<'_>,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into trunkline.workers (name, pool, version, address, expires_at, queue_ids, kind_ids, rest_reason,
                                        rest_asked_at, draining)
         values ($1, $2, $3, $4, trunkline.now() + $5::interval, $6, $7, $8,
                 case when $8::text is not null then trunkline.now() end, $8::text is not null)
         returning worker_id",
        row.name,
        row.pool,
        row.version,
        row.address,
        row.lease,
        row.queue_ids,
        row.kind_ids,
        row.rest_reason,
    )
    .fetch_one(conn)
    .await
}

/// What a beat found.
#[derive(Debug)]
pub(crate) struct Beaten {
    /// Why it is to take no new jobs, if it is.
    pub(crate) rest_reason: Option<String>,
    /// Workers that live and take jobs of the same queues.
    pub(crate) fleet: i64,
}

/// Renews a worker's lease. `None`: it had ended, and others may have its jobs.
pub(crate) async fn worker_beat(
    conn: &mut PgConnection,
    worker_id: i32,
    lease: PgInterval,
    draining: bool,
) -> Result<Option<Beaten>, sqlx::Error> {
    sqlx::query_as!(
        Beaten,
        r#"update trunkline.workers w
         set heartbeat_at = trunkline.now(), expires_at = trunkline.now() + $2::interval,
             draining = $3 or rest_asked_at is not null
         where worker_id = $1 and expires_at > trunkline.now()
         returning rest_reason,
                   (select count(*) from trunkline.workers o
                    where o.expires_at > trunkline.now() and not o.draining and o.queue_ids && w.queue_ids) as "fleet!""#,
        worker_id,
        lease,
        draining,
    )
    .fetch_optional(conn)
    .await
}

/// Workers whose lease has ended and whose row is still there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Silent {
    pub(crate) workers: i64,
    /// When the last of their leases ended.
    pub(crate) newest: Option<DateTime<Utc>>,
    /// Whether that was less than half a minute ago.
    pub(crate) is_fresh: bool,
}

/// How many there are, and since when.
pub(crate) async fn workers_silent(conn: &mut PgConnection) -> Result<Silent, sqlx::Error> {
    sqlx::query_as!(
        Silent,
        r#"select count(*) as "workers!", max(expires_at) as newest,
                  coalesce(max(expires_at) > trunkline.now() - interval '30 seconds', false) as "is_fresh!"
           from trunkline.workers where expires_at <= trunkline.now()"#
    )
    .fetch_one(conn)
    .await
}

/// Takes a worker off the list: whatever it still holds can be rescued at once.
pub(crate) async fn worker_leave(
    conn: &mut PgConnection,
    worker_id: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from trunkline.workers where worker_id = $1", worker_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets workers that have been silent for an hour and hold nothing.
pub(crate) async fn workers_forget(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.workers w
         where w.expires_at < trunkline.now() - interval '1 hour'
           and not exists (select from trunkline.leases l where l.worker_id = w.worker_id)"
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Asks a live worker to take no new jobs, or, without a reason, to take them again. False: it is not there.
pub(crate) async fn worker_rest(
    conn: &mut PgConnection,
    worker_id: i32,
    reason: Option<&str>,
) -> Result<bool, sqlx::Error> {
    // Not draining is for the worker itself to say: it may be about to stop.
    let done = sqlx::query!(
        "update trunkline.workers
         set rest_reason = $2, draining = draining or $2::text is not null,
             rest_asked_at = case when $2::text is not null then coalesce(rest_asked_at, trunkline.now()) end
         where worker_id = $1 and expires_at > trunkline.now()",
        worker_id,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A worker as people look at it.
#[derive(Debug, Deserialize)]
pub(crate) struct SeenWorker {
    pub(crate) worker_id: i32,
    pub(crate) name: String,
    pub(crate) pool: String,
    pub(crate) version: String,
    pub(crate) address: Option<String>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) heartbeat_at: DateTime<Utc>,
    pub(crate) is_live: bool,
    pub(crate) draining: bool,
    pub(crate) rest_asked_at: Option<DateTime<Utc>>,
    pub(crate) rest_reason: Option<String>,
    pub(crate) queues: Vec<String>,
    pub(crate) running: i64,
}

/// Workers, each with how many jobs it has; of those at most `running_max` are counted. One, or all.
pub(crate) async fn workers_list(
    conn: &mut PgConnection,
    worker_id: Option<i32>,
    running_max: i64,
    rows_max: i64,
) -> Result<Vec<SeenWorker>, sqlx::Error> {
    sqlx::query_as!(
        SeenWorker,
        r#"
        with busy as (
            -- Leases are not indexed by their worker: they are gone through once for all.
            select worker_id, least(count(*), $2) as running from trunkline.leases
            where $1::int4 is null or worker_id = $1
            group by worker_id
        )
        select w.worker_id, w.name, w.pool, w.version, w.address, w.started_at, w.heartbeat_at,
               w.expires_at > trunkline.now() as "is_live!", w.draining, w.rest_asked_at, w.rest_reason,
               array(select q.name from trunkline.queues q where q.queue_id = any (w.queue_ids) order by q.name)
                   as "queues!",
               coalesce(b.running, 0) as "running!"
        from trunkline.workers w left join busy b using (worker_id)
        where $1::int4 is null or w.worker_id = $1
        order by w.pool, w.worker_id
        limit $3
        "#,
        worker_id,
        running_max,
        rows_max,
    )
    .fetch_all(conn)
    .await
}
