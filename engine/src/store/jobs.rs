//! Jobs: inserted once, with the token that says where they begin.

use std::collections::HashSet;

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
    pub(crate) lane: Option<Uuid>,
    pub(crate) gates: Option<Value>,
    pub(crate) expires_after: Option<PgInterval>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// How long the run may take from now, if it was given a time of its own.
    pub(crate) deadline: Option<PgInterval>,
    /// How long its kind may take. Written down for what may have to wait before gates: there it comes due by itself.
    pub(crate) deadline_of_kind: Option<PgInterval>,
    pub(crate) due_after: Option<PgInterval>,
    pub(crate) due_at: Option<DateTime<Utc>>,
}

impl JobRow {
    /// Whether it may run at once and has nothing that most jobs do not have. (Its kind's deadline is known to whoever runs
    /// it. Its queue may be a fair one, which only the
    /// database knows: then it begins in its tenant's lane.)
    pub(crate) fn is_plain(&self) -> bool {
        self.parent_id.is_none()
            && self.unique_key.is_none()
            && !self.has_deed
            && self.lane.is_none()
            && self.gates.is_none()
            && self.expires_after.is_none()
            && self.expires_at.is_none()
            && self.deadline.is_none()
            && self.due_after.is_none()
            && self.due_at.is_none()
    }
}

/// Inserts jobs with their tokens, plain ones in a statement of their own. A job that is there already (a repeat after a lost
/// reply) is left as it is.
pub(crate) async fn jobs_insert(
    conn: &mut PgConnection,
    rows: &[JobRow],
) -> Result<(), sqlx::Error> {
    let (plain, mut others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_plain());
    if !plain.is_empty() {
        let done: HashSet<_> = jobs_insert_plain(conn, &plain).await?.into_iter().collect();
        // Those of fair queues, and repeats.
        others.extend(plain.into_iter().filter(|row| !done.contains(&row.job_id)));
    }
    if others.is_empty() { Ok(()) } else { jobs_insert_any(conn, &others).await }
}

/// Inserts plain jobs of queues that are not fair: two parts and eight arrays, where [`jobs_insert_any`] has five and nineteen.
/// Returns those that were inserted.
async fn jobs_insert_plain(
    conn: &mut PgConnection,
    rows: &[&JobRow],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let column = |f: fn(&JobRow) -> i16| rows.iter().map(|row| f(row)).collect::<Vec<_>>();
    let job_ids: Vec<_> = rows.iter().map(|row| row.job_id).collect();
    let args: Vec<_> = rows.iter().map(|row| &row.args).collect();
    let tenants: Vec<_> = rows.iter().map(|row| row.tenant_id).collect();
    let traces: Vec<_> = rows.iter().map(|row| row.traceparent.as_deref()).collect();
    sqlx::query_scalar!(
        r#"
        with added as (
            insert into trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args, tenant_id, traceparent)
            select t.job_id, t.retention, t.kind_id, t.queue_id, t.priority, t.args, t.tenant_id, t.traceparent
            from unnest($1::uuid[], $2::int2[], $3::int2[], $4::int2[], $5::int2[], $6::jsonb[], $7::uuid[], $8::text[])
                as t (job_id, retention, kind_id, queue_id, priority, args, tenant_id, traceparent)
            join trunkline.queues q on q.queue_id = t.queue_id and not q.fair
            on conflict do nothing -- repeated after a lost reply
            returning job_id, retention, kind_id, queue_id, priority
        )
        insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course, lane)
        select job_id, 0, queue_id, kind_id, priority, 0, 0, retention, 0, null from added
        returning job_id
        "#,
        &job_ids,
        &column(|row| row.retention),
        &column(|row| row.kind_id),
        &column(|row| row.queue_id),
        &column(|row| row.priority),
        &args as &[&Value],
        &tenants as &[Option<Uuid>],
        &traces as &[Option<&str>],
    )
    .fetch_all(conn)
    .await
}

async fn jobs_insert_any(conn: &mut PgConnection, rows: &[&JobRow]) -> Result<(), sqlx::Error> {
    let column = |f: fn(&JobRow) -> i16| rows.iter().map(|row| f(row)).collect::<Vec<_>>();
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
    let lanes: Vec<_> = rows.iter().map(|row| row.lane).collect();
    let gates: Vec<_> = rows.iter().map(|row| row.gates.as_ref()).collect();
    let expires_after: Vec<_> = rows.iter().map(|row| row.expires_after).collect();
    let expires_at: Vec<_> = rows.iter().map(|row| row.expires_at).collect();
    let deadlines: Vec<_> = rows.iter().map(|row| row.deadline.or(row.deadline_of_kind)).collect();
    sqlx::query!(
        r#"
        with input as (
            select t.job_id, t.retention, t.kind_id, t.queue_id, t.priority, t.args, t.tenant_id, t.parent_id,
                   t.parent_step, t.unique_key, t.traceparent, t.has_deed, t.gates,
                   coalesce(t.due_at, trunkline.now() + t.due_after) as due,
                   coalesce(t.expires_at, trunkline.now() + t.expires_after) as expires_at,
                   trunkline.now() + t.deadline as deadline_at,
                   -- In a fair queue each tenant has a lane of its own for each kind.
                   case when q.fair then md5(t.kind_id || ':' || coalesce(t.tenant_id::text, ''))::uuid else t.lane end
                       as lane
            from unnest($1::uuid[], $2::int2[], $3::int2[], $4::int2[], $5::int2[], $6::jsonb[], $7::uuid[],
                        $8::uuid[], $9::text[], $10::bytea[], $11::text[], $12::interval[], $13::timestamptz[],
                        $14::bool[], $15::uuid[], $16::jsonb[], $17::interval[], $18::timestamptz[],
                        $19::interval[])
                as t (job_id, retention, kind_id, queue_id, priority, args, tenant_id,
                      parent_id, parent_step, unique_key, traceparent, due_after, due_at, has_deed, lane, gates,
                      expires_after, expires_at, deadline)
            join trunkline.queues q on q.queue_id = t.queue_id
        ), added as (
            insert into trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args, tenant_id,
                                        parent_id, parent_step, unique_key, traceparent, has_deed, lane, gates,
                                        expires_at, deadline_at)
            select job_id, retention, kind_id, queue_id, priority, args, tenant_id,
                   parent_id, parent_step, unique_key, traceparent, has_deed, lane, gates, expires_at, deadline_at
            from input
            on conflict do nothing -- repeated after a lost reply
            returning job_id
        ), made_ready as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
            select job_id, 0, queue_id, kind_id, priority, 0, 0, retention, 0
            from input join added using (job_id)
            where (due is null or due <= trunkline.now()) and lane is null
        ), to_gates as (
            -- Comes out by itself when it expires, or is over.
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority,
                                         attempt, crashes, retention, course, lane, blocked)
            select job_id, least(expires_at, deadline_at), 'waiting', 'before its gates', 0, queue_id, kind_id, priority,
                   0, 0, retention, 0, lane, true
            from input join added using (job_id)
            where (due is null or due <= trunkline.now()) and lane is not null
        )
        insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority,
                                     attempt, crashes, retention, course, lane)
        select job_id, least(due, expires_at, deadline_at), 'scheduled', 'enqueued for later', 0, queue_id, kind_id,
               priority, 0, 0, retention, 0, lane
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
        &lanes as &[Option<Uuid>],
        &gates as &[Option<&Value>],
        &expires_after as &[Option<PgInterval>],
        &expires_at as &[Option<DateTime<Utc>>],
        &deadlines as &[Option<PgInterval>],
    )
    .execute(conn)
    .await?;
    Ok(())
}
