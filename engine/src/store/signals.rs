//! Messages to jobs, kept until they are taken.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Fence;

/// A kept message.
#[derive(Debug, Clone)]
pub(crate) struct StoredSignal {
    pub(crate) signal_id: Uuid,
    pub(crate) name: String,
    pub(crate) payload: Value,
    pub(crate) dedupe_key: Option<String>,
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

/// Withdraws a message of which the job has taken an earlier copy. To be asked after the insert, in a statement of its
/// own: the insert waits for a job that is just taking that copy, and only a later look sees that it did.
pub(crate) async fn signal_withdraw_repeat(
    conn: &mut PgConnection,
    signal_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from trunkline.signals s using trunkline.checkpoints c
         where s.signal_id = $1 and c.job_id = s.job_id and c.form = 'wait'
           and c.output ->> 'signal' = s.name and c.output ->> 'dedupe_key' = s.dedupe_key",
        signal_id,
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
        "select signal_id, name, payload, dedupe_key from trunkline.signals where job_id = $1 order by sent_at, signal_id",
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
              and (exists (select from trunkline.signals s where s.job_id = w.job_id and s.name = any (w.wakes))
                   -- or for a permit, which is no message: it is there or not
                   or exists (select from trunkline.permits p
                              where p.job_id = w.job_id and p.form = 'hold' and p.granted_at is not null
                                and 'permit:' || p.gate_id = any (w.wakes)))
            for update skip locked
        ), gone as (
            delete from trunkline.waits w using woken where w.job_id = woken.job_id returning w.*
        ), to_gates as (
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id,
                   (select least(j.deadline_at, case when g.epoch = 0 then j.expires_at end) from trunkline.jobs j
                    where j.job_id = g.job_id and j.retention = g.retention),
                   'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, crashes, retention, course,
                   lane, true
            from gone g
            where lane is not null and course = 0
        ), made_ready as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course, lane from gone
            where lane is null or course > 0
        )
        select queue_id from gone
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

/// Drops the messages of one name that a job has not taken: they are about something that is over. Only the holder of the
/// lease may: a late one would drop what its successor waits for.
pub(crate) async fn signals_drop_named(
    conn: &mut PgConnection,
    fence: Fence,
    name: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with held as materialized (
             select job_id from trunkline.leases where job_id = $1 and epoch = $2 for key share
         )
         delete from trunkline.signals s using held where s.job_id = held.job_id and s.name = $3",
        fence.job_id,
        fence.epoch,
        name,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops old messages to jobs that have ended without taking them. At most `rows_max` at once.
pub(crate) async fn signals_expire(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.signals where signal_id in (
             select s.signal_id from trunkline.signals s
             where s.sent_at < trunkline.now() - interval '1 hour'
               and (exists (select from trunkline.outcomes o where o.job_id = s.job_id)
                    -- its retention is over, or it never was
                    or not exists (select from trunkline.jobs j where j.job_id = s.job_id))
             limit $1)",
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
