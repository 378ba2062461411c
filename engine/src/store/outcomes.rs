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
    pub(crate) output: Option<Value>,
}

/// How a job ended, if it has.
pub(crate) async fn outcome_get(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<OutcomeRow>, sqlx::Error> {
    sqlx::query_as!(
        OutcomeRow,
        "select state, undone, output from trunkline.outcomes where job_id = $1",
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Brings a finished job back: to be undone by its parent, or to be tried again by an operator. Its checkpoints stay,
/// so it goes on where it stopped. `attempt` starts anew. Returns its queue; `None` if it is not finished in one of
/// `states`, or if there is nothing to undo any more.
pub(crate) async fn outcome_reopen(
    conn: &mut PgConnection,
    job_id: Uuid,
    states: &[String],
    course: i16,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            delete from trunkline.outcomes where job_id = $1 and state = any ($2) and not undone returning *
        )
        insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select g.job_id, g.epoch, j.queue_id, j.kind_id, j.priority, 0, 0, g.retention, $3
        from gone g join trunkline.jobs j on j.job_id = g.job_id and j.retention = g.retention
        returning queue_id
        "#,
        job_id,
        states,
        course,
    )
    .fetch_optional(conn)
    .await
}
