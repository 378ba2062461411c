//! The jobs that an operation is about, and what became of each.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A job that is to be worked on, or to be taken back.
#[derive(Debug)]
pub(crate) struct ItemRow {
    pub(crate) job_id: Uuid,
    pub(crate) epoch: Option<i32>,
    pub(crate) due: Option<DateTime<Utc>>,
    pub(crate) became: Option<Uuid>,
}

/// What became of a job.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) job_id: Uuid,
    pub(crate) state: &'static str,
    pub(crate) epoch: Option<i32>,
    pub(crate) due: Option<DateTime<Utc>>,
    pub(crate) became: Option<Uuid>,
    pub(crate) why: Option<String>,
}

/// The next jobs in a state, which stands in the statement itself: each has an index of its own, which a parameter would hide
/// from a plan that is kept.
macro_rules! next_items {
    ($(#[$doc:meta])+ $name:ident $state:tt) => {
        $(#[$doc])+
        pub(crate) async fn $name(
            conn: &mut PgConnection,
            operation_id: Uuid,
            rows_max: i64,
        ) -> Result<Vec<ItemRow>, sqlx::Error> {
            sqlx::query_as!(
                ItemRow,
                "select job_id, epoch, due, became from trunkline.operation_items
                 where operation_id = $1 and state = '" + $state + "' order by job_id limit $2",
                operation_id,
                rows_max,
            )
            .fetch_all(conn)
            .await
        }
    };
}

next_items! {
    /// The next jobs that are frozen. Whoever asks holds the operation's row, so nobody else has them.
    items_to_do "frozen"
}

next_items! {
    /// The next jobs that were done. Whoever asks holds the operation's row.
    items_done "done"
}

/// Writes down what became of jobs, and counts it.
pub(crate) async fn items_settle(
    conn: &mut PgConnection,
    operation_id: Uuid,
    rows: &[Settled],
) -> Result<(), sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.job_id).collect();
    let states: Vec<_> = rows.iter().map(|row| row.state.to_owned()).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.epoch).collect();
    let dues: Vec<_> = rows.iter().map(|row| row.due).collect();
    let became: Vec<_> = rows.iter().map(|row| row.became).collect();
    let whys: Vec<_> = rows.iter().map(|row| row.why.as_deref()).collect();
    sqlx::query!(
        "with settled as (
             update trunkline.operation_items i
             set state = t.state, epoch = t.epoch, due = t.due, became = t.became, why = t.why
             from unnest($2::uuid[], $3::text[], $4::int4[], $5::timestamptz[], $6::uuid[], $7::text[])
                 as t (job_id, state, epoch, due, became, why)
             where i.operation_id = $1 and i.job_id = t.job_id
             returning i.state
         )
         update trunkline.operations
         set done = done + (select count(*) from settled where state = 'done'),
             refused = refused + (select count(*) from settled where state = 'refused'),
             undone = undone + (select count(*) from settled where state = 'undone'),
             not_undone = not_undone + (select count(*) from settled where state = 'not_undone')
         where operation_id = $1",
        operation_id,
        &job_ids,
        &states,
        &epochs as &[Option<i32>],
        &dues as &[Option<DateTime<Utc>>],
        &became as &[Option<Uuid>],
        &whys as &[Option<&str>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How the jobs that were done stand now.
#[derive(Debug)]
pub(crate) struct CanaryRow {
    pub(crate) ended: i64,
    pub(crate) bad: i64,
}

/// How many of the jobs that were done have ended, or wait for a person, and how many of these failed or do the latter.
pub(crate) async fn items_ended(
    conn: &mut PgConnection,
    operation_id: Uuid,
) -> Result<CanaryRow, sqlx::Error> {
    sqlx::query_as!(
        CanaryRow,
        r#"select count(*) filter (where o.state is not null or w.job_id is not null) as "ended!",
                  count(*) filter (where o.state = 'failed' or w.job_id is not null) as "bad!"
           from trunkline.operation_items i
           left join trunkline.outcomes o on o.job_id = coalesce(i.became, i.job_id)
           left join trunkline.waits w on w.job_id = coalesce(i.became, i.job_id) and w.state = 'parked'
           where i.operation_id = $1 and i.state = 'done'"#,
        operation_id,
    )
    .fetch_one(conn)
    .await
}

/// The newest of the jobs, for people to look at.
pub(crate) async fn items_sample(
    conn: &mut PgConnection,
    operation_id: Uuid,
    rows_max: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select job_id from trunkline.operation_items where operation_id = $1 order by job_id desc limit $2",
        operation_id,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// Why jobs could not be done or taken back, and how many each.
#[derive(Debug)]
pub(crate) struct WhyRow {
    pub(crate) state: String,
    pub(crate) why: Option<String>,
    pub(crate) jobs: i64,
}

/// Reasons, the most frequent first.
pub(crate) async fn items_whys(
    conn: &mut PgConnection,
    operation_id: Uuid,
    rows_max: i64,
) -> Result<Vec<WhyRow>, sqlx::Error> {
    sqlx::query_as!(
        WhyRow,
        r#"select state, why, count(*) as "jobs!" from trunkline.operation_items
           where operation_id = $1 and state in ('refused', 'not_undone')
           group by state, why order by count(*) desc, state, why limit $2"#,
        operation_id,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// How often a job was claimed so far, and when it is to run.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) job_id: Uuid,
    pub(crate) epoch: i32,
    pub(crate) due: Option<DateTime<Utc>>,
}

/// Where live jobs stand. One that is not here is nowhere, at this moment.
pub(crate) async fn stands_of(
    conn: &mut PgConnection,
    job_ids: &[Uuid],
) -> Result<Vec<Stand>, sqlx::Error> {
    if job_ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Stand,
        r#"select w.job_id as "job_id!", w.epoch as "epoch!", case when w.state = 'scheduled' then w.due end as due
           from trunkline.waits w where w.job_id = any ($1)
           union all
           select r.job_id, r.epoch, null from trunkline.jobs j
           join trunkline.ready r on r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id
           where j.job_id = any ($1)
           union all
           select l.job_id, l.epoch, null from trunkline.leases l where l.job_id = any ($1)"#,
        job_ids,
    )
    .fetch_all(conn)
    .await
}

/// Keeps workers from a job that was ready to run under this epoch. False: it has begun since, or is somewhere else.
pub(crate) async fn hold_unbegun(
    conn: &mut PgConnection,
    job_id: Uuid,
    epoch: i32,
) -> Result<bool, sqlx::Error> {
    let ready = sqlx::query_scalar!(
        r#"select true as "held!" from trunkline.ready r
           join trunkline.jobs j on r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id
           where j.job_id = $1 and r.epoch = $2 and r.course = 0
           for update of r"#,
        job_id,
        epoch,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if ready.is_some() {
        return Ok(true);
    }
    let before_gates = sqlx::query_scalar!(
        r#"select true as "held!" from trunkline.waits
           where job_id = $1 and epoch = $2 and course = 0 and blocked for update"#,
        job_id,
        epoch,
    )
    .fetch_optional(conn)
    .await?;
    Ok(before_gates.is_some())
}

/// Has a job wait for its time again that was made to run at once. The caller holds it.
pub(crate) async fn put_back_to_time(
    conn: &mut PgConnection,
    job_id: Uuid,
    due: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let put = sqlx::query!(
        "with job as (
             select queue_id, priority from trunkline.jobs where job_id = $1
         ), from_ready as (
             delete from trunkline.ready r using job
             where r.queue_id = job.queue_id and r.priority = job.priority and r.job_id = $1
             returning r.job_id, r.epoch, r.queue_id, r.kind_id, r.priority, r.attempt, r.crashes, r.retention, r.lane
         ), from_gates as (
             delete from trunkline.waits w where w.job_id = $1 and w.blocked
             returning w.job_id, w.epoch, w.queue_id, w.kind_id, w.priority, w.attempt, w.crashes, w.retention, w.lane
         )
         insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                      retention, course, lane)
         select g.job_id, $2, 'scheduled', 'enqueued for later', g.epoch, g.queue_id, g.kind_id, g.priority, g.attempt,
                g.crashes, g.retention, 0, coalesce(g.lane, j.lane)
         from (select * from from_ready union all select * from from_gates) as g
         join trunkline.jobs j on j.job_id = g.job_id and j.retention = g.retention",
        job_id,
        due,
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// Has a job wait for its time again that was cancelled before it had ever begun. False: it was not that.
pub(crate) async fn reopen_for_its_time(
    conn: &mut PgConnection,
    job_id: Uuid,
    due: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let put = sqlx::query!(
        "with gone as (
             delete from trunkline.outcomes
             where job_id = $1 and state = 'cancelled' and epoch = 0 and not undone and $2::timestamptz > trunkline.now()
             returning job_id, retention, attempt
         )
         insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                      retention, course, lane)
         select g.job_id, $2, 'scheduled', 'enqueued for later', 0, j.queue_id, j.kind_id, j.priority, g.attempt, 0,
                g.retention, 0, j.lane
         from gone g join trunkline.jobs j on j.job_id = g.job_id and j.retention = g.retention",
        job_id,
        due,
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}
