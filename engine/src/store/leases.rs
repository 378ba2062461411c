//! Who is running what. Every write of a worker is guarded by a row here: the fence.
//!
//! What the committer writes waits for no lock longer than two seconds ([`super::db::BEGIN_OWN`]). A statement that may be
//! alone in its flush has no BEGIN to say so and says it itself, before it asks for its first lock: that costs no round trip,
//! and holds behind a pooler, too.

use serde_json::Value;
use sqlx::{PgConnection, postgres::types::PgInterval};
use uuid::Uuid;

use super::Fence;

/// Locks a lease for the rest of the transaction, so that it cannot be rescued in between. False: it is not ours.
pub(crate) async fn lease_hold(conn: &mut PgConnection, fence: Fence) -> Result<bool, sqlx::Error> {
    #[cfg(feature = "planted-bugs")]
    if crate::planted::is(crate::planted::Bug::NoFencing) {
        return Ok(true);
    }
    let held = sqlx::query_scalar!(
        r#"select true as "held!" from trunkline.leases where job_id = $1 and epoch = $2 for key share"#,
        fence.job_id,
        fence.epoch,
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.is_some())
}

/// The end of a job, as a worker says it.
#[derive(Debug, Clone)]
pub(crate) struct FinishRow {
    pub(crate) fence: Fence,
    pub(crate) state: &'static str,
    pub(crate) undone: bool,
    /// Whether its deeds stand on purpose.
    pub(crate) kept: bool,
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<Value>,
}

impl FinishRow {
    /// Whether it simply succeeded, as most do.
    pub(crate) fn is_plain(&self) -> bool {
        self.state == "succeeded" && !self.undone && !self.kept && self.error.is_none()
    }
}

/// Ends jobs that have succeeded and hold no permits, at two thirds of the price of [`leases_finish`]. Returns those whose
/// lease was still ours; one that holds permits is not among them.
pub(crate) async fn leases_succeed(
    conn: &mut PgConnection,
    rows: &[&FinishRow],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let outputs: Vec<_> = rows.iter().map(|row| row.output.as_ref()).collect();
    sqlx::query_scalar!(
        r#"
        with input as materialized (
            select t.* from (
                select case current_setting('lock_timeout') when '0' then set_config('lock_timeout', '2s', true) end
            ) as patience (said)
            cross join unnest($1::uuid[], $2::int4[], $3::jsonb[]) as t (job_id, epoch, output)
        ), gone as (
            delete from trunkline.leases l
            where l.ctid = any (array(
                select x.at from input i cross join lateral (
                    select ctid as at from trunkline.leases
                    where job_id = i.job_id and epoch = i.epoch and lane is null limit 1) x))
            returning l.job_id, l.retention, l.epoch, l.attempt
        )
        insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, output)
        select g.job_id, g.retention, 'succeeded', g.epoch, g.attempt, i.output
        from gone g join input i using (job_id)
        returning job_id
        "#,
        &job_ids,
        &epochs,
        &outputs as &[Option<&Value>],
    )
    .fetch_all(conn)
    .await
}

/// Ends jobs: the lease goes, the outcome comes. Returns those whose lease was still ours.
pub(crate) async fn leases_finish(
    conn: &mut PgConnection,
    rows: &[&FinishRow],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let states: Vec<_> = rows.iter().map(|row| row.state.to_owned()).collect();
    let undone: Vec<_> = rows.iter().map(|row| row.undone).collect();
    let kept: Vec<_> = rows.iter().map(|row| row.kept).collect();
    let outputs: Vec<_> = rows.iter().map(|row| row.output.as_ref()).collect();
    let errors: Vec<_> = rows.iter().map(|row| row.error.as_ref()).collect();
    sqlx::query_scalar!(
        r#"
        with input as (
            select * from unnest($1::uuid[], $2::int4[], $3::text[], $4::bool[], $5::jsonb[], $6::jsonb[], $7::bool[])
                as t (job_id, epoch, state, undone, output, error, kept)
        ), gone as (
            delete from trunkline.leases l
            where l.job_id = any (array(
                -- One look into the index for each pair. As a join, a planner that believes the table to be empty
                -- compares every pair with every lease (docs/decisions/0001).
                select x.job_id from input i cross join lateral (
                    select job_id from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1) x))
            returning l.job_id, l.retention, l.epoch, l.attempt, l.lane
        ), freed as (
            delete from trunkline.permits p
            where p.job_id = any (array(select job_id from gone where lane is not null))
            returning p.gate_id, p.job_id, p.form
        ), told as (
            insert into trunkline.breaker_news (gate_id, good)
            select f.gate_id, true from freed f join input i using (job_id)
            where f.form = 'canary' and i.state = 'succeeded'
        )
        insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, undone, output, error, kept)
        select g.job_id, g.retention, i.state, g.epoch, g.attempt, i.undone, i.output, i.error, i.kept
        from gone g join input i using (job_id)
        returning job_id
        "#,
        &job_ids,
        &epochs,
        &states,
        &undone,
        &outputs as &[Option<&Value>],
        &errors as &[Option<&Value>],
        &kept,
    )
    .fetch_all(conn)
    .await
}

