//! The story of a run, rebuilt from the database alone.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Why a run was turned round, in the words of its last body-level failure.
pub(crate) async fn failure_last(
    conn: &mut PgConnection,
    job_id: Uuid,
    retention: i16,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select error from trunkline.failures
         where job_id = $1 and retention = $2 and key is null and phase = 'do'
         order by failed_at desc limit 1",
        job_id,
        retention,
    )
    .fetch_optional(conn)
    .await
}

/// One thing that happened in a run.
#[derive(Debug)]
pub(crate) struct StepRow {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) attempt: i16,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) error: Option<String>,
    /// Of a deed: its row, as it stands in the ledger.
    pub(crate) deed: Option<Value>,
}

/// Everything that happened in a run, in order. At most `rows_max`, the first ones.
pub(crate) async fn steps_of(
    conn: &mut PgConnection,
    job_id: Uuid,
    rows_max: i64,
) -> Result<Vec<StepRow>, sqlx::Error> {
    sqlx::query_as!(
        StepRow,
        r#"
        select name as "name!", kind as "kind!", state as "state!", attempt as "attempt!", started_at, finished_at, error,
               deed
        from (
            select key as name, form as kind, 'succeeded' as state, attempt, started_at, finished_at,
                   null as error, finished_at as at, null::jsonb as deed
            from trunkline.checkpoints
            where job_id = $1 and form <> 'deadline'
            union all
            select key, form, state, attempt, started_at, coalesce(undone_at, finished_at), null, started_at, to_jsonb(e)
            from trunkline.effects e
            where job_id = $1
            union all
            select coalesce(key, 'body'), phase, case class when 'snooze' then 'snoozed' else 'failed' end,
                   attempt, null, failed_at, class || ': ' || error, failed_at, null
            from trunkline.failures
            where job_id = $1
        ) as story
        order by at, name
        limit $2
        "#,
        job_id,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// One deed of a run.
#[derive(Debug, Deserialize)]
pub(crate) struct DeedRow {
    pub(crate) seq: i32,
    pub(crate) key: String,
    pub(crate) form: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) input: Value,
    pub(crate) output: Option<Value>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) undone_at: Option<DateTime<Utc>>,
}

/// The undo ledger of a run, oldest first.
pub(crate) async fn deeds_of(
    conn: &mut PgConnection,
    job_id: Uuid,
    rows_max: i64,
) -> Result<Vec<DeedRow>, sqlx::Error> {
    sqlx::query_as!(
        DeedRow,
        "select seq, key, form, name, state, input, output, started_at, finished_at, undone_at
         from trunkline.effects where job_id = $1 order by seq limit $2",
        job_id,
        rows_max,
    )
    .fetch_all(conn)
    .await
}
