//! Ticks of the past that somebody wants made after all.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, postgres::types::PgInterval};
use uuid::Uuid;

/// A backfill, to be written.
pub(crate) struct BackfillRow<'a> {
    pub(crate) backfill_id: Uuid,
    pub(crate) schedule: &'a str,
    pub(crate) from_at: DateTime<Utc>,
    pub(crate) to_at: DateTime<Utc>,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) per_minute: i16,
    pub(crate) asked_by: &'a str,
    pub(crate) reason: &'a str,
}

/// Notes a backfill. False: one of the same schedule is still going on.
pub(crate) async fn backfill_insert(
    conn: &mut PgConnection,
    row: &BackfillRow<'_>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into trunkline.backfills (backfill_id, schedule, from_at, to_at, next_at, per_minute, asked_by, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (schedule) where finished_at is null do nothing",
        row.backfill_id,
        row.schedule,
        row.from_at,
        row.to_at,
        row.next_at,
        row.per_minute,
        row.asked_by,
        row.reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A backfill whose turn it is.
#[derive(Debug)]
pub(crate) struct DueBackfill {
    pub(crate) backfill_id: Uuid,
    pub(crate) schedule: String,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) to_at: DateTime<Utc>,
    pub(crate) per_minute: i16,
}

/// A backfill of one of these schedules whose turn it is, locked for this transaction.
pub(crate) async fn backfill_due(
    conn: &mut PgConnection,
    schedules: &[String],
) -> Result<Option<DueBackfill>, sqlx::Error> {
    sqlx::query_as!(
        DueBackfill,
        "select backfill_id, schedule, next_at, to_at, per_minute
         from trunkline.backfills
         where finished_at is null and resume_at <= trunkline.now() and schedule = any ($1)
         order by resume_at
         limit 1
         for update skip locked",
        schedules,
    )
    .fetch_optional(conn)
    .await
}

/// What one turn of a backfill came to.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) made: i32,
    pub(crate) had_run: i32,
    /// The first tick of the next turn; `None`: it is done.
    pub(crate) next_at: Option<DateTime<Utc>>,
}

/// Writes down what one turn came to; the next is after `rest`.
pub(crate) async fn backfill_advance(
    conn: &mut PgConnection,
    backfill_id: Uuid,
    turn: &Turn,
    rest: PgInterval,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.backfills
         set made = made + $2, had_run = had_run + $3, next_at = coalesce($4, next_at),
             resume_at = trunkline.now() + $5::interval,
             finished_at = case when $4::timestamptz is null then trunkline.now() end
         where backfill_id = $1",
        backfill_id,
        turn.made,
        turn.had_run,
        turn.next_at,
        rest,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the backfill of a schedule where it stands. False: none is going on.
pub(crate) async fn backfill_stop(
    conn: &mut PgConnection,
    schedule: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update trunkline.backfills set finished_at = trunkline.now() where schedule = $1 and finished_at is null",
        schedule,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets backfills that ended longer than 90 days ago. At most `rows_max` at once.
pub(crate) async fn backfills_expire(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.backfills where backfill_id in (
             select backfill_id from trunkline.backfills
             where finished_at < trunkline.now() - interval '90 days' limit $1 for update skip locked)",
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
