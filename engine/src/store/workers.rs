//! One row for each pool of a process. Its heartbeat keeps all its leases.

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
}

/// Enters a worker; its lease begins now.
pub(crate) async fn worker_enter(
    conn: &mut PgConnection,
    row: &WorkerRow<'_>,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into trunkline.workers (name, pool, version, address, expires_at, queue_ids, kind_ids)
         values ($1, $2, $3, $4, trunkline.now() + $5::interval, $6, $7) returning worker_id",
        row.name,
        row.pool,
        row.version,
        row.address,
        row.lease,
        row.queue_ids,
        row.kind_ids,
    )
    .fetch_one(conn)
    .await
}

/// Renews a worker's lease. False: it had ended, and others may have its jobs.
pub(crate) async fn worker_beat(
    conn: &mut PgConnection,
    worker_id: i32,
    lease: PgInterval,
    draining: bool,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update trunkline.workers
         set heartbeat_at = trunkline.now(), expires_at = trunkline.now() + $2::interval, draining = $3
         where worker_id = $1 and expires_at > trunkline.now()",
        worker_id,
        lease,
        draining,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
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
