//! Schedules: which tick is next. The tick's identity is a unique key of the job that it makes.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A schedule whose tick is due.
#[derive(Debug)]
pub(crate) struct DueRow {
    pub(crate) name: String,
    pub(crate) cron: String,
    pub(crate) timezone: String,
    pub(crate) kind_id: i16,
    pub(crate) queue_id: i16,
    pub(crate) args: Value,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
}

/// The next due schedule, locked for this transaction; another replica takes another one.
pub(crate) async fn schedule_due(conn: &mut PgConnection) -> Result<Option<DueRow>, sqlx::Error> {
    sqlx::query_as!(
        DueRow,
        r#"select name, cron, timezone, kind_id, queue_id, args, next_at, trunkline.now() as "now!"
           from trunkline.schedules
           where next_at <= trunkline.now()
           order by next_at
           limit 1
           for update skip locked"#
    )
    .fetch_optional(conn)
    .await
}

/// Moves a schedule on to its next tick.
pub(crate) async fn schedule_advance(
    conn: &mut PgConnection,
    name: &str,
    next_at: DateTime<Utc>,
    job_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.schedules set last_at = next_at, next_at = $2, last_job_id = $3 where name = $1",
        name,
        next_at,
        job_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A schedule as the code declares it.
pub(crate) struct ScheduleRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) cron: &'a str,
    pub(crate) timezone: &'a str,
    pub(crate) kind_id: i16,
    pub(crate) queue_id: i16,
    pub(crate) args: &'a Value,
    pub(crate) next_at: DateTime<Utc>,
}

/// Declares a schedule. One that is there keeps its next tick, unless its times were changed.
pub(crate) async fn schedule_declare(
    conn: &mut PgConnection,
    row: &ScheduleRow<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.schedules as s (name, cron, timezone, kind_id, queue_id, args, next_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (name) do update
         set cron = excluded.cron, timezone = excluded.timezone, kind_id = excluded.kind_id,
             queue_id = excluded.queue_id, args = excluded.args, next_at = excluded.next_at
         where (s.cron, s.timezone, s.kind_id, s.queue_id, s.args)
             is distinct from (excluded.cron, excluded.timezone, excluded.kind_id, excluded.queue_id, excluded.args)",
        row.name,
        row.cron,
        row.timezone,
        row.kind_id,
        row.queue_id,
        row.args,
        row.next_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
