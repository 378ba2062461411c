//! What may not run now: scheduled, waiting, parked.

use sqlx::PgConnection;
use uuid::Uuid;

/// Makes due jobs ready, the longest due first. Returns the queue of each.
pub(crate) async fn waits_promote(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with due as materialized (
            select job_id from trunkline.waits
            where due <= trunkline.now()
            order by due
            limit $1
            for update skip locked
        ), gone as (
            delete from trunkline.waits w using due where w.job_id = due.job_id returning w.*
        ), to_gates as (
            insert into trunkline.waits (job_id, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id, 'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, crashes,
                   retention, course, lane, true
            from gone
            where lane is not null and course = 0 and not blocked
        ), made_ready as (
            -- One that is due before its gates has expired: a worker takes it to end it.
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course, lane from gone
            where lane is null or course > 0 or blocked
        )
        select queue_id from gone
        "#,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// How long until the next job is due; `None` when none is.
pub(crate) async fn waits_next_due(conn: &mut PgConnection) -> Result<Option<f64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select extract(epoch from min(due) - trunkline.now())::float8 from trunkline.waits where due is not null"#
    )
    .fetch_one(conn)
    .await
}

/// Makes a job ready that waits or is parked, whatever it waits for. Returns its queue, or `None` if it does neither.
pub(crate) async fn wait_release(
    conn: &mut PgConnection,
    job_id: Uuid,
    course: Option<i16>,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            delete from trunkline.waits where job_id = $1 and not blocked returning *
        ), to_gates as (
            insert into trunkline.waits (job_id, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id, 'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, 0,
                   retention, 0, lane, true
            from gone
            where lane is not null and coalesce($2, course) = 0
        ), made_ready as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, 0, retention, coalesce($2, course), lane
            from gone
            where lane is null or coalesce($2, course) > 0
        )
        select queue_id from gone
        "#,
        job_id,
        course,
    )
    .fetch_optional(conn)
    .await
}

/// In which state a job waits; `None` if it does not.
pub(crate) async fn wait_state(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select state from trunkline.waits where job_id = $1", job_id)
        .fetch_optional(conn)
        .await
}
