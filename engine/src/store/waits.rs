//! What may not run now: scheduled, waiting, parked.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// From which instant on due jobs are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// From the first that there is.
    All,
    At(DateTime<Utc>),
    /// [`LATE`] ago.
    Lately,
}

/// Entries are rarely longer in committing.
pub(crate) const LATE: TimeDelta = TimeDelta::seconds(10);

/// A job that was due.
#[derive(Debug)]
pub(crate) struct DueRow {
    pub(crate) queue_id: i16,
    pub(crate) due: DateTime<Utc>,
}

/// Makes due jobs ready, the longest due first.
pub(crate) async fn waits_promote(
    conn: &mut PgConnection,
    begin: Begin,
    rows_max: i64,
) -> Result<Vec<DueRow>, sqlx::Error> {
    sqlx::query_as!(
        DueRow,
        r#"
        with due as materialized (
            select job_id from trunkline.waits
            where due >= case when $1 then '-infinity' else coalesce($2, trunkline.now() - make_interval(secs => $3)) end
              and due <= trunkline.now()
            order by due
            limit $4
            for update skip locked
        ), gone as (
            delete from trunkline.waits w using due where w.job_id = due.job_id returning w.*
        ), token as materialized (
            select g.*, case when g.lane is not null and g.course = 0 and not g.blocked then
                   (select least(j.deadline_at, case when g.epoch = 0 then j.expires_at end) from trunkline.jobs j
                    where j.job_id = g.job_id and j.retention = g.retention) end as over_at
            from gone g
        ), to_gates as (
            -- There it comes due again when its time is over.
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id, over_at, 'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, crashes,
                   retention, course, lane, true
            from token
            where lane is not null and course = 0 and not blocked and (over_at > trunkline.now()) is not false
        ), made_ready as (
            -- One that is due before its gates has expired, or is over: a worker takes it to end it.
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course, lane from token
            where lane is null or course > 0 or blocked or over_at <= trunkline.now()
        )
        select queue_id, due as "due!" from gone
        "#,
        begin == Begin::All,
        begin.at(),
        LATE.as_seconds_f64(),
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// When the next job is due.
#[derive(Debug)]
pub(crate) struct NextDue {
    /// In so many seconds; `None`: none is.
    pub(crate) secs: Option<f64>,
    /// By the database's clock.
    pub(crate) at: DateTime<Utc>,
}

/// When the next job is due, of those that are due from an instant on.
pub(crate) async fn waits_next_due(
    conn: &mut PgConnection,
    begin: Begin,
) -> Result<NextDue, sqlx::Error> {
    sqlx::query_as!(
        NextDue,
        r#"select extract(epoch from min(due) - trunkline.now())::float8 as secs, trunkline.now() as "at!"
           from trunkline.waits
           where due >= case when $1 then '-infinity' else coalesce($2, trunkline.now() - make_interval(secs => $3)) end"#,
        begin == Begin::All,
        begin.at(),
        LATE.as_seconds_f64(),
    )
    .fetch_one(conn)
    .await
}

impl Begin {
    const fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Begin::At(at) => Some(at),
            Begin::All | Begin::Lately => None,
        }
    }
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
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id,
                   (select least(j.deadline_at, case when g.epoch = 0 then j.expires_at end) from trunkline.jobs j
                    where j.job_id = g.job_id and j.retention = g.retention),
                   'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, 0, retention, 0, lane, true
            from gone g
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
