//! Jobs: inserted once, with the token that says where they begin.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, postgres::types::PgInterval};
use uuid::Uuid;

/// A job as it is written; names are already ids.
#[derive(Debug, Clone)]
pub(crate) struct JobRow {
    pub(crate) job_id: Uuid,
    pub(crate) retention: i16,
    pub(crate) kind_id: i16,
    pub(crate) queue_id: i16,
    pub(crate) priority: i16,
    pub(crate) args: Value,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) parent_step: Option<String>,
    pub(crate) unique_key: Option<Vec<u8>>,
    pub(crate) traceparent: Option<String>,
    pub(crate) has_deed: bool,
    pub(crate) due_after: Option<PgInterval>,
    pub(crate) due_at: Option<DateTime<Utc>>,
}

/// Inserts jobs with their tokens. A job that is there already (a repeat after a lost reply) is left as it is.
pub(crate) async fn jobs_insert(
    conn: &mut PgConnection,
    rows: &[JobRow],
) -> Result<(), sqlx::Error> {
    let column = |f: fn(&JobRow) -> i16| rows.iter().map(f).collect::<Vec<_>>();
    let job_ids: Vec<_> = rows.iter().map(|row| row.job_id).collect();
    let args: Vec<_> = rows.iter().map(|row| &row.args).collect();
    let tenants: Vec<_> = rows.iter().map(|row| row.tenant_id).collect();
    let parents: Vec<_> = rows.iter().map(|row| row.parent_id).collect();
    let parent_steps: Vec<_> = rows.iter().map(|row| row.parent_step.as_deref()).collect();
    let uniques: Vec<_> = rows.iter().map(|row| row.unique_key.as_deref()).collect();
    let traces: Vec<_> = rows.iter().map(|row| row.traceparent.as_deref()).collect();
    let due_after: Vec<_> = rows.iter().map(|row| row.due_after).collect();
    let has_deed: Vec<_> = rows.iter().map(|row| row.has_deed).collect();
    let due_at: Vec<_> = rows.iter().map(|row| row.due_at).collect();
    sqlx::query!(
        r#"
        with input as (
            select *, coalesce(due_at, trunkline.now() + due_after) as due
            from unnest($1::uuid[], $2::int2[], $3::int2[], $4::int2[], $5::int2[], $6::jsonb[], $7::uuid[],
                        $8::uuid[], $9::text[], $10::bytea[], $11::text[], $12::interval[], $13::timestamptz[], $14::bool[])
                as t (job_id, retention, kind_id, queue_id, priority, args, tenant_id,
                      parent_id, parent_step, unique_key, traceparent, due_after, due_at, has_deed)
        ), added as (
            insert into trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args, tenant_id,
                                        parent_id, parent_step, unique_key, traceparent, has_deed)
            select job_id, retention, kind_id, queue_id, priority, args, tenant_id,
                   parent_id, parent_step, unique_key, traceparent, has_deed
            from input
            on conflict do nothing -- repeated after a lost reply
            returning job_id
        ), made_ready as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
            select job_id, 0, queue_id, kind_id, priority, 0, 0, retention, 0
            from input join added using (job_id)
            where due is null or due <= trunkline.now()
        )
        insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority,
                                     attempt, crashes, retention, course)
        select job_id, due, 'scheduled', 'enqueued for later', 0, queue_id, kind_id, priority, 0, 0, retention, 0
        from input join added using (job_id)
        where due > trunkline.now()
        "#,
        &job_ids,
        &column(|row| row.retention),
        &column(|row| row.kind_id),
        &column(|row| row.queue_id),
        &column(|row| row.priority),
        &args as &[&Value],
        &tenants as &[Option<Uuid>],
        &parents as &[Option<Uuid>],
        &parent_steps as &[Option<&str>],
        &uniques as &[Option<&[u8]>],
        &traces as &[Option<&str>],
        &due_after as &[Option<PgInterval>],
        &due_at as &[Option<DateTime<Utc>>],
        &has_deed,
    )
    .execute(conn)
    .await?;
    Ok(())
}
