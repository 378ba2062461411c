//! One row for each pool of a process. Its heartbeat keeps all its leases.

use sqlx::{PgConnection, postgres::types::PgInterval};

/// Enters a worker; its lease begins now.
pub(crate) async fn worker_enter(
    conn: &mut PgConnection,
    name: &str,
    pool: &str,
    version: &str,
    address: Option<&str>,
    lease: PgInterval,
    queue_ids: &[i16],
    kind_ids: &[i16],
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into trunkline.workers (name, pool, version, address, expires_at, queue_ids, kind_ids)
         values ($1, $2, $3, $4, trunkline.now() + $5::interval, $6, $7) returning worker_id",
        name,
        pool,
        version,
        address,
        lease,
        queue_ids,
        kind_ids,
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
