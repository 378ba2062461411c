//! Going on from an earlier step: what was recorded after it is set aside, or lent to another run.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A step as it was recorded.
#[derive(Debug)]
pub(crate) struct RecordedStep {
    pub(crate) form: String,
    pub(crate) finished_at: DateTime<Utc>,
    /// Whether it is an entry of the ledger.
    pub(crate) is_deed: bool,
}

/// The step or deed with this key.
pub(crate) async fn step_recorded(
    conn: &mut PgConnection,
    job_id: Uuid,
    key: &str,
) -> Result<Option<RecordedStep>, sqlx::Error> {
    sqlx::query_as!(
        RecordedStep,
        r#"
        select form as "form!", finished_at as "finished_at!", lent is not null as "is_deed!"
        from trunkline.checkpoints where job_id = $1 and key = $2 and form <> 'deadline'
        union all
        select form, coalesce(finished_at, trunkline.now()), true from trunkline.effects where job_id = $1 and key = $2
        "#,
        job_id,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// What was done since an instant and would be done again, or be out of step with what is done again: deeds that stand,
/// and transactions. The key of each, first ones first.
pub(crate) async fn stands_since(
    conn: &mut PgConnection,
    job_id: Uuid,
    since: DateTime<Utc>,
    rows_max: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select key as "key!" from (
            select key, coalesce(finished_at, started_at) as at from trunkline.effects
            where job_id = $1 and state in ('intent', 'unknown', 'done') and coalesce(finished_at, started_at) >= $2
            union all
            select key, finished_at from trunkline.checkpoints
            where job_id = $1 and form = 'transaction' and finished_at >= $2
        ) as standing
        order by at, key
        limit $3
        "#,
        job_id,
        since,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// Sets aside a step and what was recorded since: the run will come to it anew. Transactions after it, which happen once,
/// marks that a run passes once, and whether it is a run of older code, stay. Returns how many rows.
pub(crate) async fn checkpoints_set_aside(
    conn: &mut PgConnection,
    job_id: Uuid,
    key: &str,
    since: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "with gone as (
             delete from trunkline.checkpoints
             where job_id = $1
               and (key = $2 or key = $2 || '~until' -- a wait is given its whole time again
                    or finished_at >= $3 and form not in ('transaction', 'pivot', 'race', 'patch') and lent is null)
             returning *
         )
         insert into trunkline.superseded (job_id, key, form, output, attempt, started_at, finished_at)
         select job_id, key, form, output, attempt, started_at, finished_at from gone",
        job_id,
        key,
        since,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Drops what was set aside long ago. At most `rows_max` at once.
pub(crate) async fn superseded_expire(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.superseded where ctid in (
             select ctid from trunkline.superseded
             where set_aside_at < trunkline.now() - interval '400 days'
             limit $1)",
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A deed that a run did before an instant.
#[derive(Debug)]
pub(crate) struct EarlierDeed {
    pub(crate) key: String,
    pub(crate) form: String,
    pub(crate) state: String,
    pub(crate) output: Option<Value>,
}

/// What a run did before an instant, but for what is known not to have happened.
pub(crate) async fn deeds_before(
    conn: &mut PgConnection,
    job_id: Uuid,
    before: DateTime<Utc>,
) -> Result<Vec<EarlierDeed>, sqlx::Error> {
    sqlx::query_as!(
        EarlierDeed,
        "select key, form, state, output from trunkline.effects
         where job_id = $1 and state <> 'idle' and coalesce(finished_at, started_at) < $2
         order by seq",
        job_id,
        before,
    )
    .fetch_all(conn)
    .await
}

/// Lends what a run had recorded before an instant to another one: its steps' outputs, and, as if they were steps, what
/// its deeds yielded. They are no entries of the other run's ledger, so it never takes them back.
pub(crate) async fn outputs_lend(
    conn: &mut PgConnection,
    from: Uuid,
    to: Uuid,
    before: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.checkpoints (job_id, retention, key, form, output, attempt, started_at, finished_at, lent)
         select $2::uuid, retention, key, form, output, attempt, started_at, finished_at, lent
         from trunkline.checkpoints c
         where job_id = $1 and finished_at < $3
           and (form <> 'deadline' -- that of a wait which is still to come is counted from when the fork comes to it
                or exists (select from trunkline.checkpoints w
                           where w.job_id = $1 and w.finished_at < $3 and w.key || '~until' = c.key))
         union all
         select $2::uuid, retention, key, 'step', output, attempt, started_at, finished_at, form
         from trunkline.effects
         where job_id = $1 and state = 'done' and output is not null and finished_at < $3",
        from,
        to,
        before,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a run has taken the message of a child's end, as far as its steps tell.
pub(crate) async fn end_is_taken(
    conn: &mut PgConnection,
    job_id: Uuid,
    signal: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from trunkline.checkpoints
                          where job_id = $1 and form = 'wait' and output ->> 'signal' = $2) as "taken!""#,
        job_id,
        signal,
    )
    .fetch_one(conn)
    .await
}

/// Lets the token of a new job look like that of one that has run before, so that whoever claims it reads what it was
/// lent.
pub(crate) async fn token_age(conn: &mut PgConnection, job_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.ready r set epoch = 1 from trunkline.jobs j
         where j.job_id = $1 and r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = $1",
        job_id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update trunkline.waits set epoch = 1 where job_id = $1", job_id)
        .execute(conn)
        .await?;
    Ok(())
}