/// Hands jobs back unharmed: the worker is stopping. Returns those whose lease was still ours.
pub(crate) async fn leases_release(
    conn: &mut PgConnection,
    job_ids: &[Uuid],
    epochs: &[i32],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with input as materialized (
            select t.* from (
                select case current_setting('lock_timeout') when '0' then set_config('lock_timeout', '2s', true) end
            ) as patience (said)
            cross join unnest($1::uuid[], $2::int4[]) as t (job_id, epoch)
        ), gone as (
            delete from trunkline.leases l
            where l.job_id = any (array(
                select x.job_id from input i cross join lateral (
                    select job_id from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1) x))
            returning l.*, exists (select from trunkline.cancels c where c.job_id = l.job_id) as cancel_wanted
        ), blocked as (
            -- Back before its gates, with the permits it has.
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id,
                   (select least(j.deadline_at, case when g.epoch = 0 then j.expires_at end) from trunkline.jobs j
                    where j.job_id = g.job_id and j.retention = g.retention),
                   'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, crashes, retention, course,
                   lane, true
            from gone g
            where lane is not null and course = 0 and not cancel_wanted
        ), back as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                   case when cancel_wanted and course = 0 then 1 else course end, lane
            from gone
            where lane is null or course > 0 or cancel_wanted
        )
        select job_id from gone
        "#,
        job_ids,
        epochs,
    )
    .fetch_all(conn)
    .await
}

/// Turns a run round: from here on it takes back what it did; or forward again, when a cancel was refused. False: the
/// lease is not ours.
pub(crate) async fn lease_turn(
    conn: &mut PgConnection,
    fence: Fence,
    course: i16,
) -> Result<bool, sqlx::Error> {
    let turned = sqlx::query_scalar!(
        r#"
        with turned as (
            update trunkline.leases l set course = $3
            from (
                select case current_setting('lock_timeout') when '0' then set_config('lock_timeout', '2s', true) end
            ) as patience (said)
            where l.job_id = $1 and l.epoch = $2 returning l.job_id, l.course
        ), refused as (
            -- Forward again: the request is answered. One to end it at once needs no answer of its worker.
            delete from trunkline.cancels c using turned t
            where c.job_id = t.job_id and t.course = 0 and c.mode <> 'terminate'
        )
        select true as "turned!" from turned
        "#,
        fence.job_id,
        fence.epoch,
        course,
    )
    .fetch_optional(conn)
    .await?;
    Ok(turned.is_some())
}

/// Returns jobs that a worker was given without hearing of it: the reply to its claim was lost. Whatever it has in hand,
/// or has claimed a moment ago, stays. Returns their queues.
pub(crate) async fn leases_return_unheard(
    conn: &mut PgConnection,
    worker_id: i32,
    in_hand: &[Uuid],
    claimed_before: PgInterval,
) -> Result<Vec<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with unheard as materialized (
            select ctid as at from trunkline.leases
            where worker_id = $1 and claimed_at < trunkline.now() - $3::interval and job_id <> all ($2)
            for update skip locked -- a last write of it is on its way, or waits: the next look takes it
        ), gone as (
            delete from trunkline.leases l
            where l.ctid = any (array(select at from unheard))
            returning l.*, exists (select from trunkline.cancels c where c.job_id = l.job_id) as cancel_wanted
        ), blocked as (
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id,
                   (select least(j.deadline_at, case when g.epoch = 0 then j.expires_at end) from trunkline.jobs j
                    where j.job_id = g.job_id and j.retention = g.retention),
                   'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, crashes, retention, course,
                   lane, true
            from gone g
            where lane is not null and course = 0 and not cancel_wanted
        ), back as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                   case when cancel_wanted and course = 0 then 1 else course end, lane
            from gone
            where lane is null or course > 0 or cancel_wanted
        )
        select queue_id from gone
        "#,
        worker_id,
        in_hand,
        claimed_before,
    )
    .fetch_all(conn)
    .await
}

