//! Cancelling, from each of the places where a job can stand.

use sqlx::PgConnection;
use uuid::Uuid;

/// Ends a job that has never run and was born with no deed: nothing has to be taken back. Returns whether it was one.
pub(crate) async fn cancel_unstarted(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        with job as (
            select queue_id, priority from trunkline.jobs where job_id = $1 and not has_deed
        ), from_ready as (
            delete from trunkline.ready r using job
            where r.queue_id = job.queue_id and r.priority = job.priority and r.job_id = $1 and r.epoch = 0
            returning r.job_id, r.retention, r.attempt
        ), from_waits as (
            delete from trunkline.waits w using job where w.job_id = $1 and w.epoch = 0
            returning w.job_id, w.retention, w.attempt
        )
        insert into trunkline.outcomes (job_id, retention, state, epoch, attempt)
        select job_id, retention, 'cancelled', 0, attempt
        from (select * from from_ready union all select * from from_waits) as gone
        "#,
        job_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has a worker see to a job that has run before and stands still now. Returns its queue, if it was one.
pub(crate) async fn cancel_resting(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<i16>, sqlx::Error> {
    let in_ready = sqlx::query_scalar!(
        "update trunkline.ready r set course = greatest(r.course, 1::int2)
         from (select queue_id, priority from trunkline.jobs where job_id = $1) as job
         where r.queue_id = job.queue_id and r.priority = job.priority and r.job_id = $1
         returning r.queue_id",
        job_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if in_ready.is_some() {
        return Ok(in_ready);
    }
    // One that is being undone already goes on with that; parked, it waits for its person.
    sqlx::query_scalar!(
        r#"
        with gone as (delete from trunkline.waits where job_id = $1 and course = 0 returning *)
        insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, epoch, queue_id, kind_id, priority, attempt, 0, retention, 1 from gone
        returning queue_id
        "#,
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Asks the worker that has the job. Returns whether one has it.
pub(crate) async fn cancel_running(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("update trunkline.leases set cancel_asked = true where job_id = $1", job_id)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// What has to be seen to when a job ends outside a worker.
#[derive(Debug)]
pub(crate) struct Concerns {
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) unique_key: Option<Vec<u8>>,
}

/// Whom a job concerns. `None`: there is no such job.
pub(crate) async fn concerns_of(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<Concerns>, sqlx::Error> {
    sqlx::query_as!(
        Concerns,
        "select parent_id, unique_key from trunkline.jobs where job_id = $1",
        job_id
    )
    .fetch_optional(conn)
    .await
}
