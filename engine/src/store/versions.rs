//! What somebody can have changed of a thing since it was looked at, in one value; and the locks under which that is asked.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Locks a queue against whoever else sets something on it. Claimers skip it meanwhile, as they do for any order.
pub(crate) async fn queue_hold(conn: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("select from trunkline.queues where name = $1 for no key update", name)
        .execute(conn)
        .await?;
    Ok(())
}

/// What is set on a queue; a pause that is over is none.
pub(crate) async fn queue_version(
    conn: &mut PgConnection,
    name: &str,
) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select jsonb_build_array(queue_id, at_once_max, fair, latency_target_ms,
                      case when paused_at is not null and coalesce(pause_until > trunkline.now(), true)
                      then jsonb_build_array(extract(epoch from paused_at), pause_reason,
                                             extract(epoch from pause_until)) end) as "version!"
           from trunkline.queues where name = $1"#,
        name,
    )
    .fetch_optional(conn)
    .await
}

/// What is declared of a schedule and what operators want of it. Not its ticks: they come by themselves.
pub(crate) async fn schedule_version(
    conn: &mut PgConnection,
    name: &str,
) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select jsonb_build_array(s.name, s.cron, s.timezone, s.kind_id, s.queue_id, s.args, s.missed, s.catch_up_max,
                      extract(epoch from s.changed_at), s.changed_by, s.changed_reason,
                      extract(epoch from s.paused_at), s.paused_by, s.paused_reason,
                      (select b.backfill_id from trunkline.backfills b
                       where b.schedule = s.name and b.finished_at is null)) as "version!"
           from trunkline.schedules s where s.name = $1"#,
        name,
    )
    .fetch_optional(conn)
    .await
}

/// Locks a worker's row. Its own heartbeat waits for that, as it does for any order about it.
pub(crate) async fn worker_hold(
    conn: &mut PgConnection,
    worker_id: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!("select from trunkline.workers where worker_id = $1 for no key update", worker_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Which worker it is, and whether somebody wants it to rest.
pub(crate) async fn worker_version(
    conn: &mut PgConnection,
    worker_id: i32,
) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select jsonb_build_array(worker_id, name, pool, version, extract(epoch from started_at),
                                    extract(epoch from rest_asked_at), rest_reason) as "version!"
           from trunkline.workers where worker_id = $1"#,
        worker_id,
    )
    .fetch_optional(conn)
    .await
}

/// What was decided about an operation, and where it stands. Not how far it is.
pub(crate) async fn operation_version(
    conn: &mut PgConnection,
    operation_id: Uuid,
) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select jsonb_build_array(operation_id, state, matched, per_second, started_by, reason, undone_by, undo_reason,
                                    undo_job) as "version!"
           from trunkline.operations where operation_id = $1"#,
        operation_id,
    )
    .fetch_optional(conn)
    .await
}

/// Locks a job where it rests, then its arguments, in the order in which an edit takes them. What a worker holds is not
/// locked: nobody waits for an operator's transaction.
pub(crate) async fn job_hold(conn: &mut PgConnection, job_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("select from trunkline.waits where job_id = $1 for update", job_id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "select from trunkline.ready r
         where (r.queue_id, r.priority, r.job_id) =
               (select j.queue_id, j.priority, j.job_id from trunkline.jobs j where j.job_id = $1)
         for update",
        job_id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("select from trunkline.jobs where job_id = $1 for no key update", job_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// What a job is asked to do, where it stands, under which claim, and whether somebody wants it cancelled. Not how far a
/// worker is with it.
pub(crate) async fn job_version(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select jsonb_build_array(j.job_id, j.args,
                      (select jsonb_build_array(w.state, w.epoch, w.course, w.attempt, extract(epoch from w.due),
                                                w.reason, w.cause, w.entry)
                       from trunkline.waits w where w.job_id = j.job_id),
                      (select jsonb_build_array(r.epoch, r.course, r.attempt) from trunkline.ready r
                       where r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id),
                      (select jsonb_build_array(l.epoch, l.course, l.attempt) from trunkline.leases l
                       where l.job_id = j.job_id),
                      (select jsonb_build_array(o.state, o.epoch, o.attempt, o.undone, o.kept,
                                                extract(epoch from o.finished_at))
                       from trunkline.outcomes o where o.job_id = j.job_id and o.retention = j.retention),
                      (select jsonb_build_array(c.mode, c.forced, extract(epoch from c.asked_at))
                       from trunkline.cancels c where c.job_id = j.job_id)) as "version!"
           from trunkline.jobs j where j.job_id = $1"#,
        job_id,
    )
    .fetch_optional(conn)
    .await
}
