//! Messages to jobs, kept until they are taken.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A kept message.
#[derive(Debug, Clone)]
pub(crate) struct StoredSignal {
    pub(crate) signal_id: Uuid,
    pub(crate) name: String,
    pub(crate) payload: Value,
}

/// Keeps a message for a job that is not finished. A repeat with the same dedupe key changes nothing.
pub(crate) async fn signal_insert(
    conn: &mut PgConnection,
    signal_id: Uuid,
    job_id: Uuid,
    name: &str,
    payload: &Value,
    dedupe_key: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.signals (signal_id, job_id, name, payload, dedupe_key)
         select $1, $2, $3, $4, $5
         where not exists (select from trunkline.outcomes where job_id = $2)
         on conflict do nothing",
        signal_id,
        job_id,
        name,
        payload,
        dedupe_key,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Messages that a run has not taken yet, oldest first.
pub(crate) async fn signals_of(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Vec<StoredSignal>, sqlx::Error> {
    sqlx::query_as!(
        StoredSignal,
        "select signal_id, name, payload from trunkline.signals where job_id = $1 order by sent_at, signal_id",
        job_id,
    )
    .fetch_all(conn)
    .await
}

/// Makes ready those of these jobs that wait for a message that is there. Returns their queues.
///
/// Both the sender and the job that goes to wait look here after their own commits: whichever commits second sees the
/// other. What a crash leaves between a commit and its look, [`signals_sweep`] finds.
pub(crate) async fn signals_wake(
    conn: &mut PgConnection,
    job_ids: &[Uuid],
) -> Result<Vec<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with woken as materialized (
            select w.job_id from trunkline.waits w
            where w.job_id = any ($1)
              and w.state = 'waiting'
              and exists (select from trunkline.signals s where s.job_id = w.job_id and s.name = any (w.wakes))
            for update skip locked
        ), gone as (
            delete from trunkline.waits w using woken where w.job_id = woken.job_id returning w.*
        )
        insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course from gone
        returning queue_id
        "#,
        job_ids,
    )
    .fetch_all(conn)
    .await
}

/// Jobs that wait although their message is there: the sender or the waiter died between its commit and its look.
pub(crate) async fn signals_sweep(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select distinct s.job_id from trunkline.signals s
           join trunkline.waits w on w.job_id = s.job_id and w.state = 'waiting' and s.name = any (w.wakes)
           limit $1"#,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// Forgets a job's messages of one name.
pub(crate) async fn signals_forget(
    conn: &mut PgConnection,
    job_id: Uuid,
    name: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from trunkline.signals where job_id = $1 and name = $2", job_id, name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Drops what jobs never took that ended without looking. At most `rows_max` at once.
pub(crate) async fn signals_tidy(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.signals where signal_id in (
             select s.signal_id from trunkline.signals s join trunkline.outcomes o using (job_id)
             limit $1 for update of s skip locked)",
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Drops what finished jobs never took.
pub(crate) async fn signals_drop(
    conn: &mut PgConnection,
    job_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from trunkline.signals where job_id = any ($1)", job_ids)
        .execute(conn)
        .await?;
    Ok(())
}
