//! What operators have set on queues.

use sqlx::{PgConnection, postgres::types::PgInterval};

/// A queue with its limit.
#[derive(Debug, Clone)]
pub(crate) struct QueueRow {
    pub(crate) queue_id: i16,
    pub(crate) at_once_max: Option<i32>,
}

/// All queues with their limits.
pub(crate) async fn queues_all(conn: &mut PgConnection) -> Result<Vec<QueueRow>, sqlx::Error> {
    sqlx::query_as!(QueueRow, "select queue_id, at_once_max from trunkline.queues")
        .fetch_all(conn)
        .await
}

/// Locks queues that have a limit and counts what room they have. One that another claimer has locked is left out: it has
/// its turn now. Nothing is asked when there are none.
pub(crate) async fn queue_rooms(
    conn: &mut PgConnection,
    queue_ids: &[i16],
) -> Result<Vec<(i16, i64)>, sqlx::Error> {
    if queue_ids.is_empty() {
        return Ok(Vec::new());
    }
    let locked = sqlx::query!(
        r#"select queue_id, at_once_max as "at_once_max!" from trunkline.queues
           where queue_id = any ($1) and at_once_max is not null
           order by queue_id
           for no key update skip locked"#,
        queue_ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<_> = locked.iter().map(|row| row.queue_id).collect();
    // A statement of its own: its snapshot is younger than the lock, so it sees what the last holder has claimed.
    let running = sqlx::query!(
        r#"select queue_id, count(*) as "running!" from trunkline.leases where queue_id = any ($1) group by queue_id"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(locked
        .into_iter()
        .map(|row| {
            let running = running.iter().find(|other| other.queue_id == row.queue_id);
            let room = i64::from(row.at_once_max) - running.map_or(0, |other| other.running);
            (row.queue_id, room.max(0))
        })
        .collect())
}

/// Pauses a queue. Returns its number.
pub(crate) async fn queue_pause(
    conn: &mut PgConnection,
    name: &str,
    reason: &str,
    until_after: Option<PgInterval>,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        "update trunkline.queues
         set paused_at = trunkline.now(), pause_reason = $2, pause_until = trunkline.now() + $3::interval
         where name = $1 returning queue_id",
        name,
        reason,
        until_after,
    )
    .fetch_optional(conn)
    .await
}

/// Ends a pause, if there is one. Returns the queue's number.
pub(crate) async fn queue_resume(
    conn: &mut PgConnection,
    name: &str,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        "update trunkline.queues set paused_at = null, pause_reason = null, pause_until = null
         where name = $1 returning queue_id",
        name,
    )
    .fetch_optional(conn)
    .await
}

/// Sets how many of a queue's jobs may run at once. Returns the queue's number.
pub(crate) async fn queue_limit(
    conn: &mut PgConnection,
    name: &str,
    at_once_max: Option<i32>,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        "update trunkline.queues set at_once_max = $2 where name = $1 returning queue_id",
        name,
        at_once_max,
    )
    .fetch_optional(conn)
    .await
}

/// Sets whether a queue's tenants take turns. Returns the queue's number.
pub(crate) async fn queue_fair(
    conn: &mut PgConnection,
    name: &str,
    fair: bool,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        "update trunkline.queues set fair = $2 where name = $1 returning queue_id",
        name,
        fair,
    )
    .fetch_optional(conn)
    .await
}

/// Sets how long a job of a queue may wait until it counts as late. Returns the queue's number.
pub(crate) async fn queue_target(
    conn: &mut PgConnection,
    name: &str,
    latency_target_ms: Option<i32>,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        "update trunkline.queues set latency_target_ms = $2 where name = $1 returning queue_id",
        name,
        latency_target_ms,
    )
    .fetch_optional(conn)
    .await
}

/// Promises a latency for a queue for which nothing is promised yet, and of which no operator has ever said what is. By the
/// record's index of subjects.
pub(crate) async fn queue_target_first(
    conn: &mut PgConnection,
    name: &str,
    latency_target_ms: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.queues set latency_target_ms = $2
         where name = $1 and latency_target_ms is null
           and not exists (select from trunkline.audit
                           where subject = 'queue:' || $1 and action = 'queue.promised')",
        name,
        latency_target_ms,
    )
    .execute(conn)
    .await?;
    Ok(())
}