/// Of these jobs, those whose leases others have locked at this moment. Waits for none of them.
pub(crate) async fn leases_locked(
    conn: &mut PgConnection,
    job_ids: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with free as materialized (
            select l.job_id from trunkline.leases l
            where l.job_id = any ($1)
            for update skip locked
        )
        select l.job_id from trunkline.leases l
        where l.job_id = any ($1) and l.job_id <> all (array(select job_id from free))
        "#,
        job_ids,
    )
    .fetch_all(conn)
    .await
}

/// Where a job goes that leaves its worker without being finished.
#[derive(Debug, Clone)]
pub(crate) struct SuspendRow {
    pub(crate) fence: Fence,
    pub(crate) state: &'static str,
    /// Why it is parked, if it is.
    pub(crate) cause: Option<&'static str>,
    /// At which step or entry of the ledger it is parked.
    pub(crate) entry: Option<String>,
    pub(crate) reason: String,
    pub(crate) due_after: Option<PgInterval>,
    pub(crate) due_at: Option<chrono::DateTime<chrono::Utc>>,
    /// At this instant it comes back at the latest: its deadline.
    pub(crate) due_by: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) wakes: Vec<String>,
    pub(crate) attempts_charged: i16,
}

/// Moves jobs from their leases to `waits`. A job that somebody wants cancelled goes to `ready` instead, so that a
/// worker sees to it at once. Returns those whose lease was still ours.
pub(crate) async fn leases_suspend(
    conn: &mut PgConnection,
    rows: &[SuspendRow],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let job_ids: Vec<_> = rows.iter().map(|row| row.fence.job_id).collect();
    let epochs: Vec<_> = rows.iter().map(|row| row.fence.epoch).collect();
    let states: Vec<_> = rows.iter().map(|row| row.state.to_owned()).collect();
    let reasons: Vec<_> = rows.iter().map(|row| row.reason.clone()).collect();
    let due_after: Vec<_> = rows.iter().map(|row| row.due_after).collect();
    let due_at: Vec<_> = rows.iter().map(|row| row.due_at).collect();
    let due_by: Vec<_> = rows.iter().map(|row| row.due_by).collect();
    let wakes: Vec<_> = rows.iter().map(|row| Value::from(row.wakes.clone())).collect();
    let charged: Vec<_> = rows.iter().map(|row| row.attempts_charged).collect();
    let causes: Vec<_> = rows.iter().map(|row| row.cause).collect();
    let entries: Vec<_> = rows.iter().map(|row| row.entry.as_deref()).collect();
    sqlx::query_scalar!(
        r#"
        with input as materialized (
            select t.* from (
                select case current_setting('lock_timeout') when '0' then set_config('lock_timeout', '2s', true) end
            ) as patience (said)
            cross join unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::interval[], $6::timestamptz[],
                              $7::jsonb[], $8::int2[], $9::text[], $10::text[], $11::timestamptz[])
                as t (job_id, epoch, state, reason, due_after, due_at, wakes, charged, cause, entry, due_by)
        ), gone as (
            delete from trunkline.leases l
            where l.job_id = any (array(
                select x.job_id from input i cross join lateral (
                    select job_id from trunkline.leases where job_id = i.job_id and epoch = i.epoch limit 1) x))
            returning l.*, exists (select from trunkline.cancels c where c.job_id = l.job_id) as cancel_wanted
        ), freed as (
            delete from trunkline.permits p
            where p.form <> 'hold' -- what it holds on purpose it holds while it sleeps, too
              and p.job_id = any (array(select job_id from gone where lane is not null))
        ), to_cancel as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, 0, retention, 1, lane
            from gone
            where cancel_wanted and course = 0
        ), suspended as (
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt,
                                         crashes, retention, course, wakes, cause, entry, lane)
            select g.job_id,
                   -- Two branches may have named a time each. It comes back for its deadline, too; one that goes
                   -- backwards has none.
                   least(i.due_at, trunkline.now() + i.due_after, case when g.course < 2 then i.due_by end),
                   i.state, i.reason, g.epoch, g.queue_id,
                   g.kind_id, g.priority, g.attempt + i.charged, 0, g.retention, g.course,
                   array(select jsonb_array_elements_text(i.wakes)), i.cause, i.entry, g.lane
            from gone g join input i using (job_id)
            where not (g.cancel_wanted and g.course = 0)
        )
        select job_id from gone
        "#,
        &job_ids,
        &epochs,
        &states,
        &reasons,
        &due_after as &[Option<PgInterval>],
        &due_at as &[Option<chrono::DateTime<chrono::Utc>>],
        &wakes,
        &charged,
        &causes as &[Option<&str>],
        &entries as &[Option<&str>],
        &due_by as &[Option<chrono::DateTime<chrono::Utc>>],
    )
    .fetch_all(conn)
    .await
}
