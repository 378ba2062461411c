//! Operations on many jobs: the order, how it stands, and the jobs that it is about.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// An operation to be written.
#[derive(Debug)]
pub(crate) struct NewOperation<'a> {
    pub(crate) operation_id: Uuid,
    pub(crate) deed: &'a str,
    pub(crate) mode: Option<&'a str>,
    pub(crate) filter: Value,
    pub(crate) before_job: Uuid,
    pub(crate) canary_jobs: i32,
    pub(crate) canary_bad_max: i32,
    pub(crate) canary_secs: i32,
    pub(crate) made_by: &'a str,
}

/// An operation.
#[derive(Debug)]
pub(crate) struct OperationRow {
    pub(crate) operation_id: Uuid,
    pub(crate) deed: String,
    pub(crate) mode: Option<String>,
    pub(crate) filter: Value,
    pub(crate) before_job: Uuid,
    pub(crate) canary_jobs: i32,
    pub(crate) canary_bad_max: i32,
    pub(crate) canary_secs: i32,
    pub(crate) state: String,
    pub(crate) why: Option<String>,
    pub(crate) matched: i64,
    pub(crate) done: i64,
    pub(crate) refused: i64,
    pub(crate) undone: i64,
    pub(crate) not_undone: i64,
    pub(crate) per_second: Option<i32>,
    pub(crate) made_by: String,
    pub(crate) started_by: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) undone_by: Option<String>,
    pub(crate) undo_reason: Option<String>,
    pub(crate) undo_job: Option<Uuid>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) frozen_at: Option<DateTime<Utc>>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Writes an operation.
pub(crate) async fn operation_insert(
    conn: &mut PgConnection,
    new: NewOperation<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.operations (operation_id, deed, mode, filter, before_job, canary_jobs, canary_bad_max,
                                           canary_secs, made_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.operation_id,
        new.deed,
        new.mode,
        new.filter,
        new.before_job,
        new.canary_jobs,
        new.canary_bad_max,
        new.canary_secs,
        new.made_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks an operation until the transaction ends: whoever works on it, and whoever decides about it, take turns. False:
/// there is none.
pub(crate) async fn operation_lock(
    conn: &mut PgConnection,
    operation_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"select true as "held!" from trunkline.operations where operation_id = $1 for update"#,
        operation_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// An operation.
pub(crate) async fn operation_get(
    conn: &mut PgConnection,
    operation_id: Uuid,
) -> Result<Option<OperationRow>, sqlx::Error> {
    sqlx::query_as!(
        OperationRow,
        "select operation_id, deed, mode, filter, before_job, canary_jobs, canary_bad_max, canary_secs, state, why, matched, done,
                refused, undone, not_undone, per_second, made_by, started_by, reason, undone_by, undo_reason, undo_job,
                created_at, frozen_at, started_at, finished_at
         from trunkline.operations where operation_id = $1",
        operation_id,
    )
    .fetch_optional(conn)
    .await
}

/// Operations, newest first.
pub(crate) async fn operations_list(
    conn: &mut PgConnection,
    state: Option<&str>,
    older_than: Option<Uuid>,
    rows_max: i64,
) -> Result<Vec<OperationRow>, sqlx::Error> {
    sqlx::query_as!(
        OperationRow,
        "select operation_id, deed, mode, filter, before_job, canary_jobs, canary_bad_max, canary_secs, state, why, matched, done,
                refused, undone, not_undone, per_second, made_by, started_by, reason, undone_by, undo_reason, undo_job,
                created_at, frozen_at, started_at, finished_at
         from trunkline.operations
         where ($1::text is null or state = $1) and ($2::uuid is null or operation_id < $2)
         order by operation_id desc limit $3",
        state,
        older_than,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// So many more jobs are frozen.
pub(crate) async fn operation_grows(
    conn: &mut PgConnection,
    operation_id: Uuid,
    rows: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.operations set matched = matched + $2 where operation_id = $1",
        operation_id,
        rows,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves an operation. `is_over`: nothing happens by itself any more.
pub(crate) async fn operation_move(
    conn: &mut PgConnection,
    operation_id: Uuid,
    state: &str,
    why: Option<&str>,
    is_over: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.operations
         set state = $2, why = $3, finished_at = case when $4 then trunkline.now() end,
             frozen_at = case when $2 = 'frozen' then trunkline.now() else frozen_at end
         where operation_id = $1",
        operation_id,
        state,
        why,
        is_over,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down who starts it, why, and how fast.
pub(crate) async fn operation_begin(
    conn: &mut PgConnection,
    operation_id: Uuid,
    by: &str,
    reason: &str,
    per_second: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.operations
         set state = 'working', started_at = trunkline.now(), started_by = $2, reason = $3, per_second = $4
         where operation_id = $1",
        operation_id,
        by,
        reason,
        per_second,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down who takes it back, why, and which job does that.
pub(crate) async fn operation_begin_undo(
    conn: &mut PgConnection,
    operation_id: Uuid,
    by: &str,
    reason: Option<&str>,
    job_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.operations
         set state = 'undoing', why = null, finished_at = null, undone_by = $2, undo_reason = $3, undo_job = $4
         where operation_id = $1",
        operation_id,
        by,
        reason,
        job_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets which jobs old operations were about, a few at a time. Their counts stay.
pub(crate) async fn operations_forget(
    conn: &mut PgConnection,
    older_than: sqlx::postgres::types::PgInterval,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "delete from trunkline.operation_items i
         using (select i.operation_id, i.job_id
                from trunkline.operations o
                join trunkline.operation_items i using (operation_id)
                where o.finished_at < trunkline.now() - $1::interval
                limit $2
                for update of i skip locked) as old
         where i.operation_id = old.operation_id and i.job_id = old.job_id",
        older_than,
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
