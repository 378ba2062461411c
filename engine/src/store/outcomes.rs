//! How jobs ended.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Which of these (job, epoch) pairs have their outcome already: a repeat after a lost reply finds its own rows.
pub(crate) async fn outcomes_written(
    conn: &mut PgConnection,
    job_ids: &[Uuid],
    epochs: &[i32],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select o.job_id from trunkline.outcomes o
         join unnest($1::uuid[], $2::int4[]) as t (job_id, epoch) on o.job_id = t.job_id and o.epoch = t.epoch",
        job_ids,
        epochs,
    )
    .fetch_all(conn)
    .await
}

/// How a job ended.
#[derive(Debug)]
pub(crate) struct OutcomeRow {
    pub(crate) state: String,
    pub(crate) undone: bool,
    pub(crate) kept: bool,
    pub(crate) output: Option<Value>,
}

/// How a job ended, if it has.
pub(crate) async fn outcome_get(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<OutcomeRow>, sqlx::Error> {
    sqlx::query_as!(
        OutcomeRow,
        "select state, undone, kept, output from trunkline.outcomes where job_id = $1",
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Locks the outcome of a job that [`outcome_reopen`] can bring back, so that nobody else does meanwhile, and says which
/// unique key the job has. `None`: it cannot be brought back.
pub(crate) async fn outcome_hold(
    conn: &mut PgConnection,
    job_id: Uuid,
    states: &[String],
) -> Result<Option<Option<Vec<u8>>>, sqlx::Error> {
    sqlx::query_scalar!(
        "select j.unique_key
         from trunkline.outcomes o
         join trunkline.jobs j on j.job_id = o.job_id and j.retention = o.retention
         where o.job_id = $1 and (o.state = any ($2) or o.kept) and not o.undone
         for update of o",
        job_id,
        states,
    )
    .fetch_optional(conn)
    .await
}

/// Brings a finished job back: to be undone by its parent, or to be tried again by an operator. Its checkpoints stay,
/// so it goes on where it stopped. `attempt` starts anew. Returns its queue; `None` if it is neither finished in one of
/// `states` nor cancelled with its deeds kept, or if there is nothing to undo any more.
pub(crate) async fn outcome_reopen(
    conn: &mut PgConnection,
    job_id: Uuid,
    states: &[String],
    course: i16,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            delete from trunkline.outcomes where job_id = $1 and (state = any ($2) or kept) and not undone returning *
        ), token as (
            select g.job_id, g.epoch, j.queue_id, j.kind_id, j.priority, g.retention, j.lane,
                   least(j.deadline_at, case when g.epoch = 0 then j.expires_at end) as over_at
            from gone g join trunkline.jobs j on j.job_id = g.job_id and j.retention = g.retention
        ), to_gates as (
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id, over_at, 'waiting', 'before its gates', epoch, queue_id, kind_id, priority, 0, 0, retention, 0,
                   lane, true
            from token
            where lane is not null and $3::int2 = 0
        ), made_ready as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, 0, 0, retention, $3, lane
            from token
            where lane is null or $3::int2 > 0
        )
        select queue_id from token
        "#,
        job_id,
        states,
        course,
    )
    .fetch_optional(conn)
    .await
}
